"""The studies of playlists, descriptors and explanations, where the outcome is known."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

from audiorec.exceptions import DataError, ParameterError
from audiorec.explain.occlusion import slots
from audiorec.studies import descriptors, explanations, playlists


@pytest.mark.parametrize(
    ("measured", "known", "score"),
    [
        (0, 0, 1.0), (7, 0, 0.5), (5, 0, 0.0), (9 + 12, 0, 0.3), (0 + 12, 0, 0.2), (4, 0, 0.0),
        (0, 9 + 12, 0.3), (9, 9 + 12, 0.2), (4 + 12, 9 + 12, 0.5), (float("nan"), 0, 0.0),
    ],
)  # fmt: skip
def test_keys_score_as_mirex_weighs_them(measured, known, score):
    assert descriptors.key_score(measured, known) == score


def test_tempi_fit_within_four_percent_or_an_octave():
    assert descriptors.tempo_fits(124, 120) and not descriptors.tempo_fits(126, 120)
    assert descriptors.tempo_fits(61, 120, octaves=True) and not descriptors.tempo_fits(61, 120)
    assert not descriptors.tempo_fits(80, 120, octaves=True)


def test_librosa_and_ours_name_a_plain_chord():
    t = np.arange(22050 * 8) / 22050
    y = sum(np.sin(2 * np.pi * f * t) for f in (261.63, 329.63, 392.0)).astype(np.float32)
    assert descriptors.by_librosa(0.1 * y).key == descriptors.by_audiorec(0.1 * y).key == 0


def test_a_world_is_needed_and_must_say_how_it_was_made(tmp_path):
    for study in (playlists, descriptors):
        with pytest.raises(ParameterError, match="--truth"):
            study.run(SimpleNamespace(truth=None))
    given = SimpleNamespace(truth=tmp_path / "truth.npz")
    with pytest.raises(DataError, match="make it again"):
        playlists.plan_of_world(given)
    (tmp_path / "world.json").write_text(json.dumps({"n_tracks": 12, "n_artists": 4, "seed": 3}))
    plans = playlists.plan_of_world(given)
    assert len(plans) >= 12 and all(54 <= plan.tempo <= 200 for plan in plans.values())


def test_an_interval_holds_the_mean():
    values = np.random.default_rng(0).normal(1, 1, 500)
    low, high = playlists.interval_of(values, np.random.default_rng(1))
    assert low < values.mean() < high and high - low < 0.3


def test_what_is_hidden_is_hidden():
    mel = np.arange(160, dtype=np.float32).reshape(16, 10)
    for what, axis in (("seconds", 1), ("bands", 0)):
        hidden = explanations._without(mel, what, [0, 2])
        every = slots(mel.shape[axis], 10 if what == "seconds" else 8)
        changed = np.flatnonzero((hidden != mel).any(axis=1 - axis))
        assert set(changed) <= {row for n in (0, 2) for row in range(*every[n])} and len(changed)
