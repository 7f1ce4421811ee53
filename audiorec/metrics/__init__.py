"""How good rankings are, and how sure one may be of it: numpy and nothing else.

One module per family, each with the same anatomy: conventions, `validate`, the metrics, and
`evaluate`, which takes them all in one pass.

- `accuracy`: whether what a listener played stands high in what they were offered.
- `reach`: which tracks come up at all, how evenly, and whether there are hubs.
- `resampling`: intervals over listeners and candidates, by the bootstrap.
"""

from audiorec.metrics.accuracy import (
    METRICS,
    auc,
    average_precision,
    evaluate,
    ndcg,
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
    "auc",
    "average_precision",
    "evaluate",
    "group_effects",
    "interval",
    "mean_of_known",
    "ndcg",
    "recall",
    "resampled_means",
    "simultaneous",
    "two_way",
]
