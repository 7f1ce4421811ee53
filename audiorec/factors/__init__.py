"""The listeners' space: factors of listeners and tracks, learned from plays alone."""

from audiorec.factors.blend import blend_tracks
from audiorec.factors.fold_in import AGREEMENT, Fading, fold_in_tracks, fold_in_users
from audiorec.factors.store import Factors, load_factors, save_factors
from audiorec.factors.weighted import QuadraticForms, WeightedError
from audiorec.factors.wmf import confidence, fit_factors, signed_confidence

__all__ = [
    "AGREEMENT",
    "Factors",
    "Fading",
    "QuadraticForms",
    "WeightedError",
    "blend_tracks",
    "confidence",
    "fit_factors",
    "fold_in_tracks",
    "fold_in_users",
    "load_factors",
    "save_factors",
    "signed_confidence",
]
