"""Factors from plays, beside implicit alone: `pytest -m benchmark -s`."""

from __future__ import annotations

import numpy as np
import pytest
from benching import contest

from audiorec.factors import FactorsConfig
from audiorec.factors.config import EPSILON, ITERATIONS

USERS, TRACKS, PLAYS = 20_000, 30_000, 1_000_000


@pytest.mark.benchmark
def test_factors_cost_what_implicit_costs():
    import scipy.sparse
    from implicit.als import AlternatingLeastSquares

    from audiorec.data.plays import Interactions
    from audiorec.factors import confidence, fit_factors
    from audiorec.id_map import IdMap

    rng = np.random.default_rng(0)
    rows = rng.integers(0, USERS, PLAYS)
    columns = (rng.pareto(1.1, PLAYS) * 300).astype(np.int64) % TRACKS
    counts = rng.integers(1, 20, PLAYS).astype(np.float32)
    plays = scipy.sparse.csr_matrix((counts, (rows, columns)), shape=(USERS, TRACKS))
    config = FactorsConfig()
    users = IdMap((f"u{n}" for n in range(USERS)), noun="listener")
    tracks = IdMap(f"t{n}" for n in range(TRACKS))
    interactions = Interactions(plays, users, tracks)
    known = plays.copy()
    known.data = confidence(plays.data, alpha=config.alpha, epsilon=EPSILON).astype("f4")

    def alone():
        model = AlternatingLeastSquares(
            factors=config.factors,
            regularization=config.regularization,
            alpha=1.0,
            iterations=ITERATIONS,
            random_state=0,
        )
        model.fit(known, show_progress=False)

    contest(
        "factors",
        f"{PLAYS:,} plays of {USERS:,} listeners and {TRACKS:,} tracks to factors",
        {
            "audiorec.factors.fit_factors": lambda: (
                fit_factors(interactions, config=config) and None
            ),
            "implicit alone": alone,
        },
        amount=PLAYS,
        unit="plays",
        rounds=3,
        packages=("implicit",),
    )
