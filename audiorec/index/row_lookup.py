"""Lookup of rows by id without a dictionary, affordable in a process with a single query."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np

from audiorec.exceptions import NotFoundError, ParameterError

# Below this fraction of the rows, ids are looked up one by one.
FEW = 50


class RowLookup:
    """Ids by row, some of which may be deleted, and the order of the others.

    Parameters
    ----------
    ids : np.ndarray [shape=(n_rows,)], str
    order : np.ndarray [shape=(n,)], int64
        Rows that are not deleted, in the order of their ids.
    """

    def __init__(self, ids: np.ndarray, order: np.ndarray) -> None:
        self.by_row = ids
        self.order = order
        self._filtered: tuple[frozenset[str], np.ndarray] | None = None

    def __len__(self) -> int:
        return len(self.order)

    @property
    def n_rows(self) -> int:
        """Number of rows, with deleted ones."""
        return len(self.by_row)

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids that are not deleted, in order."""
        return tuple(self.by_row[self.order].tolist())

    def row(self, id_: str) -> int:
        """Row of an id, or -1: a bisection that reads a handful of a mapped file's pages."""
        if "_rows" in self.__dict__:
            return self._rows.get(id_, -1)
        place = bisect_left(range(len(self)), id_, key=self._id_at)
        return int(self.order[place]) if place < len(self) and self._id_at(place) == id_ else -1

    def known_row(self, id_: str) -> int:
        """Row of an id; `NotFoundError` if it is unknown."""
        row = self.row(id_)
        if row < 0:
            raise NotFoundError(
                f"track {id_!r} is not in the index; run 'audiorec embed' and 'audiorec index', "
                "or check the name"
            )
        return row

    def rows(self, ids: Collection[str]) -> np.ndarray:
        """Rows of ids, -1 for unknown ones : np.ndarray [shape=(len(ids),)], int64.

        Those of a frozen set are cached: a filter is reused from search to search.
        """
        if isinstance(ids, frozenset) and len(ids) * FEW >= len(self):
            if self._filtered is None or self._filtered[0] is not ids:
                self._filtered = (ids, self._rows_of(ids))
            return self._filtered[1]
        return self._rows_of(ids)

    def _rows_of(self, ids: Collection[str]) -> np.ndarray:
        if len(ids) * FEW < len(self):
            return np.array([self.row(id_) for id_ in ids], dtype=np.int64)
        rows = self._rows
        return np.array([rows.get(id_, -1) for id_ in ids], dtype=np.int64)

    @cached_property
    def _rows(self) -> dict[str, int]:
        """Row by id, built on the first lookup of many, for repeated queries."""
        return dict(zip(self.ids, self.order.tolist(), strict=True))

    def _id_at(self, place: int) -> str:
        return str(self.by_row[self.order[place]])


class GroupNumbers(Mapping[str, int]):
    """Numbers of groups by id, read lazily from an array of them.

    Parameters
    ----------
    lookup : RowLookup
    groups : np.ndarray [shape=(n_rows,)], int64
        -1 for a row without a group.
    """

    def __init__(self, lookup: RowLookup, groups: np.ndarray) -> None:
        self._lookup = lookup
        self._groups = groups

    def __getitem__(self, id_: str) -> int:
        row = self._lookup.row(id_)
        if row < 0 or self._groups[row] < 0:
            raise KeyError(id_)
        return int(self._groups[row])

    def __iter__(self) -> Iterator[str]:
        order = self._lookup.order
        return iter(self._lookup.by_row[order[self._groups[order] >= 0]].tolist())

    def __len__(self) -> int:
        return int(np.count_nonzero(self._groups[self._lookup.order] >= 0))


def id_array(ids: Sequence[str]) -> np.ndarray:
    """Ids as an array : np.ndarray [shape=(len(ids),)], str.

    Raises
    ------
    ParameterError
        If an id ends in a null character, which an array would drop.
    """
    for id_ in ids:
        if id_.endswith("\0"):
            raise ParameterError(f"id {id_!r} must not end in a null character; rename it")
    return np.array(ids, dtype=np.str_)
