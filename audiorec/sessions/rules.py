"""Sequential and association rules between items (Kamehkhosh et al. 2017)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from audiorec.sessions.base import RepeatedPrefixScoring, unskipped

if TYPE_CHECKING:  # polars takes longer to import than an answer
    from audiorec.data import Sessions

MAX_STEPS = 10
"""Largest number of steps in a sequential rule."""
MAX_DISTANCE = 50
"""Largest distance in an association rule: endless playlists would connect everything."""
FALLBACK = 1e-9
"""Weight of popularity where there is no rule: below every rule."""


class RuleTable(NamedTuple):
    """A sparse matrix from items to items, by row.

    Attributes
    ----------
    indptr : np.ndarray [shape=(n_items + 1,)], int64
    indices : np.ndarray [shape=(n_rules,)], int32
    weights : np.ndarray [shape=(n_rules,)], float32
    """

    indptr: np.ndarray
    indices: np.ndarray
    weights: np.ndarray


class _Rules(RepeatedPrefixScoring):
    """Scores items by the rules from the session's last item.

    Parameters
    ----------
    table : RuleTable
    plays : np.ndarray [shape=(n_items,)]
        Order items without a rule.
    """

    name = ""

    def __init__(self, table: RuleTable, plays: np.ndarray) -> None:
        self.table, self.plays = table, plays
        self._base = (FALLBACK * plays / max(float(plays.max(initial=0)), 1)).astype(np.float32)

    def scores(self, items: np.ndarray, *, skipped: np.ndarray) -> np.ndarray:
        """See `SessionModel.scores`."""
        scores = self._base.copy()
        played = unskipped(items, skipped)
        if len(played):
            start, stop = self.table.indptr[played[-1]], self.table.indptr[played[-1] + 1]
            scores[self.table.indices[start:stop]] += self.table.weights[start:stop]
        return scores

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return all arrays by name."""
        return {**self.table._asdict(), "plays": self.plays}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """Restore the rules from `to_arrays`."""
        return cls(RuleTable(*(arrays[name] for name in RuleTable._fields)), arrays["plays"])


class SequentialRules(_Rules):
    """Rules from an item to later ones, weighted by 1 / steps between."""

    name = "rules"

    @classmethod
    def fit(cls, sessions: Sessions, *, max_steps: int = MAX_STEPS) -> SequentialRules:
        """Count the rules of all sessions, without skipped events."""
        pairs = _pairs(sessions, max_steps)
        weighted = [(a, b, np.full(len(a), 1 / step)) for step, (a, b) in enumerate(pairs, 1)]
        return cls(_table(weighted, sessions.n_items), sessions.supports)


class AssociationRules(_Rules):
    """Rules between items of one session, in any order."""

    name = "association rules"

    @classmethod
    def fit(cls, sessions: Sessions, *, max_steps: int = MAX_DISTANCE) -> AssociationRules:
        """Count the pairs of all sessions, without skipped events."""
        pairs = _pairs(sessions, max_steps)
        both = [(a, b, np.ones(len(a))) for x, y in pairs for a, b in ((x, y), (y, x))]
        return cls(_table(both, sessions.n_items), sessions.supports)


def _pairs(sessions: Sessions, max_steps: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Items of a session that are 1, 2, ... steps apart; a repeated item follows itself."""
    counted = ~sessions.skipped
    items, rows = sessions.items[counted], sessions.session_rows[counted]
    pairs = []
    for step in range(1, min(max_steps, int(sessions.lengths.max(initial=1)) - 1) + 1):
        first, second = items[:-step], items[step:]
        fits = rows[:-step] == rows[step:]
        pairs.append((first[fits], second[fits]))
    return pairs


def _table(pairs: list[tuple[np.ndarray, np.ndarray, np.ndarray]], n_items: int) -> RuleTable:
    from scipy.sparse import coo_matrix  # here: for fitting only: answers start without scipy

    first, second, weights = (np.concatenate([np.zeros(0, dtype=np.int32), *p]) for p in zip(
        *pairs, strict=True)) if pairs else (np.zeros(0, dtype=np.int32),) * 3  # fmt: skip
    matrix = coo_matrix((weights, (first, second)), shape=(n_items, n_items)).tocsr()
    matrix.sum_duplicates()
    return RuleTable(
        matrix.indptr.astype(np.int64),
        matrix.indices.astype(np.int32),
        matrix.data.astype(np.float32),
    )
