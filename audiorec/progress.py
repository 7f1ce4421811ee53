"""Progress callback of long work: the library itself prints nothing."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called now and then by long work.

    Parameters
    ----------
    stage : str
        Name of the stage, a word or two: ``"mel"``.
    done : int
        Units finished, from 0 to `total`.
    total : int or None
        Total number of units, or None while it is unknown.
    note : str
        A few more words: a loss, a rate.
    """

    def __call__(self, stage: str, done: int, total: int | None, note: str = "") -> None: ...


def silent(stage: str, done: int, total: int | None, note: str = "") -> None:
    """Report nothing: the default of every function that takes a `Progress`."""
