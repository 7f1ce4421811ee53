"""Split of sessions by time, the last days held out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from audiorec.data.sessions import Sessions
from audiorec.exceptions import DataError

SECONDS_PER_DAY = 86_400
MAX_HELD_OUT = 0.2
"""Largest fraction of sessions that `split_by_time` holds out."""


class SessionSplit(NamedTuple):
    """Earlier and later sessions, with the same items."""

    train: Sessions
    test: Sessions


def split_by_time(sessions: Sessions, *, days: float = 7.0, seed: int = 0) -> SessionSplit:
    """Hold out the latest sessions, by their starts.

    Parameters
    ----------
    sessions : Sessions
    days : float
        Sessions of the last days, but at most a fraction `MAX_HELD_OUT` of all, and at least one.
        Sessions without a time are never held out where others have one.
    seed : int
        Draws a tenth if no session has a time.

    Raises
    ------
    DataError
        If there are fewer than two sessions.
    """
    n = len(sessions)
    if n < 2:
        raise DataError(f"{n} sessions cannot be split into earlier and later ones; add plays")
    timed = np.flatnonzero(~np.isnan(sessions.starts))
    if len(timed):
        last = sessions.starts[timed[-1]]
        late = timed[sessions.starts[timed] > last - days * SECONDS_PER_DAY]
        held = late[-max(1, int(MAX_HELD_OUT * n)) :]
    else:
        held = np.random.default_rng(seed).permutation(n)[: max(1, n // 10)]
    rest = np.setdiff1d(np.arange(n), held)
    return SessionSplit(sessions.take(rest), sessions.take(held))
