"""Evidence against a track: no preference, with more confidence than silence has."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse

from audiorec.data.plays import Interactions
from audiorec.exceptions import DataError
from audiorec.factors import (
    Factors,
    confidence,
    fit_factors,
    fold_in_tracks,
    fold_in_users,
    signed_confidence,
)
from audiorec.factors.config import DISLIKE_ALPHA, EPSILON
from audiorec.id_map import IdMap

from .conftest import N_TASTES, N_TRACKS, N_USERS, slow_half_step


@pytest.fixture(scope="module")
def mixed(plays) -> Interactions:
    """The same listening, with a sixth of what is not to a listener's taste skipped."""
    rng = np.random.default_rng(8)
    counts = plays.user_items.toarray()
    alike = np.arange(N_USERS)[:, None] % N_TASTES == np.arange(N_TRACKS)[None] % N_TASTES
    skipped = (counts == 0) & ~alike & (rng.random(counts.shape) < 1 / 6)
    counts[skipped] = -rng.integers(1, 5, skipped.sum())
    return replace(plays, user_items=scipy.sparse.csr_matrix(counts))


@pytest.fixture(scope="module")
def fitted(mixed, config) -> Factors:
    return fit_factors(mixed, config=config)


def close(one, other):
    return np.abs(one - other).max() < 1e-5 * np.abs(other).max()


def test_confidence_keeps_the_side_in_its_sign(config, monkeypatch) -> None:
    net = np.array([-3.0, 0.0, 2.0])
    signed = signed_confidence(net, config=config)
    like = confidence(np.array([3.0, 2.0]), alpha=config.alpha, epsilon=EPSILON)
    dislike = confidence(np.array([3.0]), alpha=DISLIKE_ALPHA, epsilon=EPSILON)
    assert signed.tolist() == [-dislike[0], 1.0, like[1]]
    monkeypatch.setattr("audiorec.factors.als.DISLIKE_ALPHA", 0.0)
    assert signed_confidence(net, config=config).tolist() == [-1.0, 1.0, like[1]]
    assert net.tolist() == [-3.0, 0.0, 2.0]


def test_tracks_are_the_exact_half_step_from_the_listeners(mixed, config, fitted) -> None:
    slow = slow_half_step(
        mixed.user_items.toarray().T.astype(float), fitted.users.vectors.astype(float), config
    )
    assert np.abs(fitted.tracks.vectors - slow).max() < 2e-4 * np.abs(slow).max()


def slow_loss(mixed, users, tracks, config) -> float:
    """The objective, term by term, with p = 0 wherever r is not above 0."""
    r = mixed.user_items.toarray().astype(np.float64)
    alpha = np.where(r < 0, DISLIKE_ALPHA, config.alpha)
    c = 1 + alpha * np.log(1 + abs(r) / EPSILON)
    error = (c * ((r > 0) - users @ tracks.T) ** 2).sum()
    return float(error + config.regularization * ((users**2).sum() + (tracks**2).sum()))


def test_readable_half_steps_do_not_improve_on_the_fit(mixed, config) -> None:
    """Where the fast solver ends the slow one would stay, so both mind the same objective."""
    fast = fit_factors(mixed, config=config, iterations=100)
    r = mixed.user_items.toarray().astype(np.float64)
    users, tracks = (side.vectors.astype(float) for side in (fast.users, fast.tracks))
    before = slow_loss(mixed, users, tracks, config)
    for _ in range(5):
        users = slow_half_step(r, tracks, config)
        tracks = slow_half_step(r.T, users, config)
    assert 0.995 * before < slow_loss(mixed, users, tracks, config) <= before * (1 + 1e-6)


def test_folding_in_agrees_with_the_fit_and_with_the_readable_half_step(
    mixed, config, fitted
) -> None:
    folded = fold_in_tracks(fitted, mixed, config=config)
    assert np.abs(folded.vectors - fitted.tracks.vectors).max() < 2e-4
    new = mixed.only_users(mixed.users.ids[:9])
    slow = slow_half_step(
        new.user_items.toarray().astype(float), fitted.tracks.vectors.astype(float), config
    )
    assert (new.user_items.data < 0).any()
    assert close(fold_in_users(fitted, new, config=config).vectors, slow)


def test_a_dislike_moves_a_listener_away_further_than_silence(config, fitted, monkeypatch) -> None:
    def score(values, track):
        one = Interactions(
            scipy.sparse.csr_matrix(np.array([values], dtype=np.float32)), IdMap(["new"]),
            IdMap(["t000", "t003", "t001"]),
        )  # fmt: skip
        vector = fold_in_users(fitted, one, config=config).vectors[0]
        return float(vector @ fitted.tracks[track])

    silent, disliked = score([4, 4, 0], "t001"), score([4, -4, 0], "t006")
    assert disliked < score([4, 0, 0], "t006") < score([4, 4, 0], "t006")
    assert score([1, 1, -4], "t001") < silent or silent < 0.01
    as_silence = pytest.approx(score([4, 0, 0], "t006"), abs=1e-6)
    assert score([4, -4, 0], "t006") != as_silence
    monkeypatch.setattr("audiorec.factors.als.DISLIKE_ALPHA", 0.0)
    assert score([4, -4, 0], "t006") == as_silence


def test_only_dislikes_give_no_liking_and_nothing_else_is_an_error(mixed, config, fitted) -> None:
    one = Interactions(
        scipy.sparse.csr_matrix(np.array([[-1.0, -2.0]], dtype=np.float32)), IdMap(["new"]),
        IdMap(["t000", "t001"]),
    )  # fmt: skip
    assert not fold_in_users(fitted, one, config=config).vectors.any()
    with pytest.raises(DataError, match="no plays to learn from; import some"):
        fit_factors(one, config=config)


def test_what_others_skip_is_recommended_less(plays, mixed, config, fitted) -> None:
    """Skips held back from the fit: those learned with skips rank them lower."""
    rng = np.random.default_rng(3)
    coo = mixed.user_items.tocoo()
    hidden = (coo.data < 0) & (rng.random(coo.nnz) < 0.3)
    seen = scipy.sparse.csr_matrix(
        (coo.data[~hidden], (coo.row[~hidden], coo.col[~hidden])), shape=coo.shape
    )
    rows, columns = coo.row[hidden], coo.col[hidden]
    unheard = plays.user_items.toarray() == 0

    def mean_rank(factors) -> float:
        """Share of what a listener has not heard that a hidden skip outranks."""
        scores = factors.users.vectors @ factors.tracks.vectors.T
        return float(
            np.mean([(scores[u, t] > scores[u][unheard[u]]).mean() for u, t in
                     zip(rows, columns, strict=True)])
        )  # fmt: skip

    with_skips = fit_factors(replace(mixed, user_items=seen), config=config)
    assert mean_rank(with_skips) < mean_rank(fit_factors(plays, config=config))
