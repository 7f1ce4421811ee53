"""Results: ranked tracks with their names."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from audiorec.data.catalog import Catalog, Track
from audiorec.recommend.retrieval import ScoredTrack


class Hit(NamedTuple):
    """A ranked track of an answer.

    Attributes
    ----------
    rank : int
        From 1.
    track_id : str
    score : float
        Cosine to the query, or the inner product with the listener; minus the hub correction,
        and times the scaling by popularity.
    artist, title : str
        Empty where unknown.
    path : str
    guessed : tuple of str
        Those of artist and title that are guessed from the path.
    percentile : float or None
        Share of the pairs of this library that score lower; None if the score is not between
        tracks.
    album : str
    """

    rank: int
    track_id: str
    score: float
    artist: str
    title: str
    path: str
    guessed: tuple[str, ...] = ()
    percentile: float | None = None
    album: str = ""


def present(
    catalog: Catalog,
    answer: Callable[[Collection[str]], list[list[ScoredTrack]]],
    *,
    named: Collection[str] = (),
    hidden: frozenset[str] = frozenset(),
) -> list[list[Hit]]:
    """Drop tracks that are hidden or whose files are missing, unless `named`.

    Few answers have any. Only then is the whole catalogue checked for missing files, and the
    query repeated without them.

    Parameters
    ----------
    catalog : Catalog
    answer : callable
        Returns the tracks of each query, best first, given tracks to leave out.
    named : collection of str
    hidden : frozenset of str
        Tracks that the workspace excludes.
    """
    hidden = hidden.difference(named)
    answers = answer(hidden)
    tracks = _tracks_of(catalog, answers)
    if any(track.missing and track.track_id not in named for track in tracks.values()):
        answers = answer(hidden | catalog.missing().difference(named))
        tracks = _tracks_of(catalog, answers)
    return [
        [
            make_hit(rank, scored, tracks.get(scored.track_id))
            for rank, scored in enumerate(ranked, start=1)
        ]
        for ranked in answers
    ]


def _tracks_of(catalog: Catalog, answers: Sequence[Sequence[ScoredTrack]]) -> dict[str, Track]:
    return catalog.get_many({scored.track_id for ranked in answers for scored in ranked})


def make_hit(rank: int, scored: ScoredTrack, track: Track | None) -> Hit:
    """Make a hit of a scored track; for an uncatalogued track, of its id alone."""
    if track is None:
        return Hit(rank, scored.track_id, float(scored.score), "", "", "")
    # A track without a file is catalogued under its id.
    path = "" if track.path == track.track_id else track.path
    guessed = tuple(name for name in track.guessed if name in ("artist", "title"))
    names = (track.artist, track.title, path, guessed)
    return Hit(rank, scored.track_id, float(scored.score), *names, album=track.album)
