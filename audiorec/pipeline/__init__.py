"""Pipeline of stages: each runs if its artifact is stale."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audiorec.lazy import lazy_attributes
from audiorec.pipeline.descriptors import describe_catalog, take_scanned
from audiorec.pipeline.evaluate_config import EvaluateConfig
from audiorec.pipeline.recipe import Recipe
from audiorec.pipeline.recipe_choice import automatic_recipe, current_recipe, remembered_recipe
from audiorec.pipeline.shipped_recipes import (
    load_shipped,
    read_recipe,
    shipped_folder,
    shipped_names,
)
from audiorec.pipeline.stages import STAGES, Check, Pipeline, StageReport, is_within_any

if TYPE_CHECKING:
    from audiorec.pipeline.forget_user import forget
    from audiorec.pipeline.status import describe_workspace
    from audiorec.pipeline.workspace_integrity import diagnose

__all__ = [
    "STAGES",
    "Check",
    "EvaluateConfig",
    "Pipeline",
    "Recipe",
    "StageReport",
    "automatic_recipe",
    "current_recipe",
    "describe_catalog",
    "describe_workspace",
    "diagnose",
    "forget",
    "is_within_any",
    "load_shipped",
    "read_recipe",
    "remembered_recipe",
    "shipped_folder",
    "shipped_names",
    "take_scanned",
]

# The stages need none of these.
__getattr__ = lazy_attributes(
    __name__,
    {
        "forget_user": ("forget",),
        "status": ("describe_workspace",),
        "workspace_integrity": ("diagnose",),
    },
)
