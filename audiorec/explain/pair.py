"""Explanation of a pair: similarities and differences of two tracks by all known data."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from audiorec import artifacts
from audiorec.data.catalog import MIN_CONFIDENCE, merge_tags
from audiorec.data.names import normalize_text
from audiorec.embeddings import unit_norm
from audiorec.exceptions import ParameterError
from audiorec.explain.occlusion import Occlusion, occlude
from audiorec.recommend import Library, Space, song_of

MOST_NEIGHBOURS, NEIGHBOUR_SHARE = 50, 0.05  # of the library, at least 5
CLOSE = {"tempo": 0.04, "loudness": 0.15, "brightness": 0.15, "energy": 0.15}
"""Relative difference up to which two values count as similar."""


class SharedListeners(NamedTuple):
    """Listeners shared by two tracks.

    Attributes
    ----------
    both, first, second, everyone : int
        Listeners of both, of each, and in all.
    expected : float
        Expected listeners of both if they were played independently.
    """

    both: int
    first: int
    second: int
    everyone: int
    expected: float


class Explanation(NamedTuple):
    """Explanation of a match of two tracks.

    Attributes
    ----------
    first, second : str
        Ids of the tracks.
    score, percentile : float
        Cosine in the space, and the share of pairs (%) below it.
    same_song : bool
        Whether they are versions of one song by one artist.
    other_version : bool
        Whether they have the same title, by different artists.
    listeners : SharedListeners or None
        None if there are no plays.
    shared_neighbours, n_neighbours : int
        Number of tracks among the `n_neighbours` nearest of both.
    words_both, words_first, words_second : tuple of str
    alike, apart : dict of str to (value, value)
        Descriptors that are about equal, and the others.
    sound : tuple of Occlusion, or None
        Time spans and bands of each that carry the match; None if not requested.
    """

    first: str
    second: str
    score: float
    percentile: float
    same_song: bool
    other_version: bool
    listeners: SharedListeners | None
    shared_neighbours: int
    n_neighbours: int
    words_both: tuple[str, ...]
    words_first: tuple[str, ...]
    words_second: tuple[str, ...]
    alike: dict[str, tuple[Any, Any]]
    apart: dict[str, tuple[Any, Any]]
    sound: tuple[Occlusion, Occlusion] | None


def explain_pair(
    library: Library, first: str, second: str, *, space: Space = "blend", sound: bool = False
) -> Explanation:
    """Explain why two catalogued tracks match.

    Parameters
    ----------
    library : Library
    first, second : str
        Names of tracks; see `Library.similar`.
    space : {"blend", "content", "listening"}
    sound : bool
        Whether to compute occlusion maps with the model.

    Raises
    ------
    NotFoundError, AmbiguousNameError
        If a name matches no track, or several.
    ParameterError
        If both are the same track, or one is not in the catalogue.
    """
    served, ids, uncatalogued = library.query([first, second], space=space)
    if uncatalogued is not None:
        raise ParameterError(
            f"{uncatalogued.ids[0]} is not in the catalogue; "
            "'audiorec add' it to explain its matches"
        )
    a, b = ids
    if a == b:
        raise ParameterError(f"{first!r} and {second!r} are the same track; name another")
    units = unit_norm(np.stack([served.vector(a), served.vector(b)]))
    score = float(units[0] @ units[1])
    n_near = max(5, min(MOST_NEIGHBOURS, int(NEIGHBOUR_SHARE * len(served))))
    near = [
        served.search(unit[None], n_near, exclude={*library.hidden, id_}).ids[0]
        for unit, id_ in zip(units, ids, strict=True)
    ]
    pair = served.search(units[:1], 1, include=[b])
    percentile = float(library.percentiles(served, pair.scores[0].tolist())[0])
    tracks = [library.track(id_) for id_ in ids]
    songs = [song_of(track) for track in tracks]
    titles = [normalize_text(track.title) for track in tracks]
    words = _words(library, a, b)
    alike, apart = _descriptors(library, a, b)
    return Explanation(
        a,
        b,
        round(score, 4),
        round(percentile, 2),
        same_song=bool(songs[0]) and songs[0] == songs[1],
        other_version=bool(titles[0]) and titles[0] == titles[1] and songs[0] != songs[1],
        listeners=_listeners(library, a, b),
        shared_neighbours=len(set(near[0]) & set(near[1])),
        n_neighbours=n_near,
        words_both=words[0],
        words_first=words[1],
        words_second=words[2],
        alike=alike,
        apart=apart,
        sound=occlude(library.workspace, *tracks) if sound else None,
    )


def _listeners(library: Library, a: str, b: str) -> SharedListeners | None:
    import polars as pl  # here: half a second, not needed for tracks without plays

    from audiorec.data.plays import load_plays

    if not artifacts.exists(library.workspace.plays):
        return None
    plays = load_plays(library.workspace.plays)
    everyone = plays["user_id"].n_unique()
    first, second = (
        set(plays.filter(pl.col("track_id") == id_)["user_id"].to_list()) for id_ in (a, b)
    )
    expected = len(first) * len(second) / max(1, everyone)
    return SharedListeners(
        len(first & second), len(first), len(second), everyone, round(expected, 2)
    )


def _words(
    library: Library, a: str, b: str
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return the tags of both, of the first only and of the second only."""
    tags = library.catalog.tags.of([a, b])
    first, second = (
        [tag.tag for tag in merge_tags(tags[id_], min_confidence=MIN_CONFIDENCE)] for id_ in (a, b)
    )
    return (
        tuple(word for word in first if word in second),
        tuple(word for word in first if word not in second),
        tuple(word for word in second if word not in first),
    )


def _descriptors(
    library: Library, a: str, b: str
) -> tuple[dict[str, tuple[Any, Any]], dict[str, tuple[Any, Any]]]:
    """Return the descriptors of both, those about equal and the others."""
    stored = library.descriptors()
    first, second = stored.of(a) or {}, stored.of(b) or {}
    alike: dict[str, tuple[Any, Any]] = {}
    apart: dict[str, tuple[Any, Any]] = {}
    for name in first.keys() & second.keys():
        x, y = first[name], second[name]
        if isinstance(x, str) or isinstance(y, str):
            same = x == y
        else:
            same = abs(x - y) <= CLOSE[name] * max(abs(x), abs(y))
        (alike if same else apart)[name] = (x, y)
    order = ("tempo", "key", "loudness", "brightness", "energy")
    return (
        {name: alike[name] for name in order if name in alike},
        {name: apart[name] for name in order if name in apart},
    )
