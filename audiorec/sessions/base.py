"""Protocol of session models, and a base class."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol

import numpy as np


class SessionModel(Protocol):
    """Scores items by the session so far."""

    @property
    def name(self) -> str:
        """Name of the model on the command line."""
        ...

    def prefix_scores(self, items: np.ndarray, *, skipped: np.ndarray) -> np.ndarray:
        """Scores of all items after each event of a session.

        Parameters
        ----------
        items : np.ndarray [shape=(length,)], int
            Rows, oldest first.
        skipped : np.ndarray [shape=(length,)], bool

        Returns
        -------
        scores : np.ndarray [shape=(length, n_items)], float32
        """
        ...

    def scores(self, items: np.ndarray, *, skipped: np.ndarray) -> np.ndarray:
        """Scores of all items after the whole session : np.ndarray [shape=(n_items,)], float32."""
        ...


class RepeatedPrefixScoring(ABC):
    """Base class that computes the scores after each event from each prefix of the session."""

    @abstractmethod
    def scores(self, items: np.ndarray, *, skipped: np.ndarray) -> np.ndarray:
        """See `SessionModel.scores`."""

    def prefix_scores(self, items: np.ndarray, *, skipped: np.ndarray) -> np.ndarray:
        """See `SessionModel.prefix_scores`."""
        ends = range(1, len(items) + 1)
        return np.stack([self.scores(items[:n], skipped=skipped[:n]) for n in ends])


def unskipped(items: np.ndarray, skipped: np.ndarray) -> np.ndarray:
    """Items that were not skipped, in order : np.ndarray [shape=(n,)], int."""
    return items[~skipped]
