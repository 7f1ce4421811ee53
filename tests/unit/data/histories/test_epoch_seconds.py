from __future__ import annotations

from datetime import datetime, timedelta, timezone

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from audiorec.data.histories.epoch_seconds import epoch_seconds


@given(st.lists(st.integers(0, 4_000_000_000), min_size=1), st.sampled_from([0, 7200, -34200]))
def test_times_come_back_from_iso_8601(seconds, offset):
    zone = timezone(timedelta(seconds=offset))
    written = [datetime.fromtimestamp(second, tz=zone).isoformat() for second in seconds]
    assert epoch_seconds(pl.Series(written)).to_list() == seconds
