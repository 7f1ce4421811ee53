"""The listeners' space: factors of listeners and tracks, learned from plays alone."""

from audiorec.factors.artists import (
    NO_ARTISTS,
    ArtistPrior,
    among_artists,
    learn_artist_prior,
    read_artist_prior,
)
from audiorec.factors.blend import blend_tracks
from audiorec.factors.fold_in import AGREEMENT, Fading, agreement_of, fold_in_tracks, fold_in_users
from audiorec.factors.store import Factors, load_factors, save_factors
from audiorec.factors.weighted import QuadraticForms, WeightedError
from audiorec.factors.wmf import confidence, fit_factors, signed_confidence

__all__ = [
    "AGREEMENT",
    "NO_ARTISTS",
    "ArtistPrior",
    "Factors",
    "Fading",
    "QuadraticForms",
    "WeightedError",
    "agreement_of",
    "among_artists",
    "blend_tracks",
    "confidence",
    "fit_factors",
    "fold_in_tracks",
    "fold_in_users",
    "learn_artist_prior",
    "load_factors",
    "read_artist_prior",
    "save_factors",
    "signed_confidence",
]
