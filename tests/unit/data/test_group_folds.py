"""Groups that count alike, and folds that keep them whole."""

from __future__ import annotations

import numpy as np

from audiorec.data import group_weights


def test_groups_count_alike() -> None:
    weights = group_weights(["a", "b", "a", "a"])
    assert np.allclose(weights, [1 / 3, 1, 1 / 3, 1 / 3])
