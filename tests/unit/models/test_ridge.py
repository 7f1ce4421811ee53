"""Ridge against the textbook's solution, and its penalty against the obvious cases."""

from __future__ import annotations

import numpy as np
import pytest

from audiorec.exceptions import ParameterError
from audiorec.models import fit_ridge
from audiorec.models.ridge import PENALTIES


def slow_ridge(x: np.ndarray, y: np.ndarray, *, penalty: float, new: np.ndarray) -> np.ndarray:
    z = (x - x.mean(0)) / x.std(0)
    weights = np.linalg.inv(z.T @ z + penalty * np.eye(x.shape[1])) @ z.T @ (y - y.mean(0))
    return (new - x.mean(0)) / x.std(0) @ weights + y.mean(0)


def data(seed: int = 0, *, noise: float = 0.1) -> tuple[np.ndarray, np.ndarray, list[str]]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((60, 5)) * [1, 10, 0.1, 3, 1] + 7
    y = x @ rng.standard_normal((5, 3)) + noise * rng.standard_normal((60, 3)) + 4
    return x, y, [f"g{i // 3}" for i in range(60)]


def test_equals_the_textbook() -> None:
    x, y, groups = data()
    new = x[:7] + 0.5
    fitted = fit_ridge(x, y, groups=groups, seed=0, penalties=[3.0])
    expected = slow_ridge(x, y, penalty=3.0, new=new)
    np.testing.assert_allclose(fitted.predict(new), expected, rtol=1e-5)


def test_a_clear_signal_wants_little_penalty_and_noise_wants_all() -> None:
    x, y, groups = data(noise=0.01)
    assert fit_ridge(x, y, groups=groups, seed=0).penalty <= PENALTIES[1]
    rng = np.random.default_rng(1)
    fitted = fit_ridge(x, rng.standard_normal((60, 3)), groups=groups, seed=0)
    assert fitted.penalty >= PENALTIES[6]


def test_groups_are_not_parted_when_the_penalty_is_chosen() -> None:
    """Features that name the group are no use on a new one: only a grouped choice sees that."""
    rng = np.random.default_rng(0)
    names = np.repeat(np.arange(20), 5)
    x = rng.standard_normal((20, 30))[names] + 0.01 * rng.standard_normal((100, 30))
    y = rng.standard_normal((20, 4))[names]
    grouped = fit_ridge(x, y, groups=[f"g{n}" for n in names], seed=0)
    parted = fit_ridge(x, y, groups=[str(n) for n in range(100)], seed=0)
    assert grouped.penalty > 100 * parted.penalty


def test_a_constant_feature_and_a_single_group_do_no_harm() -> None:
    x, y, _ = data()
    x[:, 2] = 5.0
    fitted = fit_ridge(x, y, groups=["one"] * 60, seed=0)
    assert np.isfinite(fitted.predict(x)).all()
    assert fitted.penalty == PENALTIES[len(PENALTIES) // 2]


def test_lengths_must_agree() -> None:
    x, y, groups = data()
    with pytest.raises(ParameterError, match="59 groups must be as many"):
        fit_ridge(x, y, groups=groups[1:], seed=0)


def test_a_weight_counts_as_so_many_rows() -> None:
    x, y, groups = data()
    twice = np.concatenate([np.arange(60), np.arange(10)])
    repeated = fit_ridge(
        x[twice], y[twice], groups=[groups[i] for i in twice], seed=0, penalties=[3.0]
    )
    weights = np.where(np.arange(60) < 10, 2.0, 1.0)
    # A penalty stands beside the mean weight's rows.
    share = weights.mean()
    weighted = fit_ridge(x, y, groups=groups, seed=0, penalties=[3.0 / share], weights=weights)
    new = np.random.default_rng(5).standard_normal((9, x.shape[1]))
    scale = x[twice].std(0) / x.std(0)  # features are standardised without weights
    assert np.allclose(scale, 1, atol=0.2)
    off = np.abs(repeated.predict(new) - weighted.predict(new)).max()
    plain = fit_ridge(x, y, groups=groups, seed=0, penalties=[3.0])
    assert off < 0.5 * np.abs(repeated.predict(new) - plain.predict(new)).max()


def test_more_features_than_rows_are_solved_alike() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((20, 60)), rng.standard_normal((20, 3))
    fitted = fit_ridge(x, y, groups=[str(i) for i in range(20)], seed=0, penalties=[5.0])
    z = (x - x.mean(0)) / x.std(0)
    slopes = np.linalg.solve(z.T @ z + 5.0 * np.eye(60), z.T @ (y - y.mean(0)))
    assert np.allclose(fitted.weights * x.std(0)[:, None], slopes, atol=1e-8)
