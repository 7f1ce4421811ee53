"""Session-parallel mini-batches, beside the slow walk and the paper's figure."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from audiorec.data import Sessions
from audiorec.sessions.batches import parallel_steps

from ..session_lists import sessions_of_lists


def test_the_papers_figure() -> None:
    # Figure 2 of the ICLR paper, as far as it goes: three slots, and the next session in order.
    sessions = sessions_of_lists(["abcd", "ef", "ghijkl", "mn", "op"], item_ids="abcdefghijklmnop")
    steps = [
        ("".join(sessions.item_ids[i] for i in s.inputs),
         "".join(sessions.item_ids[i] for i in s.targets), s.first.tolist())
        for s in parallel_steps(sessions, batch_size=3)
    ]  # fmt: skip
    assert steps[:3] == [
        ("aeg", "bfh", [True, True, True]),
        ("bmh", "cni", [False, True, False]),
        ("coi", "dpj", [False, True, False]),
    ]
    assert steps[3:] == [("j", "k", [False]), ("k", "l", [False])]


@given(
    st.lists(st.lists(st.integers(0, 9), min_size=2, max_size=6), min_size=1, max_size=12),
    st.integers(1, 5),
)
def test_every_event_comes_once_in_order_and_states_never_cross(
    lists: list[list[int]], batch_size: int
) -> None:
    ids = [str(i) for i in range(10)]
    sessions: Sessions = sessions_of_lists(
        [[str(i) for i in items] for items in lists], item_ids=ids
    )
    walked: list[list[int]] = []
    open_: dict[int, list[int]] = {}
    for step in parallel_steps(sessions, batch_size=batch_size):
        assert len(np.unique(step.slots)) == len(step.slots)
        rows = zip(step.slots, step.inputs, step.targets, step.first, strict=True)
        for slot, item, target, first in rows:
            if first:
                open_[slot] = [item]
                walked.append(open_[slot])
            assert open_[slot][-1] == item
            open_[slot].append(target)
    assert walked == lists
