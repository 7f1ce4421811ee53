"""What a score is worth in this library: its percentile among the scores of random pairs."""

from __future__ import annotations

import numpy as np

from audiorec.embeddings import unit_norm
from audiorec.index import Index

N_ASKING, N_ANSWERING = 400, 250
SEED = 0


class PairScores:
    """Scores of random pairs of an index's tracks.

    Parameters
    ----------
    index : Index
        Scores are those of its own metric, with whatever corrects them.
    """

    def __init__(self, index: Index) -> None:
        rng = np.random.default_rng(SEED)
        ids = index.ids
        if len(ids) < 2:
            self._scores = np.zeros(0, dtype=np.float32)
            return
        asking = [ids[row] for row in rng.permutation(len(ids))[:N_ASKING]]
        answering = {ids[row] for row in rng.permutation(len(ids))[:N_ANSWERING]}
        vectors = unit_norm(np.stack([index.vector(id_) for id_ in asking]))
        neighbours = index.search(vectors, len(answering), include=answering)
        pairs = [
            score
            for id_, others, scores in zip(
                asking, neighbours.ids, neighbours.scores.tolist(), strict=True
            )
            for other, score in zip(others, scores, strict=True)
            if other != id_
        ]
        self._scores = np.sort(np.array(pairs, dtype=np.float32))

    def percentile(self, scores: np.ndarray | list[float]) -> np.ndarray:
        """Share of the pairs that score lower, in percent : np.ndarray [shape=(n,)], float64."""
        if not len(self._scores):
            return np.full(len(scores), 100.0)
        below = np.searchsorted(self._scores, np.asarray(scores, dtype=np.float32), side="left")
        return np.asarray(100.0 * below / len(self._scores))
