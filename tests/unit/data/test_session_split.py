"""Earlier and later sessions."""

from __future__ import annotations

import polars as pl
import pytest

from audiorec.data import make_sessions, split_by_time
from audiorec.exceptions import DataError

from ..session_lists import sessions_of_lists

DAY = 86_400


def test_the_last_days_are_held_out_but_never_most() -> None:
    starts = [(f"u{i}", t, i * DAY) for i in range(100) for t in "ab"]
    plays = pl.DataFrame(starts, schema=["user_id", "track_id", "timestamp"], orient="row")
    split = split_by_time(make_sessions(plays), days=7)
    assert len(split.test) == 7
    assert split.train.starts.max() < split.test.starts.min()
    assert len(split_by_time(make_sessions(plays), days=1000).test) == 20


def test_without_times_a_tenth_is_drawn() -> None:
    sessions = sessions_of_lists([["a", "b"]] * 50)
    split = split_by_time(sessions, seed=3)
    assert (len(split.train), len(split.test)) == (45, 5)
    with pytest.raises(DataError, match="1 sessions cannot be split"):
        split_by_time(sessions_of_lists([["a", "b"]]))
