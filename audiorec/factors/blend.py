"""From cold to warm without a step: one vector per track from its sound and from who played it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audiorec.embeddings import Embeddings
from audiorec.factors.config import FactorsConfig
from audiorec.factors.fold_in import PriorDecay, fold_in_tracks
from audiorec.factors.store import Factors

if TYPE_CHECKING:
    # It loads polars, which few commands need and which starts threads.
    from audiorec.data.plays.interactions import Interactions


def blend_tracks(
    factors: Factors,
    interactions: Interactions,
    sound: Embeddings,
    *,
    config: FactorsConfig,
    decay: PriorDecay,
) -> Embeddings:
    """Vectors of tracks from both: the prediction from sound is the prior of the half-step.

    Parameters
    ----------
    factors : Factors
        The space.
    interactions : Interactions
        Who played what, skipped or disliked it; tracks without sound and listeners outside the
        space are passed over. A track that has nothing but evidence against it moves too.
    sound : Embeddings
        Predictions in the space, brought to the length of factors.
    config : FactorsConfig
        The settings that the space was made with.
    decay : PriorDecay
        See `fold_in_tracks`.

    Returns
    -------
    tracks : Embeddings
        Of every track of `sound`, in its order. One that nobody in the space met with keeps its
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
