"""Answers as they are given: tracks with their names, in order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from audiorec.data.catalog.database import Catalog, Track
from audiorec.recommend.retrieval import Match


class Hit(NamedTuple):
    """A track in an answer, best first.

    Attributes
    ----------
    rank : int
        From 1.
    track_id : str
    score : float
        Cosine to the query, or the inner product with the listener; less what hub correction
        holds the track back by, and times what the dial of popularity makes of its length.
    artist, title : str
        Empty where unknown.
    path : str
    guessed : tuple of str
        Which of artist and title are guessed from the path.
    percentile : float or None
        Share of the pairs of this library that score lower; None where the score is none
        between tracks.
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
    answer: Callable[[Collection[str]], list[list[Match]]],
    *,
    named: Collection[str] = (),
    hidden: frozenset[str] = frozenset(),
) -> list[list[Hit]]:
    """Answers without tracks that are hidden or whose files are gone, unless they were `named`.

    Few answers have any. Only for one that has is the whole catalogue looked through for who
    is gone, and the question asked again without them.

    Parameters
    ----------
    catalog : Catalog
    answer : callable
        From tracks that are to be left out to the matches of each question.
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
            make_hit(rank, match, tracks.get(match.track_id))
            for rank, match in enumerate(matches, start=1)
        ]
        for matches in answers
    ]


def _tracks_of(catalog: Catalog, answers: Sequence[Sequence[Match]]) -> dict[str, Track]:
    return catalog.get_many({match.track_id for matches in answers for match in matches})


def make_hit(rank: int, match: Match, track: Track | None) -> Hit:
    """A match as it is answered; one of a track that is not catalogued is its id alone."""
    if track is None:
        return Hit(rank, match.track_id, float(match.score), "", "", "")
    # A track without a file is catalogued under its id.
    path = "" if track.path == track.track_id else track.path
    guessed = tuple(name for name in track.guessed if name in ("artist", "title"))
    names = (track.artist, track.title, path, guessed)
    return Hit(rank, match.track_id, float(match.score), *names, album=track.album)
