"""Exposure against slow readable twins, and cases whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiorec.exceptions import ParameterError
from audiorec.metrics import exposure


@st.composite
def offers(draw):
    n = draw(st.integers(1, 9))
    k = draw(st.integers(1, n))
    asked = draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    recommended = np.stack([rng.permutation(n)[:k] for _ in range(asked)])
    recommended[rng.random(recommended.shape) < 0.2] = -1
    return recommended, n


def slow_counts(recommended, n):
    return [
        sum(column == row for line in recommended.tolist() for row in line) for column in range(n)
    ]


def slow_gini(counts):
    differences = sum(abs(a - b) for a in counts for b in counts)
    return differences / (2 * len(counts) ** 2 * (sum(counts) / len(counts)))


def slow_skew(counts):
    mean = sum(counts) / len(counts)
    second = sum((c - mean) ** 2 for c in counts) / len(counts)
    third = sum((c - mean) ** 3 for c in counts) / len(counts)
    return third / second**1.5 if second else 0.0


@settings(max_examples=60, deadline=None)
@given(offers())
def test_figures_equal_their_readable_twins(given_):
    recommended, n = given_
    counts = slow_counts(recommended, n)
    assert exposure.k_occurrence(recommended, n).tolist() == counts
    assert exposure.coverage(recommended, n) == pytest.approx(sum(c > 0 for c in counts) / n)
    assert exposure.skew(recommended, n) == pytest.approx(slow_skew(counts), abs=1e-9)
    if sum(counts):
        assert exposure.gini(recommended, n) == pytest.approx(slow_gini(counts), abs=1e-12)
    both = exposure.evaluate(recommended, n)
    assert both["coverage"] == exposure.coverage(recommended, n)


def test_all_alike_and_one_for_all():
    even = np.arange(12).reshape(6, 2)
    assert exposure.evaluate(even, 12) == {"coverage": 1.0, "Gini": 0.0, "skew": 0.0}
    one = np.zeros((5, 1), dtype=np.int64)
    found = exposure.evaluate(one, 4)
    assert found["coverage"] == 0.25
    assert found["Gini"] == pytest.approx(0.75)
    assert found["skew"] == pytest.approx(2 / math.sqrt(3))


def test_nothing_offered_has_no_gini():
    nothing = np.full((3, 2), -1)
    assert math.isnan(exposure.gini(nothing, 4))
    assert exposure.coverage(nothing, 4) == 0
    assert math.isnan(exposure.self_information(nothing, np.ones(4), n_listeners=2))


def test_self_information_is_in_bits():
    recommended = np.array([[0, 1], [0, -1]])
    listeners = np.array([8, 2, 0])
    found = exposure.self_information(recommended, listeners, n_listeners=16)
    assert found == pytest.approx((1 + 1 + 3) / 3)
    unheard = exposure.self_information(np.array([[2]]), listeners, n_listeners=16)
    assert unheard == pytest.approx(5)


@pytest.mark.parametrize(
    ("recommended", "n", "message"),
    [
        (np.zeros(3, dtype=np.int64), 3, r"shape \(3,\)"),
        (np.zeros((2, 2)), 3, "float64"),
        (np.zeros((2, 2), dtype=np.int64), 0, "n_candidates=0"),
        (np.array([[3]]), 3, "outside of 0 to 2"),
        (np.array([[-2]]), 3, "outside of 0 to 2"),
    ],
)
def test_what_is_no_offer(recommended, n, message):
    with pytest.raises(ParameterError, match=message):
        exposure.coverage(recommended, n)


def test_no_listeners_at_all():
    with pytest.raises(ParameterError, match="n_listeners=0"):
        exposure.self_information(np.array([[0]]), np.ones(1), n_listeners=0)
