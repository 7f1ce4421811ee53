"""A small world of listeners whose taste is planted."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse

from audiorec.data.plays import Interactions
from audiorec.factors import FactorsConfig
from audiorec.factors.config import DISLIKE_ALPHA, EPSILON
from audiorec.id_map import IdMap

N_USERS, N_TRACKS, N_TASTES = 120, 60, 3


@pytest.fixture(scope="session")
def config() -> FactorsConfig:
    return FactorsConfig(factors=6, regularization=1.0)


@pytest.fixture(scope="session")
def plays() -> Interactions:
    """Listener n plays, but for a few, the tracks whose number is n modulo 3."""
    rng = np.random.default_rng(0)
    alike = np.arange(N_USERS)[:, None] % N_TASTES == np.arange(N_TRACKS)[None] % N_TASTES
    heard = rng.random(alike.shape) < np.where(alike, 0.6, 0.03)
    counts = np.where(heard, np.ceil(rng.pareto(1.2, size=heard.shape) * 3) + 1, 0)
    return Interactions(
        scipy.sparse.csr_matrix(counts.astype(np.float32)),
        IdMap((f"u{n:03d}" for n in range(N_USERS)), noun="listener"),
        IdMap(f"t{n:03d}" for n in range(N_TRACKS)),
    )


def slow_half_step(counts, y, config, prior=None):
    """One listener's (or track's) vector after the other, from the dense normal equations.

    Counts below 0 are evidence against: no preference, with more confidence than silence.

    counts [shape=(n, m)], y [shape=(m, d)]; Hu, Koren & Volinsky 2008, equation 4.
    """
    solved = np.zeros((len(counts), y.shape[1]))
    for row, r in enumerate(counts):
        p = np.where(r > 0, 1.0, 0.0)
        alpha = np.where(r < 0, DISLIKE_ALPHA, config.alpha)
        c = np.diag(1 + alpha * np.log(1 + abs(r) / EPSILON))
        a = y.T @ c @ y + config.regularization * np.eye(y.shape[1])
        x0 = np.zeros(y.shape[1]) if prior is None else prior[row]
        solved[row] = np.linalg.solve(a, y.T @ c @ p + config.regularization * x0)
    return solved
