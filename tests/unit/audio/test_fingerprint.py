from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from audiorec.audio import load_clips
from audiorec.audio.config import MelConfig
from audiorec.audio.fingerprint import BANDS, CELLS, make_print
from audiorec.index.config import IndexConfig
from audiorec.mel.transform import log_mel

CONFIG = MelConfig()
SAME = IndexConfig().duplicate_similarity


def print_of(file, config=CONFIG):
    (y,) = load_clips(file, config=config)
    return make_print(log_mel(y, config=config), config=config)


def twin(mel):
    """The print of a whole clip, cell by cell."""
    bands = np.linspace(0, 128, BANDS + 1).round().astype(int)
    edges = np.linspace(0, CONFIG.n_frames, CELLS + 1).round().astype(int)
    power = 10 ** (mel.astype(np.float64) / 10)
    level = np.array(
        [
            [10 * np.log10(power[lo:hi, a:b].mean()) for a, b in pairwise(edges)]
            for lo, hi in pairwise(bands)
        ]
    )
    level = np.maximum(level, level.max() - 30)
    steady = level.mean(axis=1, keepdims=True)
    change = level - steady + 0.02 * (steady - steady.mean())
    change -= change.mean()
    return (change / np.linalg.norm(change)).ravel()


def test_equals_its_readable_twin(tune):
    mel = log_mel(tune(30, 22050, 1)[:, 0], config=CONFIG)
    assert np.allclose(make_print(mel, config=CONFIG), twin(mel), atol=1e-6)


def test_other_encodings_are_near_and_other_takes_are_not(tmp_path, tune, write_audio):
    y = tune(40)
    original = print_of(write_audio(tmp_path / "a.flac", y))
    for suffix, bit_rate in (
        (".mp3", 128_000),
        (".mp3", 64_000),
        (".ogg", 0),
        (".m4a", 96_000),
        (".m4a", 48_000),
    ):
        other = write_audio(tmp_path / f"b{suffix}", y * np.float32(0.5), bit_rate=bit_rate)
        assert original @ print_of(other) > SAME
    for seed in (1, 2, 3):
        take = write_audio(tmp_path / "c.flac", tune(40, seed=seed))
        assert original @ print_of(take) < SAME - 0.2
    shifted = write_audio(tmp_path / "d.flac", y[44100 * 3 :])
    assert original @ print_of(shifted) < SAME - 0.2


def test_soft_moments_that_an_encoder_changes_leave_a_print(tune):
    mel = log_mel(tune(30, 22050, 1)[:, 0], config=CONFIG)
    rng = np.random.default_rng(0)
    soft = mel < mel.max() - 45
    assert soft.mean() > 0.05
    changed = np.where(soft, mel - rng.uniform(0, 20, mel.shape), mel)
    assert make_print(changed, config=CONFIG) @ make_print(mel, config=CONFIG) > 0.999


def test_recordings_of_noise_are_not_the_same_one():
    rng = np.random.default_rng(0)
    shape = np.sqrt(1 + np.arange(CONFIG.n_samples // 2 + 1))
    white = [rng.standard_normal(CONFIG.n_samples) for _ in range(4)]
    pink = [np.fft.irfft(np.fft.rfft(y) / shape, CONFIG.n_samples) for y in white]
    for kind in (white, pink):
        mels = [log_mel((0.1 * y / y.std()).astype(np.float32), config=CONFIG) for y in kind]
        prints = np.stack([make_print(mel, config=CONFIG) for mel in mels])
        assert (prints @ prints.T)[np.triu_indices(4, 1)].max() < SAME - 0.4


@pytest.mark.parametrize("seconds", [1.0, 1.5, 7.3, 29.9])
def test_short_clips(tune, seconds):
    y = tune(seconds, 22050, 1)[:, 0]
    found = make_print(log_mel(y, config=CONFIG), config=CONFIG)
    assert found.shape == (BANDS * CELLS,)
    assert np.linalg.norm(found) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    "config", [MelConfig(clip_seconds=1), MelConfig(clip_seconds=600, n_mels=8)]
)
def test_any_config(tune, config):
    y = tune(min(config.clip_seconds, 40), 22050, 1)[:, 0]
    assert np.isfinite(make_print(log_mel(y, config=config), config=config)).all()


def test_a_clip_that_is_the_same_everywhere_has_no_print():
    assert not make_print(np.full((128, 1292), -20.0), config=CONFIG).any()
