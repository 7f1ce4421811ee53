"""Metrics of rankings and recommended lists, with their intervals, in numpy alone.

- `accuracy`: whether played tracks rank high in what a listener is recommended.
- `exposure`: coverage of the catalogue, evenness of recommendations, and hubs.
- `lists`: similarity of the tracks in a list, and repeated artists.
- `confidence_calibration`: whether predictions with 70 % confidence are right 70 times of 100.
- `resampling`: intervals over listeners and candidates, by the bootstrap.
"""

from __future__ import annotations

from audiorec.metrics.accuracy import (
    METRICS,
    RankedPositions,
    auc,
    average_precision,
    evaluate,
    ndcg,
    rank,
    recall,
)
from audiorec.metrics.confidence_calibration import CalibrationBin, calibration_error, reliability
from audiorec.metrics.exposure import coverage, gini, k_occurrence, self_information, skew
from audiorec.metrics.lists import diversity, same_label
from audiorec.metrics.resampling import (
    N_RESAMPLES,
    HoldoutValues,
    Interval,
    group_effects,
    interval,
    mean_of_known,
    resampled_means,
    simultaneous,
    two_way,
)

__all__ = [
    "METRICS",
    "N_RESAMPLES",
    "CalibrationBin",
    "HoldoutValues",
    "Interval",
    "RankedPositions",
    "auc",
    "average_precision",
    "calibration_error",
    "coverage",
    "diversity",
    "evaluate",
    "gini",
    "group_effects",
    "interval",
    "k_occurrence",
    "mean_of_known",
    "ndcg",
    "rank",
    "recall",
    "reliability",
    "resampled_means",
    "same_label",
    "self_information",
    "simultaneous",
    "skew",
    "two_way",
]
