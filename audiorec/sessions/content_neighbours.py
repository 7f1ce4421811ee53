"""Content neighbours of the last item: the baseline for items without plays."""

from __future__ import annotations

import numpy as np

from audiorec.embeddings import unit_norm
from audiorec.sessions.base import RepeatedPrefixScoring, unskipped


class ContentNeighbours(RepeatedPrefixScoring):
    """Scores items by the cosine of their content to that of the session's last item.

    Parameters
    ----------
    features : np.ndarray [shape=(n_items, n_features)], float32
        Zeros where unknown.
    """

    name = "content neighbours"

    def __init__(self, features: np.ndarray) -> None:
        self._features = unit_norm(np.asarray(features, dtype=np.float32))

    def scores(self, items: np.ndarray, *, skipped: np.ndarray) -> np.ndarray:
        """See `SessionModel.scores`; the last item itself scores lowest."""
        played = unskipped(items, skipped)
        if not len(played):
            return np.zeros(len(self._features), dtype=np.float32)
        scores = self._features @ self._features[played[-1]]
        scores[played[-1]] = -1.0
        return np.asarray(scores)
