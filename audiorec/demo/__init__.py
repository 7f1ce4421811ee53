"""The demo world: composed and rendered music, simulated listening, and the truth about both."""

from __future__ import annotations

from audiorec.demo.world import World, make_world

__all__ = ["World", "make_world"]
