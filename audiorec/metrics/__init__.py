"""How good rankings are, and how sure one may be of it: numpy and nothing else.

One module per family, each with the same anatomy: conventions, `validate`, the metrics, and
`evaluate`, which takes them all in one pass.

- `accuracy`: whether what a listener played stands high in what they were offered.
- `reach`: which tracks come up at all, how evenly, and whether there are hubs.
- `resampling`: intervals over listeners, by the bootstrap.
"""

from audiorec.metrics.accuracy import (
    METRICS,
    auc,
    average_precision,
    evaluate,
    ndcg,
    recall,
)
from audiorec.metrics.resampling import Interval, Pooled, interval, pooled, resampled_means

__all__ = [
    "METRICS",
    "Interval",
    "Pooled",
    "auc",
    "average_precision",
    "evaluate",
    "interval",
    "ndcg",
    "pooled",
    "recall",
    "resampled_means",
]
