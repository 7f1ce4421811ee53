"""Held-out evaluation: splits x seeds x systems, with baselines, controls and two oracles.

`data` gathers spectrograms, plays and tracks; `holdout` holds tracks out and selects the scored
listeners; `systems` predict vectors of tracks that nobody has played yet; `scores` evaluates each
by `audiorec.metrics`, and `score_cache` stores the scores; `report` compares them, as text, JSON
and a page. Studies of single questions are in `audiorec.studies`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audiorec.evaluation.data import EvaluationData, prepare_data
from audiorec.evaluation.holdout import Holdout, HoldoutKey, holdout_keys
from audiorec.evaluation.mel_features import mel_statistics, mfcc_statistics
from audiorec.evaluation.report import Report
from audiorec.evaluation.run import evaluate
from audiorec.evaluation.systems import SYSTEMS
from audiorec.lazy import lazy_attributes

if TYPE_CHECKING:
    from audiorec.evaluation.workspace_run import (
        RunOutput,
        keep_tables,
        read_catalogue,
        run_evaluation,
        workspace_inputs,
        workspace_plays,
    )

__all__ = [
    "SYSTEMS",
    "EvaluationData",
    "Holdout",
    "HoldoutKey",
    "Report",
    "RunOutput",
    "evaluate",
    "holdout_keys",
    "keep_tables",
    "mel_statistics",
    "mfcc_statistics",
    "prepare_data",
    "read_catalogue",
    "run_evaluation",
    "workspace_inputs",
    "workspace_plays",
]

# An evaluation of data in memory needs no workspace.
__getattr__ = lazy_attributes(
    __name__,
    {
        "workspace_run": (
            "RunOutput",
            "keep_tables",
            "read_catalogue",
            "run_evaluation",
            "workspace_inputs",
            "workspace_plays",
        ),
    },
)
