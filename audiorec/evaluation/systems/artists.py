"""Artist baselines: factors of the artist's other tracks, without audio."""

from __future__ import annotations

import numpy as np

from audiorec.evaluation.data import EvaluationData
from audiorec.evaluation.holdout import Holdout
from audiorec.evaluation.systems.base import PredictedVectors, Prediction, System, WorkDir


def artist_mean(holdout: Holdout, work: WorkDir) -> Prediction:
    """Predict the mean factor of the artist's training tracks; zero if there are none.

    Not the mean of all tracks: scaled to unit norm, it would rank above most known artists.
    """
    factors = holdout.factors.tracks
    rows: dict[str, list[int]] = {}
    for track_id, artist in holdout.data.artists.items():
        if track_id in factors:
            rows.setdefault(artist, []).append(factors.id_map.row(track_id))
    artists = [holdout.data.artists[i] for i in holdout.cold]
    vectors = np.zeros((len(artists), factors.dim), dtype=np.float32)
    for row, artist in enumerate(artists):
        if artist in rows:
            vectors[row] = factors.vectors[rows[artist]].mean(axis=0)
    covered = float(np.mean([artist in rows for artist in artists]))
    return Prediction([PredictedVectors(vectors)], {"share of tracks covered": covered})


def no_artists(data: EvaluationData) -> str | None:
    """Return the reason if no track shares its artist with another, or None."""
    alone = len(set(data.artists.values())) == len(data.artists)
    return "the catalogue names no artist of two tracks" if alone else None


SYSTEMS: dict[str, System] = {"artist mean": System(artist_mean, "baseline")}
