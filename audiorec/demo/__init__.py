"""The demo world: music composed, rendered and listened to, with the truth about it at hand."""

from __future__ import annotations

from audiorec.demo.world import World, make_world

__all__ = ["World", "make_world"]
