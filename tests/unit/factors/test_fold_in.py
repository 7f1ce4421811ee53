"""Folding in: the exact half-step, its mirror, and the ridge centred on a prior."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse

from audiorec.data.plays import Interactions
from audiorec.embeddings import Embeddings
from audiorec.exceptions import NotFoundError, ParameterError
from audiorec.factors import Factors, FactorsConfig, fit_factors, fold_in_tracks, fold_in_users
from audiorec.id_map import IdMap

from .conftest import N_TASTES, slow_half_step


@pytest.fixture(scope="module")
def warm(plays, config) -> Factors:
    """A space that has never heard of the last twelve tracks."""
    return fit_factors(plays.only_tracks(plays.tracks.ids[:48]), config=config)


@pytest.fixture(scope="module")
def cold(plays) -> Interactions:
    return plays.only_tracks(plays.tracks.ids[48:])


def close(one, other):
    return np.abs(one - other).max() < 1e-5 * np.abs(other).max()


def test_folding_in_what_was_fitted_gives_the_fit_again(plays, warm, config):
    folded = fold_in_tracks(warm, plays.only_tracks(plays.tracks.ids[:48]), config=config)
    assert folded.ids == warm.tracks.ids
    assert np.abs(folded.vectors - warm.tracks.vectors).max() < 2e-4


def test_new_tracks_equal_the_readable_half_step(warm, cold, config):
    slow = slow_half_step(cold.user_items.toarray().T, warm.users.vectors.astype(float), config)
    folded = fold_in_tracks(warm, cold, config=config)
    assert folded.ids == cold.tracks.ids
    assert close(folded.vectors, slow)


def test_new_listeners_equal_the_readable_half_step(plays, warm, config):
    new = plays.only_users(plays.users.ids[:9]).only_tracks(plays.tracks.ids[:48])
    slow = slow_half_step(new.user_items.toarray(), warm.tracks.vectors.astype(float), config)
    assert close(fold_in_users(warm, new, config=config).vectors, slow)


def test_a_new_listener_is_not_taken_for_one_who_knows_only_what_they_played(warm, config):
    one = Interactions(
        scipy.sparse.csr_matrix(np.full((1, 3), 4.0, dtype=np.float32)),
        IdMap(["new"]), IdMap(["t000", "t003", "t006"]),
    )  # fmt: skip
    vector = fold_in_users(warm, one, config=config).vectors[0]
    scores = warm.tracks.vectors[9:] @ vector
    alike = np.arange(9, 48) % N_TASTES == 0
    assert scores[alike].mean() > 5 * scores[~alike].mean()


def test_new_tracks_find_their_own_kind(warm, cold, config):
    folded = fold_in_tracks(warm, cold, config=config).normalized()
    nearest = np.argmax(folded.vectors @ warm.tracks.normalized().vectors.T, axis=1)
    assert (nearest % N_TASTES == np.arange(12) % N_TASTES).all()


def test_one_and_many_agree_and_strangers_are_passed_over(warm, cold, config):
    many = fold_in_tracks(warm, cold, config=config)
    users = IdMap([*cold.users, "stranger"])
    rows = scipy.sparse.vstack([cold.user_items, np.ones((1, 12), dtype=np.float32)]).tocsr()
    with_stranger = Interactions(rows, users, cold.tracks)
    for id_ in cold.tracks:
        one = fold_in_tracks(warm, with_stranger.only_tracks([id_]), config=config)
        assert np.array_equal(one[id_], many[id_])


def test_only_the_listeners_among_those_named_count(warm, cold, config):
    half = cold.users.ids[::2]
    folded = fold_in_tracks(warm, cold, config=config, among=half)
    slow = slow_half_step(
        cold.only_users(half).user_items.toarray().T,
        warm.users.take(half).vectors.astype(float),
        config,
    )
    assert close(folded.vectors, slow)
    other = fold_in_tracks(warm, cold.only_users(half), config=config, among=half)
    assert np.array_equal(folded.vectors, other.vectors)
    with pytest.raises(NotFoundError, match="unknown track 'nobody'|unknown listener 'nobody'"):
        fold_in_tracks(warm, cold, config=config, among=["nobody"])


def test_without_regularization_the_vector_of_least_norm_is_taken(config):
    space = Factors(
        Embeddings(["u"], np.array([[2.0, 0.0]])), Embeddings(["t"], np.array([[1.0, 0.0]]))
    )
    plays = Interactions(
        scipy.sparse.csr_matrix(np.ones((1, 1), np.float32)), IdMap("u"), IdMap("n")
    )
    free = FactorsConfig(**{**config.model_dump(), "regularization": 0.0})
    assert fold_in_tracks(space, plays, config=free)["n"] == pytest.approx([0.5, 0.0])


def test_ridge_on_a_prior_equals_the_readable_one(warm, cold, config):
    prior = np.random.default_rng(5).normal(size=(12, warm.dim))
    slow = slow_half_step(
        cold.user_items.toarray().T, warm.users.vectors.astype(float), config, prior=prior
    )
    folded = fold_in_tracks(warm, cold, config=config, prior=Embeddings(cold.tracks.ids, prior))
    assert close(folded.vectors, slow)
    new = fold_in_users(
        warm, cold.only_users(["u001"]), config=config,
        prior=Embeddings(["u001"], prior[:1]), among=warm.tracks.ids[:5],
    )  # fmt: skip
    assert np.allclose(new["u001"], prior[0])  # nothing of what they played is among these


def test_a_prior_of_zero_is_none_and_tracks_without_one_have_none(warm, cold, config):
    without = fold_in_tracks(warm, cold, config=config)
    zero = Embeddings(cold.tracks.ids, np.zeros((12, warm.dim)))
    assert np.array_equal(
        fold_in_tracks(warm, cold, config=config, prior=zero).vectors, without.vectors
    )
    first = cold.tracks.ids[0]
    some = fold_in_tracks(
        warm, cold, config=config, prior=Embeddings([first], np.ones((1, warm.dim)))
    )
    assert np.array_equal(some.vectors[1:], without.vectors[1:])
    assert not np.array_equal(some[first], without[first])


def test_without_plays_the_prior_stands_and_with_many_it_yields(warm, config):
    n = 4000
    rng = np.random.default_rng(2)
    taste = rng.normal(size=(n, 6))
    truth = rng.normal(size=6)
    space = Factors(Embeddings([f"u{i}" for i in range(n)], taste), Embeddings(["t"], truth[None]))
    heard = taste @ truth > 1
    prior = Embeddings(["n"], -truth[None])
    distance = []
    for asked in (0, 10, 100, n):
        among = [f"u{i}" for i in range(asked)]
        plays = Interactions(
            scipy.sparse.csr_matrix(heard[:, None] * np.float32(3)),
            IdMap(f"u{i}" for i in range(n)), IdMap(["n"]),
        )  # fmt: skip
        kwargs = {"config": config, "among": among}
        free = fold_in_tracks(space, plays, **kwargs)["n"]
        centred = fold_in_tracks(space, plays, prior=prior, **kwargs)["n"]
        if asked == 0:
            assert np.array_equal(centred, prior["n"]) and not free.any()
        distance.append(np.linalg.norm(centred - free))
    assert distance == sorted(distance, reverse=True)
    assert distance[-1] < 1e-3 * distance[0]


def test_a_prior_of_another_space_is_refused(warm, cold, config):
    with pytest.raises(ParameterError, match="prior of 2 dimensions does not fit 6"):
        fold_in_tracks(warm, cold, config=config, prior=Embeddings(["t048"], np.ones((1, 2))))
