"""What is known of the artist's other tracks, without any sound."""

from __future__ import annotations

import numpy as np

from audiorec.evaluation.data import EvaluationData
from audiorec.evaluation.holdout import Holdout
from audiorec.evaluation.systems.base import PredictedVectors, Prediction, System, WorkDir


def artist_mean(holdout: Holdout, work: WorkDir) -> Prediction:
    """Mean factor of the artist's training tracks; zero, which favours nothing, without any.

    Not the mean of all tracks: scaled to length 1, it would stand above most of what is known.
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
    """Why tracks have no others of their artist, or None."""
    alone = len(set(data.artists.values())) == len(data.artists)
    return "the catalogue names no artist of two tracks" if alone else None


SYSTEMS: dict[str, System] = {"artist mean": System(artist_mean, "baseline")}
