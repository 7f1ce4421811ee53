"""Popularity baselines: plays in all sessions, and in the current session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from audiorec.sessions.base import RepeatedPrefixScoring, unskipped

if TYPE_CHECKING:  # polars takes longer to import than an answer
    from audiorec.data import Sessions


class Popularity(RepeatedPrefixScoring):
    """Scores items by their plays.

    Parameters
    ----------
    plays : np.ndarray [shape=(n_items,)]
    """

    name = "popularity"

    def __init__(self, plays: np.ndarray) -> None:
        self._scores = plays.astype(np.float32)

    @classmethod
    def fit(cls, sessions: Sessions) -> Popularity:
        """Count plays that were not skipped."""
        return cls(sessions.supports)

    def scores(self, items: np.ndarray, *, skipped: np.ndarray) -> np.ndarray:
        """See `SessionModel.scores`."""
        return self._scores


class SessionPopularity(RepeatedPrefixScoring):
    """Scores items by their plays in the session, then by those in all (Hidasi et al. 2016)."""

    name = "session popularity"

    def __init__(self, plays: np.ndarray) -> None:
        # Less than one play in the session, even for the most popular.
        self._scores = (plays / (plays.max(initial=0) + 1)).astype(np.float32)

    @classmethod
    def fit(cls, sessions: Sessions) -> SessionPopularity:
        """Count plays that were not skipped."""
        return cls(sessions.supports)

    def scores(self, items: np.ndarray, *, skipped: np.ndarray) -> np.ndarray:
        """See `SessionModel.scores`."""
        counts = np.bincount(unskipped(items, skipped), minlength=len(self._scores))
        return np.asarray(self._scores + counts, dtype=np.float32)
