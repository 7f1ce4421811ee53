"""Reorder: the tracks of a list in a smooth order."""

from __future__ import annotations

from audiorec.playlist.entries import Pick
from audiorec.playlist.source import TrackSource


def choose(source: TrackSource, n: int) -> list[Pick]:
    """Choose every track of the list that matches the filters, smoothly ordered after the first."""
    del n
    ids = [id_ for id_ in source.own if source.include is None or id_ in source.include]
    gone = source.seeds.n_tracks - len(ids)
    if gone:
        tracks = "1 track is" if gone == 1 else f"{gone} tracks are"
        source.note(
            f"{tracks} left out: hidden by 'audiorec exclude', no file or not in the index, or "
            "none that fits the filters"
        )
    before = {id_: place for place, id_ in enumerate(ids)}
    return [
        Pick(id_, "stays" if before[id_] == place else f"was at position {before[id_] + 1}")
        for place, id_ in enumerate(source.smooth(ids))
    ]
