"""Blend of content predictions and plays into one vector per track, without a cold-start step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audiorec.embeddings import Embeddings
from audiorec.factors.config import FactorsConfig
from audiorec.factors.fold_in import PriorDecay, fold_in_tracks
from audiorec.factors.store import Factors

if TYPE_CHECKING:
    # It loads polars, which few commands need and which starts threads.
    from audiorec.data.plays import Interactions


def blend_tracks(
    factors: Factors,
    interactions: Interactions,
    sound: Embeddings,
    *,
    config: FactorsConfig,
    decay: PriorDecay,
) -> Embeddings:
    """Compute vectors of tracks from plays, with the prediction from audio as the prior.

    Parameters
    ----------
    factors : Factors
        The factors of listeners.
    interactions : Interactions
        Plays, skips and dislikes; tracks without audio and listeners without factors are ignored. A
        track with nothing but negative feedback is moved too.
    sound : Embeddings
        Predictions of factors, scaled to the length of factors.
    config : FactorsConfig
        The settings of the factors.
    decay : PriorDecay
        See `fold_in_tracks`.

    Returns
    -------
    tracks : Embeddings
        Of every track of `sound`, in its order. A track without a known listener keeps its
        prediction.
    """
    listened = [id_ for id_ in interactions.tracks if id_ in sound]
    if not listened:
        return sound
    warm = fold_in_tracks(
        factors,
        interactions.only_tracks(listened),
        config=config,
        prior=sound,
        decay=decay,
    )
    return sound.updated(warm).take(sound.ids)
