"""How long work tells what it has done: one callback, so that the library itself prints nothing."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called now and then by long work.

    Parameters
    ----------
    stage : str
        What is being done, a word or two: ``"mel"``.
    done : int
        Units finished, from 0 to `total`.
    total : int or None
        Units in all, or None while that is unknown.
    note : str
        A few words more: a loss, a rate.
    """

    def __call__(self, stage: str, done: int, total: int | None, note: str = "") -> None: ...


def silent(stage: str, done: int, total: int | None, note: str = "") -> None:
    """Report nothing: the default of every function that takes a `Progress`."""
