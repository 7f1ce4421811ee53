"""How good rankings are, and how sure one may be of it: numpy and nothing else.

- `accuracy`: whether what a listener played stands high in what they were recommended.
- `reach`: which tracks come up at all, how evenly, and whether there are hubs.
- `lists`: how alike the tracks of a list are, and how often artists come twice.
- `confidence_calibration`: whether what is said with 70 % confidence is right 70 times of 100.
- `resampling`: intervals over listeners and candidates, by the bootstrap.
"""

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
    "HoldoutValues",
    "Interval",
    "RankedPositions",
    "auc",
    "average_precision",
    "evaluate",
    "group_effects",
    "interval",
    "mean_of_known",
    "ndcg",
    "rank",
    "recall",
    "resampled_means",
    "simultaneous",
    "two_way",
]
