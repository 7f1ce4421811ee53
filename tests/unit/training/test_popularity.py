"""Popularity that cannot be heard is set alike; that which can, or may, is left."""

import numpy as np
import pytest

from audiorec.embeddings import Embeddings, unit_norm
from audiorec.training.popularity import common_part

DIM = 6
MEAN = np.eye(DIM, dtype=np.float32)[0]


def tracks(n, *, heard, seed):
    """Factors and predictions that agree in all but popularity, and in that as far as heard."""
    rng = np.random.default_rng(seed)
    taste = unit_norm(rng.normal(size=(n, DIM - 1)))
    played, guessed = rng.normal(1, 0.2, size=(2, n))
    told = heard * played + (1 - heard) * guessed
    ids = tuple(f"t{row}" for row in range(n))
    factors, said = (
        unit_norm(np.column_stack([along, taste]).astype(np.float32)) for along in (played, told)
    )
    return Embeddings(ids, said), Embeddings(ids, factors)


def found(n, *, heard, seed=0, groups=None, **options):
    said, factors = tracks(n, heard=heard, seed=seed)
    groups = {i: f"a{row // 4}" for row, i in enumerate(said.ids)} if groups is None else groups
    return said, common_part(said, factors=factors, mean=3 * MEAN, groups=groups, **options)


@pytest.mark.parametrize("seed", range(5))
def test_what_cannot_be_heard_is_set_alike(seed):
    said, common = found(400, heard=0.0, seed=seed, unless_heard=True)
    np.testing.assert_allclose(common, MEAN * said.vectors[:, 0].mean(), rtol=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_what_can_be_heard_is_left(seed):
    assert found(400, heard=0.7, seed=seed, unless_heard=True)[1] is None


@pytest.mark.parametrize("n", [1, 4])
def test_so_is_what_nobody_can_tell_of(n):
    assert found(n, heard=0.0, unless_heard=True)[1] is None
    assert found(n, heard=0.0)[1] is not None


def test_on_request_all_is_set_alike():
    said, common = found(400, heard=1.0)
    np.testing.assert_allclose(common, MEAN * said.vectors[:, 0].mean(), rtol=1e-5)


def test_tracks_without_an_artist_are_groups_of_their_own():
    assert found(400, heard=0.0, unless_heard=True, groups={})[1] is not None


def test_no_mean_no_direction():
    said, factors = tracks(40, heard=0.0, seed=0)
    assert common_part(said, factors=factors, mean=0 * MEAN, groups={}) is None
