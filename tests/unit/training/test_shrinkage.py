"""Directions that are not heard are shrunk; where all are heard alike, nothing is."""

import numpy as np
import pytest
import scipy.stats

from audiorec.embeddings import Embeddings, unit_norm
from audiorec.training.shrinkage import learn_shrinkage

DIM = 12
TURN = scipy.stats.ortho_group.rvs(DIM, random_state=0).T  # rows: popularity, then what is liked
DIFFER = np.linspace(2, 0.3, DIM - 1)  # how far listeners differ by each
POPULAR = TURN[0]


def listeners(n=3000, seed=5):
    rng = np.random.default_rng(seed)
    tastes = np.column_stack([rng.normal(size=n), rng.normal(size=(n, DIM - 1)) * DIFFER])
    return (tastes @ TURN).astype(np.float32)


def tracks(n, *, noise, seed):
    """Factors, and what is said of them: off by `noise` along each direction but the first."""
    rng = np.random.default_rng(seed)
    factors = np.column_stack([np.full(n, 1.0), rng.normal(size=(n, DIM - 1)) * 0.3])
    said = factors.copy()
    said[:, 1:] += rng.normal(size=(n, DIM - 1)) * noise
    ids = tuple(f"t{row}" for row in range(n))
    rows = (unit_norm((part @ TURN).astype(np.float32)) for part in (said, factors))
    return tuple(Embeddings(ids, part) for part in rows)


HEARD_FIRST = np.linspace(0.05, 1.0, DIM - 1)
HEARD_ALIKE = np.full(DIM - 1, 0.3)


def found(n, *, noise, seed=0, groups=None, **options):
    said, factors = tracks(n, noise=noise, seed=seed)
    groups = {i: f"a{row // 4}" for row, i in enumerate(said.ids)} if groups is None else groups
    options = {"listeners": listeners(), "mean": 3 * POPULAR, "seed": seed} | options
    return learn_shrinkage(said, factors=factors, groups=groups, **options)


def slopes(shrinkage):
    return np.diag(TURN @ shrinkage @ TURN.T)


@pytest.mark.parametrize("seed", range(3))
def test_what_is_heard_badly_is_shrunk_most(seed):
    shrinkage = found(800, noise=HEARD_FIRST, seed=seed, unless_alike=True)
    assert shrinkage.dtype == np.float32
    np.testing.assert_allclose(shrinkage, shrinkage.T, atol=1e-6)
    np.testing.assert_allclose(shrinkage @ POPULAR, POPULAR, atol=1e-5)
    expected = 0.3**2 / (0.3**2 + HEARD_FIRST**2)  # of predictions whose lengths differ little
    told = slopes(shrinkage)[1:]
    # Lengths of 1 stretch them all alike.
    np.testing.assert_allclose(told / told[0], expected / expected[0], atol=0.12)


def test_predictions_for_others_are_nearer_to_their_factors():
    shrinkage = found(400, noise=HEARD_FIRST)
    said, factors = tracks(400, noise=HEARD_FIRST, seed=9)
    across = np.eye(DIM) - np.outer(POPULAR, POPULAR)
    before = said.vectors @ across
    after = said.vectors @ shrinkage @ across
    wanted = factors.vectors @ across
    best = (before * wanted).sum() / (before * before).sum()  # of one number for all
    assert np.square(after - wanted).sum() < 0.85 * np.square(best * before - wanted).sum()


@pytest.mark.parametrize("seed", range(5))
def test_where_all_is_heard_alike_nothing_is_changed(seed):
    assert found(400, noise=HEARD_ALIKE, seed=seed, unless_alike=True) is None


@pytest.mark.parametrize("n", [1, 4])
def test_nor_where_nobody_can_tell(n):
    assert found(n, noise=HEARD_FIRST, unless_alike=True) is None


def test_on_request_it_is_always_learned():
    assert found(4, noise=HEARD_FIRST) is not None
    assert found(400, noise=HEARD_ALIKE) is not None


def test_nothing_to_go_by():
    assert found(400, noise=HEARD_FIRST, listeners=listeners(1)) is None
    assert found(400, noise=HEARD_FIRST, mean=0 * POPULAR) is None


def test_listeners_say_which_directions_these_are():
    # Of the reverse order nothing but one slope for all is left.
    turned = (listeners() @ TURN.T)[:, [0, *range(DIM - 1, 0, -1)]] @ TURN
    wrong = found(800, noise=HEARD_FIRST, listeners=turned)
    assert np.ptp(slopes(wrong)[1:]) < 0.2
    assert found(800, noise=HEARD_FIRST, listeners=turned, unless_alike=True) is None


def test_tracks_without_an_artist_are_groups_of_their_own():
    assert found(400, noise=HEARD_FIRST, groups={}, unless_alike=True) is not None
