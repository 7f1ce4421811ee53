"""Kernel ridge regression: its twin without landmarks, and a curve to follow."""

import numpy as np
import pytest
import torch

from audiorec.models.kernel import PENALTY, WIDTH, KernelRidge


def curved(n, *, seed, n_examples=1):
    """Tracks of three numbers, and the square of the first with the product of the others."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, n_examples, 3)).astype("f4")
    y = np.stack([x[:, 0, 0] ** 2, x[:, 0, 1] * x[:, 0, 2]], axis=1)
    return list(x), y


def learned(x, y, n_landmarks=200, seed=0):
    kernel = KernelRidge(x[0].shape[1], n_landmarks, y.shape[1])
    kernel.learn(x, y, seed=seed)
    return kernel


def said(kernel, x):
    return kernel(torch.from_numpy(np.concatenate(x))).numpy()


def slow(x, y, new):
    """Every example a landmark: weights from the kernel of all with all, median over all pairs."""
    x, new = np.concatenate(x).astype(float), np.concatenate(new).astype(float)
    apart = np.array([[((a - b) ** 2).sum() for b in x] for a in x])
    width = WIDTH * np.median(apart[np.triu_indices(len(x), 1)])
    weights = np.linalg.solve(np.exp(-apart / width) + PENALTY * np.eye(len(x)), y - y.mean(axis=0))
    like = np.exp(-np.array([[((a - b) ** 2).sum() for b in x] for a in new]) / width)
    return like @ weights + y.mean(axis=0)


def test_with_all_tracks_as_landmarks_it_equals_its_twin():
    (x, y), (new, _) = curved(61, seed=0), curved(20, seed=1)
    np.testing.assert_allclose(said(learned(x, y), new), slow(x, y, new), atol=2e-2)


def test_it_follows_a_curve_with_few_landmarks():
    (x, y), (new, wanted) = curved(400, seed=0), curved(100, seed=1)
    off = np.square(said(learned(x, y, n_landmarks=40), new) - wanted).sum()
    assert off < 0.2 * np.square(wanted - y.mean(axis=0)).sum()


def test_altered_examples_are_learned_from():
    x, y = curved(50, seed=0)
    more = [np.concatenate([one, one + 0.1]) for one in x]
    new, _ = curved(5, seed=1)
    plain, both = learned(x, y), learned(more, y)
    assert torch.equal(plain.landmarks, both.landmarks)  # of tracks as they are
    assert np.abs(said(plain, new) - said(both, new)).max() > 1e-3


def test_empty_landmarks_say_nothing():
    (x, y), (new, _) = curved(30, seed=0), curved(9, seed=1)
    np.testing.assert_allclose(
        said(learned(x, y, 30), new), said(learned(x, y, 64), new), atol=1e-5
    )


def test_the_seed_draws_the_landmarks():
    x, y = curved(60, seed=0)
    first, again, other = (learned(x, y, n_landmarks=20, seed=s).landmarks for s in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("n", [1, 12])
def test_tracks_that_are_all_alike_leave_it_silent(n):
    kernel = learned([np.ones((1, 3), dtype="f4")] * n, np.arange(2.0 * n).reshape(n, 2))
    assert not kernel.speaks
    assert not kernel(torch.randn(4, 3)).any()
