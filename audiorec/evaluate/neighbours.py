"""Whether like things lie near each other: an evaluation that needs no listening.

Every track asks for its five nearest. Two things are known of them without anybody's plays: that
some are by the same artist, and that some are the same song by somebody else. Neither is what
listeners want, but a space of sound in which neither is near is no good to them.

What learns from artists is asked about artists that it did not learn from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from audiorec.data.name_matching import normalize_text
from audiorec.data.tracks import Track
from audiorec.embeddings import Embeddings, unit_norm
from audiorec.evaluate.ears import NO_EAR, Ear
from audiorec.evaluate.table import aligned
from audiorec.exceptions import ArtifactError, DataError
from audiorec.mel.duplicates import duplicates_of
from audiorec.metrics.resampling import Interval, interval, resampled_means
from audiorec.models.content_space import CONTENT_BLOCKS, fit_content_space
from audiorec.models.heads import apply_head
from audiorec.progress import Progress, silent

if TYPE_CHECKING:
    from audiorec.mel.store import MelStore
    from audiorec.pipeline.recipe import Recipe

K = 5
MAX_ASKING = 5_000  # tracks, evenly spread
BLOCK = 512  # of them at a time
ABOUT = ("same artist", "same song, other artist")
RANDOM = "random"
REFERENCE = "musicnn"  # the others are compared with

Scores = Callable[[np.ndarray], np.ndarray]
"""From rows of tracks that ask to a score of every track, [shape=(n_asking, n)]."""


class Relations(NamedTuple):
    """Who is like whom.

    Attributes
    ----------
    ids : tuple of str
    artists, songs : np.ndarray [shape=(n,)], int64
        Numbers that tracks of one artist, and of one title, share; below 0 where unknown.
    recordings : np.ndarray [shape=(n,)], int64
        Numbers that copies of one recording share: they do not count as neighbours.
    """

    ids: tuple[str, ...]
    artists: np.ndarray
    songs: np.ndarray
    recordings: np.ndarray

    def like(self, row: int) -> np.ndarray:
        """Which tracks count as right for one that asks, [shape=(2, n)], bool: see `ABOUT`."""
        artist, song = self.artists[row], self.songs[row]
        other = self.recordings != self.recordings[row]
        by_artist = (self.artists == artist) & (artist >= 0) & other
        by_others = (self.songs == song) & (song >= 0) & (self.artists != artist) & other
        return np.stack([by_artist, by_others & (self.artists >= 0)])


@dataclass(frozen=True)
class NeighbourReport:
    """Shares of tracks with such a neighbour among their five nearest.

    Attributes
    ----------
    shares, intervals : dict of str to (dict of str to float, or Interval)
        By system, then by what is asked about. Intervals are 95 %, over the tracks that ask.
    gaps : dict of str to (dict of str to Interval)
        `REFERENCE` less the other system, of the same tracks.
    asking : dict of str to int
        Tracks that have such a neighbour to find.
    n_tracks : int
    notes : tuple of str
    """

    shares: Mapping[str, Mapping[str, float]]
    intervals: Mapping[str, Mapping[str, Interval]]
    gaps: Mapping[str, Mapping[str, Interval]]
    asking: Mapping[str, int]
    n_tracks: int
    notes: tuple[str, ...]

    def to_text(self) -> str:
        """The table for people."""
        heads = [f"{about} ({self.asking[about]})" for about in ABOUT]
        rows = [["", *(part for head in heads for part in (head, "musicnn is ahead by"))]]
        for name in self.shares:
            cells = [name]
            for about in ABOUT:
                cells += [self._cell(name, about), self._gap(name, about)]
            rows.append(cells)
        title = (
            f"Share of tracks with such a neighbour among the {K} nearest, of {self.n_tracks} "
            "tracks; how many ask is in parentheses"
        )
        return "\n".join([title, "", *aligned(rows), "", *self.notes])

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "k": K,
            "n_tracks": self.n_tracks,
            "asking": dict(self.asking),
            "systems": {
                name: {
                    about: {
                        "share": None if np.isnan(share) else share,
                        "interval": _plain(self.intervals[name][about]),
                        "ahead": _plain(self.gaps.get(name, {}).get(about)),
                    }
                    for about, share in shares.items()
                }
                for name, shares in self.shares.items()
            },
            "notes": list(self.notes),
        }

    def _cell(self, name: str, about: str) -> str:
        share, (low, high) = self.shares[name][about], self.intervals[name][about]
        return "-" if np.isnan(share) else f"{share:.3f} [{low:.3f} .. {high:.3f}]"

    def _gap(self, name: str, about: str) -> str:
        gap = self.gaps.get(name, {}).get(about)
        return "" if gap is None or np.isnan(gap.low) else f"{gap.low:+.3f} .. {gap.high:+.3f}"


def evaluate_neighbours(
    store: MelStore,
    tracks: Sequence[Track],
    *,
    recipe: Recipe,
    ear: Ear = NO_EAR,
    placed: tuple[str, Embeddings] | None = None,
    progress: Progress = silent,
) -> NeighbourReport:
    """Ask every track for its nearest, by several ways to hear.

    Parameters
    ----------
    store : MelStore
    tracks : sequence of Track
        The catalogue.
    recipe : Recipe
    ear : Ear
        What a pretrained network heard; without it there is nothing said of musicnn.
    placed : (str, Embeddings), optional
        Where a model of the workspace places tracks by their sound, and what to call it.
    progress : Progress

    Raises
    ------
    ArtifactError
        If no track of the catalogue has a spectrogram.
    DataError
        If no track has another by its artist, or of its title.
    """
    heard = set(store.ids)
    by_id = sorted(tracks, key=lambda track: track.track_id)
    known = {track.track_id: track for track in by_id if track.track_id in heard}
    if not known:
        raise ArtifactError("no track has mels to evaluate on; run 'audiorec mel' first")
    relations = _relations(store, known)
    asking = np.unique(np.linspace(0, len(known) - 1, min(len(known), MAX_ASKING)).astype(int))
    like = np.stack([relations.like(row).any(axis=1) for row in asking])
    if not like.any():
        raise DataError(
            f"of {len(known)} tracks none has another by its artist, or of its title by somebody "
            "else; name artists in the files' tags, or in a --manifest"
        )
    systems, notes = _systems(store, relations, ear=ear, placed=placed)
    hits = {RANDOM: np.stack([_chance(relations, row) for row in asking])}
    for number, (name, scores) in enumerate(systems.items()):
        progress("neighbours", number, len(systems), name)
        hits[name] = _hits(scores, relations, asking)
    progress("neighbours", len(systems), len(systems))
    for values in hits.values():
        values[~like] = np.nan
    return _summarise(hits, like, n_tracks=len(known), recipe=recipe, notes=notes)


def _relations(store: MelStore, tracks: Mapping[str, Track]) -> Relations:
    groups = duplicates_of(store, tracks)
    alone = max(groups.values(), default=0) + 1
    return Relations(
        tuple(tracks),
        _numbers([normalize_text(track.artist) for track in tracks.values()]),
        _numbers([normalize_text(track.title) for track in tracks.values()]),
        np.array([groups.get(i, alone + n) for n, i in enumerate(tracks)]),
    )


def _numbers(names: Sequence[str]) -> np.ndarray:
    """A number for each name, -1 where it is empty."""
    found = np.unique(np.asarray(names, dtype=np.str_), return_inverse=True)[1]
    return np.where(np.asarray(names, dtype=np.str_) == "", -1, found)


def _systems(
    store: MelStore,
    relations: Relations,
    *,
    ear: Ear,
    placed: tuple[str, Embeddings] | None,
) -> tuple[dict[str, Scores], list[str]]:
    """Ways to say how near two tracks are, by name, and what is to be said of them."""
    from audiorec.evaluate.material import statistics_of
    from audiorec.evaluate.words import mfcc_statistics

    ids = relations.ids
    systems = {
        "mel statistics": _by_cosine(_standardised(statistics_of(store, ids).vectors)),
        "mfcc statistics": _by_cosine(_standardised(mfcc_statistics(store, ids).vectors)),
    }
    notes = [
        "mel and mfcc statistics are means and deviations over time, standardised; all compare by "
        "the cosine. Copies of a recording do not count as its neighbours."
    ]
    if placed is not None and all(i in placed[1] for i in ids):
        name, embeddings = placed
        systems[name] = _by_cosine(embeddings.take(ids).vectors)
        notes.append(f"{name} may have learned from listeners of these very artists.")
    reason = ear.missing(ids)
    if reason is not None or ear.heard is None:
        return systems, [*notes, f"musicnn is left out: {reason}."]
    features = ear.heard.take(CONTENT_BLOCKS).features(ids).vectors
    systems[REFERENCE] = _by_cosine(apply_head(fit_content_space(features), features))
    notes.append("musicnn: standardised features, as a library without listening is served.")
    return systems, notes


def _standardised(features: np.ndarray) -> np.ndarray:
    deviation = features.std(axis=0)
    return np.asarray((features - features.mean(axis=0)) / np.where(deviation > 0, deviation, 1))


def _by_cosine(vectors: np.ndarray) -> Scores:
    unit = unit_norm(vectors)
    return lambda rows: unit[rows] @ unit.T


def _hits(scores: Scores, relations: Relations, asking: np.ndarray) -> np.ndarray:
    """1 where one of the nearest is right, [shape=(n_asking, 2)], float64."""
    found = np.zeros((len(asking), len(ABOUT)))
    for start in range(0, len(asking), BLOCK):
        rows = asking[start : start + BLOCK]
        block = np.array(scores(rows), dtype=np.float32)
        for offset, row in enumerate(rows):
            own = relations.recordings == relations.recordings[row]
            block[offset, own] = -np.inf
            nearest = np.argsort(-block[offset], kind="stable")[:K]
            found[start + offset] = relations.like(int(row))[:, nearest].any(axis=1)
    return found


def _chance(relations: Relations, row: int) -> np.ndarray:
    """How often five tracks drawn at random hold a right one, [shape=(2,)]."""
    n = int((relations.recordings != relations.recordings[row]).sum())
    right = relations.like(row).sum(axis=1)
    missed = np.ones(len(ABOUT))
    for drawn in range(min(K, n)):
        missed *= np.maximum(n - right - drawn, 0) / (n - drawn)
    return 1 - missed


def _summarise(
    hits: Mapping[str, np.ndarray],
    like: np.ndarray,
    *,
    n_tracks: int,
    recipe: Recipe,
    notes: Sequence[str],
) -> NeighbourReport:
    samples = {
        name: resampled_means(values, n_resamples=recipe.evaluate.n_bootstrap, seed=0)
        for name, values in hits.items()
    }
    gaps = {
        name: _intervals(samples[REFERENCE] - values)
        for name, values in samples.items()
        if REFERENCE in samples and name != REFERENCE
    }
    with np.errstate(invalid="ignore"):
        means = {
            name: np.nansum(values, axis=0) / like.sum(axis=0) for name, values in hits.items()
        }
    return NeighbourReport(
        shares={n: dict(zip(ABOUT, map(float, v), strict=True)) for n, v in means.items()},
        intervals={name: _intervals(values) for name, values in samples.items()},
        gaps=gaps,
        asking=dict(zip(ABOUT, map(int, like.sum(axis=0)), strict=True)),
        n_tracks=n_tracks,
        notes=tuple(notes),
    )


def _intervals(samples: np.ndarray) -> dict[str, Interval]:
    return {about: interval(samples[:, n]) for n, about in enumerate(ABOUT)}


def _plain(ends: Interval | None) -> list[float] | None:
    return None if ends is None or np.isnan(ends.low) else list(ends)
