from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiorec.exceptions import ParameterError
from audiorec.metrics import CalibrationBin, calibration_error, reliability


def test_known_bins():
    confidence = np.array([0.05, 0.95, 0.93, 1.0, 0.97])
    correct = np.array([False, True, True, True, False])
    low, high = reliability(confidence, correct)
    assert low == CalibrationBin(pytest.approx(0.05), 0.0, 1)
    assert high == CalibrationBin(pytest.approx(0.9625), 0.75, 4)
    assert calibration_error(confidence, correct) == pytest.approx((0.05 + 4 * 0.2125) / 5)


def test_what_says_how_often_it_is_right_has_no_error():
    rng = np.random.default_rng(0)
    confidence = rng.uniform(size=200_000)
    correct = rng.uniform(size=200_000) < confidence
    assert calibration_error(confidence, correct) < 0.01
    assert calibration_error(np.sqrt(confidence), correct) == pytest.approx(2 / 3 - 1 / 2, abs=0.01)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1), st.integers(1, 20))
def test_every_statement_is_in_one_bin(statements, n_bins):
    confidence, correct = map(np.array, zip(*statements, strict=True))
    bins = reliability(confidence, correct, n_bins=n_bins)
    assert sum(each.n for each in bins) == len(statements)
    assert 0 <= calibration_error(confidence, correct, n_bins=n_bins) <= 1


@pytest.mark.parametrize(
    ("confidence", "correct", "n_bins", "match"),
    [
        ([], [], 10, "above 0"),
        ([0.5], [True, False], 10, "one length"),
        ([1.2], [True], 10, "between 0 and 1"),
        ([float("nan")], [True], 10, "between 0 and 1"),
        ([0.5], [True], 0, "n_bins=0"),
    ],
)
def test_what_makes_no_sense(confidence, correct, n_bins, match):
    with pytest.raises(ParameterError, match=match):
        reliability(np.array(confidence, float), np.array(correct, bool), n_bins=n_bins)
