"""The factorisation's error as a quadratic form, against its definition."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse

from audiorec.data.interactions import Interactions
from audiorec.exceptions import NotFoundError
from audiorec.factors import Factors, WeightedError, fit_factors


@pytest.fixture(scope="module")
def mixed(plays) -> Interactions:
    """Plays, and some evidence against."""
    counts = plays.user_items.toarray()
    counts[::7, ::5] = -2
    return Interactions(scipy.sparse.csr_matrix(counts), plays.users, plays.tracks)


@pytest.fixture(scope="module")
def factors(mixed, config) -> Factors:
    return fit_factors(mixed, config=config)


def slow_error(counts, x, y, config):
    """Sum over listeners of c (p - x . y)^2, one after the other (Hu et al. 2008, equation 3)."""
    total = 0.0
    for r, listener in zip(counts, x, strict=True):
        p = 1.0 if r > 0 else 0.0
        alpha = config.dislike_alpha if r < 0 else config.alpha
        total += (1 + alpha * np.log(1 + abs(r) / config.epsilon)) * (p - listener @ y) ** 2
    return total


def test_equals_the_sum_over_listeners(mixed, factors, config):
    error = WeightedError(factors, mixed, config=config)
    counts, x = mixed.user_items.toarray(), factors.users.vectors.astype(float)
    ids = ["t007", "t000", "t031"]
    forms = error.forms(ids)
    unit = np.mean(
        [slow_error(counts[:, t], x, np.zeros(6), config) for t in range(counts.shape[1])]
    )
    for place, track_id in enumerate(ids):
        y = np.random.default_rng(place).normal(size=6)
        expected = slow_error(counts[:, mixed.tracks.row(track_id)], x, y, config) / unit
        found = y @ forms.gram[place] @ y - 2 * forms.cross[place] @ y + forms.constant[place]
        assert found == pytest.approx(expected, rel=1e-5)


def test_is_least_near_the_factor_itself(mixed, factors, config):
    """The factor bears a ridge beside the error, so that it lies a little nearer to 0."""
    forms = WeightedError(factors, mixed, config=config).forms(mixed.tracks.ids)
    for y, a, b in zip(factors.tracks.vectors, forms.gram, forms.cross, strict=True):
        best = np.linalg.solve(a.astype(float), b)
        assert best @ y > 0.99 * np.linalg.norm(best) * np.linalg.norm(y)
        assert np.linalg.norm(y) <= np.linalg.norm(best)


def test_strangers_are_passed_over_and_the_silence_of_all_counts(mixed, factors, config):
    some = factors.users.take(factors.users.ids[:40])
    few = WeightedError(Factors(some, factors.tracks), mixed, config=config)
    alone = mixed.only_users(some.ids)
    same = WeightedError(Factors(some, factors.tracks), alone, config=config)
    for one, other in zip(few.forms(["t003"]), same.forms(["t003"]), strict=True):
        np.testing.assert_array_equal(one, other)
    silent = factors.users.vectors.astype(float)
    nothing = scipy.sparse.csr_matrix(mixed.user_items.shape, dtype=np.float32)
    nobody = WeightedError(
        factors, Interactions(nothing, mixed.users, mixed.tracks), config=config
    ).forms(["t000"])
    np.testing.assert_allclose(nobody.gram[0], silent.T @ silent, rtol=1e-5)
    assert not nobody.cross.any() and not nobody.constant.any()


def test_unknown_tracks_are_named(mixed, factors, config):
    with pytest.raises(NotFoundError, match="'nobody'"):
        WeightedError(factors, mixed, config=config).forms(["nobody"])


def test_the_digest_tells_listening_apart(mixed, factors, config):
    first = WeightedError(factors, mixed, config=config).fingerprint
    assert first == WeightedError(factors, mixed, config=config).fingerprint
    other = config.model_copy(update={"alpha": 3.0})
    assert first != WeightedError(factors, mixed, config=other).fingerprint
    fewer = mixed.only_users(mixed.users.ids[1:])
    assert first != WeightedError(factors, fewer, config=config).fingerprint
