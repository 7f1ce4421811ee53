"""Session neighbours: sknn, and vsknn, which weights by recency (Ludewig & Jannach 2018)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np

from audiorec.sessions.base import RepeatedPrefixScoring, unskipped

if TYPE_CHECKING:  # polars takes longer to import than an answer
    from audiorec.data import Sessions

K = 500
SAMPLE_SIZE = 5000
FALLBACK = 1e-9  # weight of popularity, below every neighbour's

Kind = Literal["sknn", "vsknn"]


class SessionNeighbours(RepeatedPrefixScoring):
    """Scores items by the past sessions that share items with this one.

    Of the sessions that share an item the `sample_size` latest are compared, and the items of the
    `k` most similar are scored by similarity. Sknn treats a session as a set: the cosine of two
    sets. Vsknn weights the session's items by recency, i / length at position i from 1, and the
    items of a neighbour by 1 / steps since its latest item in common.

    Parameters
    ----------
    arrays : mapping of str to np.ndarray
        ``item_offsets``, ``item_sessions``: sessions of each item, ascending in time;
        ``session_offsets``, ``session_items``: distinct items of each session; ``plays``.
    kind : {"sknn", "vsknn"}
    k, sample_size : int
    """

    def __init__(
        self,
        arrays: Mapping[str, np.ndarray],
        *,
        kind: Kind = "vsknn",
        k: int = K,
        sample_size: int = SAMPLE_SIZE,
    ) -> None:
        self.name: Kind = kind
        self.k, self.sample_size = k, sample_size
        self._arrays = dict(arrays)
        self._item_offsets, self._item_sessions = arrays["item_offsets"], arrays["item_sessions"]
        self._session_offsets = arrays["session_offsets"]
        self._session_items = arrays["session_items"]
        plays = arrays["plays"]
        self._base = (FALLBACK * plays / max(float(plays.max(initial=0)), 1)).astype(np.float32)

    @classmethod
    def fit(
        cls,
        sessions: Sessions,
        *,
        kind: Kind = "vsknn",
        k: int = K,
        sample_size: int = SAMPLE_SIZE,
    ) -> SessionNeighbours:
        """Index all sessions, without skipped events."""
        counted = ~sessions.skipped
        n = sessions.n_items
        pairs = np.unique(sessions.session_rows[counted] * n + sessions.items[counted])
        rows, items = pairs // max(n, 1), (pairs % max(n, 1)).astype(np.int32)
        by_item = np.argsort(items, kind="stable")
        arrays = {
            "session_offsets": _offsets(rows, len(sessions)),
            "session_items": items,
            "item_offsets": _offsets(items, n),
            "item_sessions": rows[by_item].astype(np.int32),
            "plays": sessions.supports,
        }
        return cls(arrays, kind=kind, k=k, sample_size=sample_size)

    def scores(self, items: np.ndarray, *, skipped: np.ndarray) -> np.ndarray:
        """See `SessionModel.scores`."""
        played = unskipped(items, skipped)
        neighbours, weights = self._nearest(played)
        scores = self._base.copy()
        if not len(neighbours):
            return scores
        starts, stops = self._session_offsets[neighbours], self._session_offsets[neighbours + 1]
        lengths = stops - starts
        within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        columns = self._session_items[np.repeat(starts, lengths) + within]
        scores += np.bincount(columns, np.repeat(weights, lengths), minlength=len(scores)).astype(
            np.float32
        )
        return scores

    def _nearest(self, played: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The nearest sessions and the weight of the items of each: [shape=(<= k,)] each."""
        nothing = np.zeros(0, dtype=np.int64), np.zeros(0)
        if not len(played):
            return nothing
        # Distinct items in the order of their latest positions.
        distinct, back = np.unique(played[::-1], return_index=True)
        order = np.argsort(-back)
        distinct, position = distinct[order], len(played) - back[order]  # from 1
        recency = position / len(played) if self.name == "vsknn" else np.ones(len(distinct))
        # Only the latest sessions of each item: no other can be among the latest of them all.
        shared = [self._sessions_of(item) for item in distinct.tolist()]
        counts = [len(common) for common in shared]
        sessions = np.concatenate(shared)
        n_sessions = len(self._session_offsets) - 1
        all_similar = np.bincount(sessions, np.repeat(recency, counts), minlength=n_sessions)
        candidates = np.flatnonzero(all_similar)[-self.sample_size :]
        if not len(candidates):
            return nothing
        similar = all_similar[candidates]
        all_latest = np.zeros(n_sessions, dtype=np.int64)
        all_latest[sessions] = np.repeat(position, counts)  # ascending: the last one is kept
        latest = all_latest[candidates]
        sizes = self._session_offsets[candidates + 1] - self._session_offsets[candidates]
        similar = similar / np.sqrt(sizes * len(distinct))
        # Of equally similar sessions the latest comes first: the one with the higher number.
        best = np.lexsort((-candidates, -similar))[: self.k]
        weights = similar[best]
        if self.name == "vsknn":
            weights = weights / (len(played) - latest[best] + 1)
        return candidates[best].astype(np.int64), weights

    def _sessions_of(self, item: int) -> np.ndarray:
        start, stop = self._item_offsets[item], self._item_offsets[item + 1]
        return self._item_sessions[max(start, stop - self.sample_size) : stop]

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return all arrays by name; sknn and vsknn have the same."""
        return dict(self._arrays)


def _offsets(rows: np.ndarray, n: int) -> np.ndarray:
    """Start of each of n rows among sorted ones : np.ndarray [shape=(n + 1,)], int64."""
    counts = np.bincount(rows, minlength=n)
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
