"""The demo world: composed and rendered music, simulated listening, and the truth about both."""

from __future__ import annotations

from audiorec.demo.catalog_plan import PlannedMusic, plan_music
from audiorec.demo.world import World, make_world

__all__ = [
    "PlannedMusic",
    "World",
    "make_world",
    "plan_music",
]
