"""Seconds per million plays to find suspects, on this machine: `pytest -m benchmark -s`."""

import numpy as np
import polars as pl
import pytest
from benching import contest

from audiorec.data.plays import InteractionsConfig, find_suspects

CEILING = 6.0  # seconds per million rows; three times what two busy cores took


@pytest.mark.benchmark
@pytest.mark.parametrize("n_rows", [1_000_000, 10_000_000])
def test_suspects_are_found_in_seconds(n_rows):
    rng = np.random.default_rng(0)
    numbers = pl.DataFrame(
        {
            "user": rng.integers(0, n_rows // 80, n_rows),
            "track": (rng.pareto(1.1, n_rows) * 300).astype(np.int64) % 100_000,
            "timestamp": rng.integers(1_600_000_000, 1_660_000_000, n_rows),
        }
    )
    plays = numbers.select(
        pl.format("user-{}", "user").alias("user_id"),
        pl.format("track-{}", "track").alias("track_id"),
        pl.lit(1.0).alias("plays"),
        "timestamp",
    )

    def find():
        assert not len(find_suspects(plays, config=InteractionsConfig()))

    result = contest(
        f"suspects-{n_rows}",
        f"{n_rows / 1e6:.0f} million plays searched for suspects",
        {"find_suspects": find},
        amount=n_rows,
        unit="plays",
        rounds=3 if n_rows < 5_000_000 else 1,
        warm="no",
    )
    assert result.sides["find_suspects"].median / (n_rows / 1e6) < CEILING
