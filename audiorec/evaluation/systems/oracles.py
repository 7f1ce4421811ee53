"""Oracles: factors from plays of the held-out tracks themselves."""

from __future__ import annotations

import numpy as np
import polars as pl

from audiorec.data.plays import to_interactions
from audiorec.evaluation.holdout import Holdout
from audiorec.evaluation.systems.base import PredictedVectors, Prediction, System, WorkDir, rows_of
from audiorec.factors import fit_factors, fold_in_tracks

ORACLE = "ALS fold-in"


def als_on_all_plays(holdout: Holdout, work: WorkDir) -> Prediction:
    """Predict factors of all plays, including those to predict (van den Oord et al. 2013)."""
    config = holdout.data.recipe.factors
    everything = to_interactions(
        holdout.plays,
        min_tracks_per_user=config.min_tracks_per_user,
        min_users_per_track=config.min_users_per_track,
    )
    factors = fit_factors(everything, config=config, seed=holdout.key.seed)
    return Prediction(
        [
            PredictedVectors(
                rows_of(factors.tracks, holdout.cold),
                listeners=rows_of(factors.users, holdout.listeners),
                warm=rows_of(factors.tracks, holdout.targets.ids),
            )
        ]
    )


def als_fold_in(holdout: Holdout, work: WorkDir) -> Prediction:
    """Predict factors of candidates folded in from half A's plays."""
    plays = holdout.plays_of_held_out(users=holdout.folding)
    if not (plays["plays"] > 0).any():
        return Prediction([PredictedVectors(np.zeros((len(holdout.cold), holdout.factors.dim)))])
    folded = fold_in_tracks(
        holdout.factors,
        to_interactions(plays.filter(pl.col("plays") != 0)),
        config=holdout.data.recipe.factors,
        among=holdout.folding,
    )
    facts = {"share of tracks covered": float(np.mean([i in folded for i in holdout.cold]))}
    return Prediction([PredictedVectors(rows_of(folded, holdout.cold))], facts)


SYSTEMS: dict[str, System] = {
    "ALS on all plays": System(als_on_all_plays, "oracle"),
    ORACLE: System(als_fold_in, "oracle"),
}
