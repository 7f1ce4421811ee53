"""Percentiles of scores among the pairs of tracks of a library."""

from __future__ import annotations

import numpy as np

from audiorec.index import Index

N_ASKING, N_ANSWERING = 200, 200


class PairScores:
    """Scores of a sample of pairs of an index's tracks.

    Parameters
    ----------
    index : Index
        Scores are those of its own metric, including corrections.
    """

    def __init__(self, index: Index) -> None:
        self._scores = np.sort(index.sample_scores(N_ASKING, N_ANSWERING))

    def percentile(self, scores: np.ndarray | list[float]) -> np.ndarray:
        """Compute the share (%) of pairs that score lower : np.ndarray [shape=(n,)], float64."""
        if not len(self._scores):
            return np.full(len(scores), 100.0)
        below = np.searchsorted(self._scores, np.asarray(scores, dtype=np.float32), side="left")
        return np.asarray(100.0 * below / len(self._scores))
