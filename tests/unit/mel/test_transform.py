from __future__ import annotations

import numpy as np
import pytest
import scipy.fft
from hypothesis import given, settings
from hypothesis import strategies as st

from audiorec.audio import MelConfig
from audiorec.exceptions import ParameterError
from audiorec.mel import audio_to_mels, log_mel

CONFIGS = [
    MelConfig(),
    MelConfig(sr=16000, n_fft=2048, hop_length=160, n_mels=96),
    MelConfig(n_fft=512, hop_length=512, n_mels=40),
]


def reference(y, config):
    import librosa

    power = librosa.feature.melspectrogram(
        y=y,
        sr=config.sr,
        n_fft=config.n_fft,
        hop_length=config.hop_length,
        n_mels=config.n_mels,
        power=2.0,
    )
    return librosa.power_to_db(power, ref=1.0, amin=1e-10, top_db=None)


def twin(y, config):
    """The same, frame by frame, with librosa's filters alone."""
    import librosa

    bank = librosa.filters.mel(
        sr=config.sr,
        n_fft=config.n_fft,
        n_mels=config.n_mels,
        dtype=np.float64,
    )
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(config.n_fft) / config.n_fft)
    padded = np.pad(y.astype(np.float64), config.n_fft // 2)
    columns = []
    for start in range(0, len(padded) - config.n_fft + 1, config.hop_length):
        spectrum = scipy.fft.rfft(padded[start : start + config.n_fft] * window)
        columns.append(10 * np.log10(np.maximum(bank @ np.abs(spectrum) ** 2, 1e-10)))
    return np.array(columns).T


@pytest.mark.filterwarnings("ignore:Empty filters")
@pytest.mark.parametrize("config", CONFIGS, ids=["default", "wide", "short"])
def test_equals_librosa(tune, config):
    y = tune(5, config.sr, 1)[:, 0]
    mel = log_mel(y, config=config)
    assert mel.dtype == np.float32
    assert mel.shape == (config.n_mels, 1 + len(y) // config.hop_length)
    assert np.abs(mel - reference(y, config)).max() < 1e-3
    assert np.abs(mel - twin(y, config)).max() < 1e-3


def test_a_whole_clip_has_the_frames_that_the_config_says(tune):
    config = MelConfig()
    assert log_mel(tune(30, 22050, 1)[:, 0], config=config).shape == (128, config.n_frames)


def test_a_tone_lies_in_its_band():
    import librosa

    config = MelConfig()
    y = np.sin(2 * np.pi * 1000 * np.arange(22050) / 22050).astype(np.float32)
    centres = librosa.mel_frequencies(config.n_mels + 2, fmin=0, fmax=11025)[1:-1]
    assert log_mel(y, config=config).mean(axis=1).argmax() == np.abs(centres - 1000).argmin()


def test_silence_is_the_floor():
    assert (log_mel(np.zeros(5000, np.float32), config=MelConfig()) == -100).all()


@settings(max_examples=20, deadline=None)
@given(n=st.integers(1, 4000), gain=st.floats(1e-3, 1e3))
def test_any_length_and_a_gain_is_a_shift(n, gain):
    y = np.random.default_rng(n).standard_normal(n).astype(np.float32)
    mel = log_mel(y, config=MelConfig())
    assert mel.shape == (128, 1 + n // 512)
    louder = log_mel(y * np.float32(gain), config=MelConfig())
    assert np.allclose(louder - mel, 20 * np.log10(gain), atol=1e-2) or mel.min() < -30


def test_arguments_stay_as_they_are(tune):
    y = tune(1, 22050, 1)[:, 0].copy()
    before = y.copy()
    log_mel(y, config=MelConfig())
    y.flags.writeable = False
    log_mel(y, config=MelConfig())
    assert (y == before).all()


@pytest.mark.parametrize("y", [np.zeros((2, 100), np.float32), np.zeros(0, np.float32)])
def test_not_mono(y):
    with pytest.raises(ParameterError, match="must be mono"):
        log_mel(y, config=MelConfig())


def test_a_file_from_outside(tmp_path, tune, write_audio):
    file = write_audio(tmp_path / "a.mp3", tune(12))
    config = MelConfig(clip_seconds=3, n_clips=2)
    mels = audio_to_mels(file, config=config)
    assert [m.shape for m in mels] == [(128, config.n_frames)] * 2
    assert mels[0].dtype == np.float16


def test_what_is_too_short_to_be_mirrored():
    config = MelConfig(
        sr=16000, n_fft=512, hop_length=256, n_mels=96, clip_seconds=3, compression="log10"
    )
    assert log_mel(np.ones(257, np.float32), config=config).shape == (96, 2)
    with pytest.raises(
        ParameterError, match="y of 256 samples is too short to be .* n_fft=512; give more than 256"
    ):
        log_mel(np.ones(256, np.float32), config=config)
