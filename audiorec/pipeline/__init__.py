"""Pipeline of stages: each runs if its artifact is stale."""

from __future__ import annotations

from audiorec.pipeline.shipped_recipes import load_shipped, read_recipe, shipped_names
from audiorec.pipeline.stages import STAGES, Check, Pipeline, StageReport, is_within_any
from audiorec.pipeline.workspace_recipe import automatic_recipe, current_recipe, remembered_recipe

__all__ = [
    "STAGES",
    "Check",
    "Pipeline",
    "StageReport",
    "automatic_recipe",
    "current_recipe",
    "is_within_any",
    "load_shipped",
    "read_recipe",
    "remembered_recipe",
    "shipped_names",
]
