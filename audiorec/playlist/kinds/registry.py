"""The kinds of playlists by name."""

from __future__ import annotations

from collections.abc import Callable

from audiorec.playlist.entries import Pick
from audiorec.playlist.kinds import arc, continue_, listener, mix, near, path, radio, reorder
from audiorec.playlist.source import TrackSource

CHOOSERS: dict[str, Callable[[TrackSource, int], list[Pick]]] = {
    "near": near.choose,
    "continue": continue_.choose,
    "path": path.choose,
    "arc": arc.choose,
    "radio": radio.choose,
    "listener": listener.choose,
    "reorder": reorder.choose,
    "mix": mix.choose,
}
