"""Registry of the kinds of playlists."""

from __future__ import annotations

from importlib import import_module
from keyword import iskeyword
from typing import Protocol, cast

from audiorec.playlist.entries import Pick
from audiorec.playlist.source import TrackSource


class Chooser(Protocol):
    """Interface of a kind's module."""

    def choose(self, source: TrackSource, n: int) -> list[Pick]:
        """Choose the tracks of a playlist, in order; at most `n`."""
        ...


def chooser(kind: str) -> Chooser:
    """Return the module of a kind, one of `audiorec.playlist.option_values.KINDS`."""
    module = f"{kind}_" if iskeyword(kind) else kind
    return cast("Chooser", import_module(f"audiorec.playlist.kinds.{module}"))
