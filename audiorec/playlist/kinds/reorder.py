"""Reorder: the tracks of a list, in an order without harsh steps."""

from __future__ import annotations

from audiorec.playlist.entries import Pick
from audiorec.playlist.order import improve_order
from audiorec.playlist.source import TrackSource


def choose(source: TrackSource, n: int) -> list[Pick]:
    """Every track of the list; the first stays first, the others where the steps are short."""
    del n
    ids = source.own
    gone = source.seeds.n_tracks - len(ids)
    if gone:
        tracks = "1 track is" if gone == 1 else f"{gone} tracks are"
        source.note(f"{tracks} left out: hidden by 'audiorec exclude', or not in the index")
    order = improve_order(
        source.units(ids),
        range(len(ids)),
        labels=[source.track(id_).artist_key for id_ in ids],
        window=max(1, source.request.artist_window),
    )
    return [
        Pick(ids[row], "stays" if row == place else f"was at place {row + 1}")
        for place, row in enumerate(order)
    ]
