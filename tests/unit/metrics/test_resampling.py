"""The bootstrap against its slow twin and against the textbook's standard error."""

from __future__ import annotations

import numpy as np
import pytest

from audiorec import metrics
from audiorec.exceptions import ParameterError
from audiorec.metrics import resampling


def slow_resampled_means(values: np.ndarray, *, n_resamples: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    chosen = rng.integers(len(values), size=(n_resamples, len(values)))
    return np.array([np.nanmean(values[rows], axis=0) for rows in chosen])


def test_equals_the_slow_twin() -> None:
    values = np.random.default_rng(1).random((23, 4))
    values[3, 1] = np.nan
    np.testing.assert_allclose(
        metrics.resampled_means(values, n_resamples=50, seed=7),
        slow_resampled_means(values, n_resamples=50, seed=7),
    )


def test_hold_outs_weigh_alike_however_many_listeners_they_have() -> None:
    rng = np.random.default_rng(1)
    cells = [rng.random((2, 3, 23)), rng.random((2, 3, 7))]
    cells[0][1, 2, 5] = np.nan
    found = metrics.pooled(cells, n_resamples=50)
    assert found.samples.shape == (50, 2, 3)
    for a in range(2):
        for b in range(3):
            columns = [cell[a, b][:, np.newaxis] for cell in cells]
            assert found.means[a, b] == pytest.approx(np.mean([np.nanmean(c) for c in columns]))
            twins = [
                slow_resampled_means(column, n_resamples=50, seed=number)[:, 0]
                for number, column in enumerate(columns)
            ]
            np.testing.assert_allclose(found.samples[:, a, b], np.mean(twins, axis=0))


def test_blocks_of_resamples_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(1).random((23, 2))
    whole = metrics.resampled_means(values, n_resamples=50, seed=7)
    monkeypatch.setattr(resampling, "BLOCK_CELLS", 100)
    np.testing.assert_allclose(metrics.resampled_means(values, n_resamples=50, seed=7), whole)


def test_the_interval_has_the_width_of_the_standard_error() -> None:
    values = np.random.default_rng(2).normal(3.0, 2.0, (4000, 1))
    low, high = metrics.interval(metrics.resampled_means(values, n_resamples=2000, seed=0)[:, 0])
    half = 1.96 * 2.0 / np.sqrt(4000)
    assert (high - low) / 2 == pytest.approx(half, rel=0.08)
    assert low < values.mean() < high


def test_columns_are_drawn_together() -> None:
    column = np.random.default_rng(0).random(30)
    means = metrics.resampled_means(np.stack([column, column + 1], 1), n_resamples=20, seed=0)
    np.testing.assert_allclose(means[:, 1] - means[:, 0], 1.0)


def test_same_seed_same_means() -> None:
    values = np.random.default_rng(0).random((30, 1))
    one, same = (metrics.resampled_means(values, n_resamples=20, seed=5) for _ in range(2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, metrics.resampled_means(values, n_resamples=20, seed=6))


def test_nobody_with_a_value_gives_none() -> None:
    means = metrics.resampled_means(np.full((3, 1), np.nan), n_resamples=4, seed=0)
    assert np.isnan(means).all()
    assert np.isnan(metrics.interval(means[:, 0])).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.resampled_means(np.zeros((0, 2)), n_resamples=3, seed=0), "not 0"),
        (lambda: metrics.resampled_means(np.zeros((2, 2)), n_resamples=0, seed=0), "n_resamples=0"),
        (lambda: metrics.interval(np.zeros(3), level=1.0), "level=1.0"),
    ],
)
def test_bad_input_has_one_clear_line(call, message) -> None:
    with pytest.raises(ParameterError, match=message):
        call()
