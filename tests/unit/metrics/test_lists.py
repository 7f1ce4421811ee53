"""What lists look like from inside, against readable twins."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from audiorec.exceptions import ParameterError
from audiorec.metrics import lists

OFFERED = np.array([[0, 1, 2], [3, 4, -1], [2, -1, -1]])


def twin(recommended: np.ndarray, value) -> float:
    per_list = []
    for row in recommended:
        pairs = [value(a, b) for a, b in combinations([c for c in row if c >= 0], 2)]
        if pairs:
            per_list.append(np.mean(pairs))
    return float(np.mean(per_list))


def test_same_label_counts_pairs() -> None:
    labels = np.array(["a", "a", "b", "c", "c"], dtype=object)
    assert lists.same_label(OFFERED, labels) == pytest.approx((1 / 3 + 1) / 2)
    assert lists.same_label(OFFERED, labels) == pytest.approx(
        twin(OFFERED, lambda a, b: labels[a] == labels[b])
    )


def test_diversity_is_one_minus_the_cosine() -> None:
    features = np.random.default_rng(0).standard_normal((5, 3))

    def distance(a, b):
        lengths = np.linalg.norm(features[a]) * np.linalg.norm(features[b])
        return 1 - features[a] @ features[b] / lengths

    assert lists.diversity(OFFERED, features) == pytest.approx(twin(OFFERED, distance))


def test_a_list_of_one_has_no_pairs() -> None:
    assert np.isnan(lists.same_label(np.array([[0], [1]]), np.array([0, 1])))


def test_columns_outside_are_refused() -> None:
    with pytest.raises(ParameterError, match="outside of 0 to 1"):
        lists.same_label(np.array([[0, 2]]), np.array([0, 1]))
    with pytest.raises(ParameterError, match="n_candidates=0"):
        lists.same_label(np.empty((2, 0), dtype=int), np.array([]))
    with pytest.raises(ParameterError, match="asked x k columns"):
        lists.diversity(np.array([[0.0, 2.0]]), np.eye(2))
