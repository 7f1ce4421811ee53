"""Mapping between ids of tracks or listeners and row numbers of arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from audiorec.exceptions import NotFoundError, ParameterError

LONGEST = 512  # characters: arrays of ids are as wide as the longest of them


def id_problem(id_: str) -> str:
    """Describe why an id cannot be stored, and the remedy; empty if it can."""
    if len(id_) > LONGEST:
        return f"{id_[:40]!r}... has {len(id_):,} characters; give one of at most {LONGEST}"
    if "\0" in id_:
        return f"{id_!r} holds a zero byte; remove it"
    return ""


class IdMap:
    """An ordered set of ids, each with its row number.

    Parameters
    ----------
    ids : iterable of str
        Unique ids, in the order of the rows.
    noun : str
        Kind of ids, for messages: ``"track"``, ``"listener"``.

    Raises
    ------
    ParameterError
        If an id is repeated.
    """

    def __init__(self, ids: Iterable[str], *, noun: str = "track") -> None:
        self._ids = tuple(map(str, ids))
        self._rows = {id_: row for row, id_ in enumerate(self._ids)}
        self.noun = noun
        if len(self._rows) != len(self._ids):
            twice = next(id_ for row, id_ in enumerate(self._ids) if self._rows[id_] != row)
            raise ParameterError(f"{noun} id {twice!r} appears twice; ids must be unique")

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __contains__(self, id_: object) -> bool:
        return id_ in self._rows

    def __getitem__(self, row: int) -> str:
        return self._ids[row]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IdMap) and self._ids == other._ids

    def __hash__(self) -> int:
        return hash(self._ids)

    @property
    def ids(self) -> tuple[str, ...]:
        """Every id, by row."""
        return self._ids

    def row(self, id_: str) -> int:
        """Row of one id; `NotFoundError` if it is unknown."""
        try:
            return self._rows[id_]
        except KeyError:
            raise NotFoundError(f"unknown {self.noun} {id_!r}") from None

    def rows(self, ids: Sequence[str]) -> np.ndarray:
        """Rows of many ids : np.ndarray [shape=(len(ids),)], int64."""
        return np.fromiter((self.row(i) for i in ids), dtype=np.int64, count=len(ids))
