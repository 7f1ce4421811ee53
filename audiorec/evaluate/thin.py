"""From cold to warm: held-out tracks get back the plays of a few listeners, then of more.

Each track is placed three ways: by its sound, by the listeners that it has so far, and by both,
as the index would where it has nothing else by the artist. The listeners that it gets back are of
half A; half B is scored, as in `protocol`. What a track has at n plays it has at every larger n
too.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl
import scipy.sparse

from audiorec import metrics
from audiorec.data.interactions import Interactions, to_interactions
from audiorec.embeddings import Embeddings, unit_norm
from audiorec.evaluate.material import gather
from audiorec.evaluate.placed import Sound, from_sound
from audiorec.evaluate.protocol import World, cells, prepare
from audiorec.evaluate.systems import CNN
from audiorec.evaluate.table import aligned, count
from audiorec.factors import PriorDecay, fold_in_tracks
from audiorec.ids import IdMap
from audiorec.metrics import Interval, interval
from audiorec.pipeline.recipe import Recipe
from audiorec.progress import Progress, silent

if TYPE_CHECKING:
    from audiorec.data.catalog import Track
    from audiorec.mel.store import MelStore

PLAYS = (0, 1, 2, 5, 10, 50, None)
SPACES = ("content", "listening", "blend")
SCORINGS = ("inner product", "cosine")
K = 50


class ThinRow(NamedTuple):
    """What came out at one number of plays.

    Attributes
    ----------
    plays : int or None
        Listeners whose plays each track has got back, or all that it has where it has fewer; None
        for all of half A.
    have : float
        Share of the tracks that have so many.
    values : dict of str to (dict of str to float)
        nDCG@50 by scoring ("inner product", "cosine") and space.
    better : dict of str to str
        The better of content and listening, by scoring.
    gain : dict of str to float
        The blend's value less that one's.
    intervals : dict of str to Interval
        Of the gain: 95 %, over listeners, paired.
    """

    plays: int | None
    have: float
    values: dict[str, dict[str, float]]
    better: dict[str, str]
    gain: dict[str, float]
    intervals: dict[str, Interval]


@dataclass(frozen=True)
class ThinReport:
    """The way from cold to warm on one kind of split."""

    split: str
    system: str
    n_users: int
    n_tracks: int
    n_cells: int
    rows: tuple[ThinRow, ...]
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        rows = [row._asdict() | {"intervals": _lists(row.intervals)} for row in self.rows]
        return {**vars(self), "metric": f"nDCG@{K}", "rows": rows}

    def to_text(self) -> str:
        """A table per scoring."""
        title = (
            f"{self.split}, from cold to warm: nDCG@{K} of {self.n_tracks} tracks placed by sound "
            f"({self.system}), by the plays that they have got back, and by both; "
            f"{self.n_users} listeners, {count(self.n_cells, 'hold-out')}, {self.seconds:.0f} s"
        )
        parts = [title]
        for scoring in SCORINGS:
            header = [f"plays, by {scoring}", *SPACES, "blend - better of two", "tracks with them"]
            parts += ["", *aligned([header, *(_cells(row, scoring) for row in self.rows)])]
        parts += ["", "Intervals: 95 %, resampled over listeners within each hold-out, paired."]
        return "\n".join(parts)


def evaluate_thin(
    store: MelStore,
    plays: pl.DataFrame,
    tracks: Sequence[Track],
    *,
    recipe: Recipe,
    work_directory: Path | None = None,
    system: str = CNN,
    progress: Progress = silent,
) -> list[ThinReport]:
    """Score the way from cold to warm, on every kind of split of the recipe.

    Parameters
    ----------
    store, plays, tracks, recipe, work_directory, progress
        See `audiorec.evaluate.evaluate`.
    system : str
        What places tracks by their sound.

    Raises
    ------
    ParameterError, DataError, ArtifactError
        See `audiorec.evaluate.evaluate`.
    """
    material = gather(store, plays, tracks, recipe=recipe)
    reports = []
    for split in recipe.evaluate.splits:
        start = time.monotonic()
        earlier = 0.0
        worlds: list[World] = []
        scored = []
        for cell in cells(material, split=split):
            progress("evaluate", len(worlds), None, str(cell))
            world = prepare(material, cell)
            sound = from_sound(world, system, work_directory=work_directory, progress=progress)
            earlier += sound.earlier
            worlds.append(world)
            scored.append(score_thinned(world, sound))
        reports.append(
            ThinReport(
                split=split,
                system=system,
                n_users=round(np.mean([len(world.listeners) for world in worlds])),
                n_tracks=round(np.mean([len(world.cold) for world in worlds])),
                n_cells=len(worlds),
                rows=tuple(summarise(scored, n_resamples=recipe.evaluate.n_bootstrap)),
                seconds=earlier + time.monotonic() - start,
            )
        )
    return reports


class Thinned(NamedTuple):
    """Scores of one hold-out.

    Attributes
    ----------
    values : np.ndarray [shape=(len(PLAYS), n_scorings, n_spaces, n_listeners)], float64
        In the order of `PLAYS`, `SCORINGS` and `SPACES`.
    have : tuple of float
        Share of the tracks that have so many plays, in the order of `PLAYS`.
    """

    values: np.ndarray
    have: tuple[float, ...]


def score_thinned(world: World, sound: Sound) -> Thinned:
    """Place the cold tracks with each number of plays, and rank them for half B.

    Parameters
    ----------
    world : World
    sound : Sound
    """
    full = _half_a(world)
    order = _ranks(full, rng=world.rng(3))
    most = np.diff(full.user_items.tocsc().indptr)
    decay = PriorDecay(world.material.recipe.index.prior_half_life_users, sound.agreement)
    values = []
    for n in PLAYS:
        few = _first(full, order, n)
        spaces = {
            "content": sound.tracks,
            "listening": _placed(world, few),
            "blend": _placed(world, few, prior=sound.tracks, decay=decay),
        }
        values.append(
            [
                [_ndcg(world, spaces[space].take(world.cold).vectors, scoring) for space in SPACES]
                for scoring in SCORINGS
            ]
        )
    have = tuple(1.0 if n is None else float(np.mean(most >= n)) for n in PLAYS)
    return Thinned(np.array(values), have)


def summarise(scored: Sequence[Thinned], *, n_resamples: int) -> list[ThinRow]:
    """A row per number of plays: means over listeners, then over hold-outs."""
    means, samples = metrics.pooled([one.values for one in scored], n_resamples=n_resamples)
    blend = SPACES.index("blend")
    rows = []
    for place, n in enumerate(PLAYS):
        best = means[place, :, :blend].argmax(axis=-1)
        gaps = {
            scoring: samples[:, place, s, blend] - samples[:, place, s, best[s]]
            for s, scoring in enumerate(SCORINGS)
        }
        rows.append(
            ThinRow(
                plays=n,
                have=float(np.mean([one.have[place] for one in scored])),
                values={
                    scoring: dict(zip(SPACES, means[place, s].tolist(), strict=True))
                    for s, scoring in enumerate(SCORINGS)
                },
                better={scoring: SPACES[best[s]] for s, scoring in enumerate(SCORINGS)},
                gain={
                    scoring: float(means[place, s, blend] - means[place, s, best[s]])
                    for s, scoring in enumerate(SCORINGS)
                },
                intervals={scoring: interval(gap) for scoring, gap in gaps.items()},
            )
        )
    return rows


def _half_a(world: World) -> Interactions:
    """Half A's plays of the cold tracks, and what it has against them; a column for each track."""
    plays = world.plays_of_held_out(users=world.folding)
    plays = plays.filter(pl.col("track_id").is_in(world.cold))
    columns = IdMap(world.cold)
    if plays.is_empty():
        empty = scipy.sparse.csr_matrix((len(world.folding), len(columns)), dtype=np.float32)
        return Interactions(empty, IdMap(world.folding, noun="listener"), columns)
    found = to_interactions(plays, min_tracks_per_user=0, min_users_per_track=0)
    matrix = found.user_items.tocoo()
    wide = scipy.sparse.csr_matrix(
        (matrix.data, (matrix.row, columns.rows(found.tracks.ids)[matrix.col])),
        shape=(len(found.users), len(columns)),
    )
    return Interactions(wide, found.users, columns)


def _ranks(full: Interactions, *, rng: np.random.Generator) -> np.ndarray:
    """Turn at which each play comes back, among its track's : [shape=(nnz,)], int64, by column."""
    indptr = full.user_items.tocsc().indptr
    return np.concatenate(
        [np.empty(0, np.int64), *(rng.permutation(n) for n in np.diff(indptr).tolist())]
    )


def _first(full: Interactions, ranks: np.ndarray, n: int | None) -> Interactions:
    """The plays of each track's first `n` listeners."""
    if n is None:
        return full
    kept = full.user_items.tocsc().copy()
    kept.data[ranks >= n] = 0
    kept.eliminate_zeros()
    return Interactions(kept.tocsr(), full.users, full.tracks)


def _placed(world: World, plays: Interactions, **how: Any) -> Embeddings:
    return fold_in_tracks(
        world.factors, plays, config=world.factors_config, among=world.folding, **how
    )


def _ndcg(world: World, vectors: np.ndarray, scoring: str) -> np.ndarray:
    scored = unit_norm(vectors) if scoring == "cosine" else vectors
    return metrics.ndcg(world.listener_factors @ scored.T, world.relevant, k=K)


def _lists(intervals: dict[str, Interval]) -> dict[str, list[float]]:
    return {name: [ends.low, ends.high] for name, ends in intervals.items()}


def _cells(row: ThinRow, scoring: str) -> list[str]:
    low, high = row.intervals[scoring]
    return [
        "all" if row.plays is None else str(row.plays),
        *(f"{row.values[scoring][space]:.3f}" for space in SPACES),
        f"{row.gain[scoring]:+.4f} [{low:+.4f} .. {high:+.4f}]",
        f"{row.have:.0%}",
    ]
