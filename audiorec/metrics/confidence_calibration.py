"""Calibration of confidences: reliability bins and the expected calibration error.

Conventions
-----------
Predictions are sorted into bins of equal width by their confidence; in each, mean confidence is
compared with the fraction that was right. The expected calibration error is the mean difference,
bins weighted by their predictions (Guo, Pleiss, Sun & Weinberger 2017, "On calibration of modern
neural networks", eq. 3).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from audiorec.exceptions import ParameterError

N_BINS = 10


class CalibrationBin(NamedTuple):
    """Predictions of similar confidence: mean confidence, fraction that was right, and number."""

    confidence: float
    accuracy: float
    n: int


def validate(confidence: np.ndarray, correct: np.ndarray, n_bins: int) -> None:
    """Check the input of `reliability`."""
    if confidence.ndim != 1 or confidence.shape != correct.shape or not len(confidence):
        raise ParameterError(
            f"confidence of shape {confidence.shape} and correct of shape {correct.shape} must be "
            "of one length, above 0"
        )
    if not ((confidence >= 0) & (confidence <= 1)).all():
        raise ParameterError("confidence must lie between 0 and 1")
    if n_bins < 1:
        raise ParameterError(f"n_bins={n_bins} must be a positive integer")


def reliability(
    confidence: np.ndarray, correct: np.ndarray, *, n_bins: int = N_BINS
) -> list[CalibrationBin]:
    """Group predictions into nonempty bins, in ascending order.

    Parameters
    ----------
    confidence : np.ndarray [shape=(n,)]
        From 0 to 1.
    correct : np.ndarray [shape=(n,)], bool
    n_bins : int
    """
    validate(confidence, correct, n_bins)
    place = np.minimum((confidence * n_bins).astype(np.int64), n_bins - 1)
    return [
        CalibrationBin(
            float(confidence[chosen].mean()), float(correct[chosen].mean()), int(chosen.sum())
        )
        for chosen in (place == number for number in range(n_bins))
        if chosen.any()
    ]


def calibration_error(
    confidence: np.ndarray, correct: np.ndarray, *, n_bins: int = N_BINS
) -> float:
    """Expected calibration error, 0 to 1; see `reliability`."""
    bins = reliability(confidence, correct, n_bins=n_bins)
    off = sum(abs(each.confidence - each.accuracy) * each.n for each in bins)
    return off / len(confidence)
