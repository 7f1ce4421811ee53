"""The stages of a recipe, each run where it is stale."""

from __future__ import annotations

from audiorec.pipeline.pipeline import STAGES, Check, Pipeline, StageReport, lies_in
from audiorec.pipeline.recipes import current_recipe

__all__ = ["STAGES", "Check", "Pipeline", "StageReport", "current_recipe", "lies_in"]
