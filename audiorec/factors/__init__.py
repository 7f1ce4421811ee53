"""Collaborative factors of listeners and tracks, fitted to plays alone."""

from __future__ import annotations

from audiorec.factors.als import confidence, fit_factors, signed_confidence
from audiorec.factors.artist_smoothing import (
    NO_SMOOTHING,
    ArtistSmoothing,
    artist_smoothing_from,
    fit_artist_smoothing,
    smooth_by_artist,
)
from audiorec.factors.blend import blend_tracks
from audiorec.factors.config import FactorsConfig
from audiorec.factors.fold_in import (
    AGREEMENT,
    PriorDecay,
    agreement_of,
    fold_in_tracks,
    fold_in_users,
)
from audiorec.factors.store import Factors, load_factors, save_factors

__all__ = [
    "AGREEMENT",
    "NO_SMOOTHING",
    "ArtistSmoothing",
    "Factors",
    "FactorsConfig",
    "PriorDecay",
    "agreement_of",
    "artist_smoothing_from",
    "blend_tracks",
    "confidence",
    "fit_artist_smoothing",
    "fit_factors",
    "fold_in_tracks",
    "fold_in_users",
    "load_factors",
    "save_factors",
    "signed_confidence",
    "smooth_by_artist",
]
