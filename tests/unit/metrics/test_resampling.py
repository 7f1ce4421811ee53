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


def holdout(values, users, *, effects=None, groups=()):
    effects = np.zeros((len(groups), values.shape[1])) if effects is None else effects
    return metrics.HoldoutValues(values, users, effects, groups)


def test_hold_outs_weigh_alike_and_share_their_draws_of_listeners() -> None:
    """Against a slow twin that draws names, however many listeners a hold-out has."""
    rng = np.random.default_rng(1)
    users = [[f"u{n:02d}" for n in range(23)], [f"u{n:02d}" for n in range(10, 17)]]
    cells = [holdout(rng.random((len(u), 3)), u) for u in users]
    cells[0].values[5, 2] = np.nan
    found = metrics.two_way(cells, n_resamples=50, seed=3)
    everyone = sorted(set(users[0] + users[1]))
    drawn = np.random.default_rng([3, 0]).integers(23, size=(50, 23))
    for sample in range(50):
        names = [everyone[n] for n in drawn[sample]]
        expected = []
        for cell in cells:
            rows = [list(cell.users).index(name) for name in names if name in cell.users]
            expected.append(np.nanmean(cell.values[rows], axis=0))
        np.testing.assert_allclose(found[sample], np.mean(expected, axis=0))


def test_a_group_that_is_drawn_more_often_has_more_of_its_effect() -> None:
    values = np.full((4, 1), 2.0)
    effects = np.array([[1.0], [-1.0]])
    cell = holdout(values, list("abcd"), effects=effects, groups=["x", "y"])
    found = metrics.two_way([cell, cell], n_resamples=400)[:, 0]
    assert set(np.round(found, 6)) == {0.0, 2.0, 4.0}  # x twice, each once, y twice
    assert found.mean() == pytest.approx(2.0, abs=0.2)


def test_effects_are_those_of_leaving_a_group_out() -> None:
    """Of a plain mean over candidates the jackknife's deviation is the textbook's."""
    values = np.random.default_rng(0).normal(size=(40, 1, 1))

    def mean(left_out):
        return np.nanmean(np.where(left_out[:, None, None], np.nan, values), axis=0)

    names, effects = metrics.group_effects(mean, np.arange(40).astype(str))
    assert len(names) == 40 and effects.sum() == pytest.approx(0)
    assert np.sqrt((effects**2).sum()) == pytest.approx(values.std() / np.sqrt(40), rel=0.03)
    _, alone = metrics.group_effects(mean, np.full(40, "one"))
    assert (alone == 0).all()


def test_many_quantities_lie_in_their_intervals_at_once() -> None:
    """Of twenty that are all 0, the best leaves its own interval far more often than 5 %."""
    alone = together = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        estimates = rng.normal(size=20)
        samples = estimates + rng.normal(size=(300, 20))
        ends = metrics.simultaneous(samples, estimates)
        together += any(end.low > 0 or end.high < 0 for end in ends)
        single = [metrics.interval(samples[:, n]) for n in range(20)]
        alone += any(end.low > 0 or end.high < 0 for end in single)
    assert alone > 100
    assert together < 22
    assert np.isnan(metrics.simultaneous(np.full((9, 1), np.nan), np.zeros(1))[0]).all()


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
