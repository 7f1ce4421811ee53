"""Session-parallel mini-batches (Hidasi et al. 2016, section 3.1.1 and figure 2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from audiorec.data import Sessions


class Step(NamedTuple):
    """One event of each of the parallel sessions.

    Attributes
    ----------
    slots : np.ndarray [shape=(b,)], int64
        Parallel sessions with further events: rows of the hidden state.
    inputs, targets : np.ndarray [shape=(b,)], int32
        Items, and the items that follow them.
    skipped_inputs, skipped_targets : np.ndarray [shape=(b,)], bool
    first : np.ndarray [shape=(b,)], bool
        Whether the input is the first of its session: the state is reset before it.
    """

    slots: np.ndarray
    inputs: np.ndarray
    targets: np.ndarray
    skipped_inputs: np.ndarray
    skipped_targets: np.ndarray
    first: np.ndarray


def parallel_steps(sessions: Sessions, *, batch_size: int) -> Iterator[Step]:
    """Iterate over all sessions in the order of their starts, several in parallel.

    Where a session ends the next one takes its slot; the slot stays empty if there is none.

    Parameters
    ----------
    sessions : Sessions
        In order; each of two events or more.
    batch_size : int
    """
    starts, ends = sessions.offsets[:-1], sessions.offsets[1:]
    n_slots = min(batch_size, len(sessions))
    at, end = starts[:n_slots].copy(), ends[:n_slots].copy()
    first = np.ones(n_slots, dtype=bool)
    slots, following = np.arange(n_slots), n_slots
    while len(slots):
        yield Step(
            slots,
            sessions.items[at],
            sessions.items[at + 1],
            sessions.skipped[at],
            sessions.skipped[at + 1],
            first.copy(),
        )
        at = at + 1
        first[:] = False
        over = np.flatnonzero(at + 1 >= end)
        if not len(over):
            continue
        new = np.arange(following, min(following + len(over), len(sessions)))
        taken, empty = over[: len(new)], over[len(new) :]
        at[taken], end[taken], first[taken] = starts[new], ends[new], True
        following += len(new)
        if len(empty):
            stays = np.ones(len(slots), dtype=bool)
            stays[empty] = False
            slots, at, end, first = slots[stays], at[stays], end[stays], first[stays]
