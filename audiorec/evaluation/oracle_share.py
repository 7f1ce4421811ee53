"""Share of the oracle: position of a figure between random order and ALS fold-in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from audiorec.evaluation.systems import ORACLE, RANDOM


def share_of_oracle(
    values: np.ndarray, reference_values: np.ndarray, names: Sequence[str], *, axis: int
) -> np.ndarray:
    """Compute (values - random) / (ALS fold-in - random).

    Parameters
    ----------
    values, reference_values : np.ndarray, same shape
        Figures of the systems, and those used for random order and the oracle.
    names : sequence of str
        Names of the systems along `axis`.
    axis : int

    Returns
    -------
    shares : np.ndarray [shape=values.shape], float64
        NaN if the oracle is no better than random.
    """
    floor = reference_values.take([names.index(RANDOM)], axis=axis)
    ceiling = reference_values.take([names.index(ORACLE)], axis=axis)
    span = np.broadcast_to(ceiling - floor, values.shape)
    return np.divide(values - floor, span, out=np.full(values.shape, np.nan), where=span > 1e-9)
