from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from audiorec.audio import Fingerprints, MelConfig, find_copies, load_clips, make_fingerprint
from audiorec.audio.fingerprint import SAME, agreement, step_seconds
from audiorec.audio.mel_band_edges import band_edges
from audiorec.mel import log_mel

CONFIG = MelConfig()


def fingerprint_of(file, config=CONFIG):
    (y,) = load_clips(file, config=config)
    return make_fingerprint(log_mel(y, config=config), config=config)


def best(a, b, config=CONFIG):
    """Agreement of two fingerprints where they agree most, over 12 s or more."""
    shortest = round(12 / step_seconds(config))
    offsets = range(-len(a) + shortest, len(a) - shortest)
    return max(agreement(a, b, offset=offset, min_words=shortest) for offset in offsets)


def twin(mel):
    """Words of a clip, moment by moment and bit by bit."""
    centres = band_edges(CONFIG)[1:-1]
    low, high = int((centres < 200).sum()), int((centres < 4000).sum())
    bands = np.linspace(0, high - low, 34).round().astype(int)
    power = 10 ** (mel[low:high].astype(np.float64) / 10)
    power = np.array([power[a:b].mean(axis=0) for a, b in pairwise(bands)])
    weights = np.hanning(18)[1:-1]
    level = np.array(
        [
            10 * np.log10((power[:, start : start + 16] * weights).sum(axis=1) / weights.sum())
            for start in range(0, mel.shape[1] - 15, 2)
        ]
    )
    level = np.maximum(level, level.max() - 60)
    words = []
    for before, after in zip(level, level[4:], strict=False):
        rises = np.diff(after) > np.diff(before)
        words.append(int("".join("01"[int(bit)] for bit in rises), 2))
    return np.array(words, dtype=np.uint32)


def test_equals_its_readable_twin(tune):
    mel = log_mel(tune(30, 22050, 1)[:, 0], config=CONFIG)
    found, expected = make_fingerprint(mel, config=CONFIG), twin(mel)
    assert len(found) == len(expected)
    # A bit that is decided by rounding may differ.
    assert agreement(found, expected) > 0.999


def test_copies_are_found_wherever_they_begin_and_other_takes_are_not(tmp_path, tune, write_audio):
    y = tune(60)
    original = fingerprint_of(write_audio(tmp_path / "a.flac", y))
    for suffix, bit_rate, start, gain in (
        (".flac", 0, 0.2, 1.0),
        (".mp3", 128_000, 0.5, 0.5),
        (".mp3", 64_000, 2.0, 1.0),
        (".ogg", 0, 5.03, 0.1),
        (".m4a", 48_000, 10.0, 0.5),
    ):
        copy = y[int(start * 44100) :] * np.float32(gain)
        file = write_audio(tmp_path / f"b{suffix}", copy, bit_rate=bit_rate)
        assert best(original, fingerprint_of(file)) > SAME
    late = np.concatenate([np.zeros((10 * 44100, 2), np.float32), y[: -5 * 44100]])
    assert best(original, fingerprint_of(write_audio(tmp_path / "c.flac", late))) > SAME
    for seed in (1, 2, 3):
        take = write_audio(tmp_path / "d.flac", tune(60, seed=seed))
        assert best(original, fingerprint_of(take)) < SAME - 0.2


def test_the_other_way_round_and_two_at_once(tune):
    mel = log_mel(tune(30, 22050, 1)[:, 0], config=CONFIG)
    words = make_fingerprint(mel, config=CONFIG)
    other = make_fingerprint(mel[:, 86:], config=CONFIG)
    pair = Fingerprints(("a", "b"), np.stack([words, other]), step_seconds(CONFIG))
    (match,) = find_copies(pair)
    assert (match.a, match.b, match.offset) == (0, 1, 43) and match.agreement > 0.9
    (back,) = find_copies(pair._replace(words=pair.words[::-1]))
    assert back.offset == -43 and back.agreement == match.agreement


def test_copies_share_eighteen_seconds_or_are_not_told(tune):
    mel = log_mel(tune(45, 22050, 1)[:, 0], config=MelConfig(clip_seconds=45))
    n, rate = CONFIG.n_frames, CONFIG.sr / CONFIG.hop_length
    begins = [round(seconds * rate) for seconds in (0, 10.5, 14)]  # 19.5 and 16 s of the first
    words = [make_fingerprint(mel[:, at : at + n], config=CONFIG) for at in begins]
    every = Fingerprints(("a", "b", "c"), np.stack(words), step_seconds(CONFIG))
    assert [match[:2] for match in find_copies(every)] == [(0, 1), (1, 2)]


def test_recordings_of_noise_are_not_the_same_one():
    rng = np.random.default_rng(0)
    shape = np.sqrt(1 + np.arange(CONFIG.n_samples // 2 + 1))
    white = [rng.standard_normal(CONFIG.n_samples) for _ in range(4)]
    pink = [np.fft.irfft(np.fft.rfft(y) / shape, CONFIG.n_samples) for y in white]
    for kind in (white, pink):
        mels = [log_mel((0.1 * y / y.std()).astype(np.float32), config=CONFIG) for y in kind]
        words = np.stack([make_fingerprint(mel, config=CONFIG) for mel in mels])
        every = Fingerprints(tuple("abcd"), words, step_seconds(CONFIG))
        assert find_copies(every, same=0.3) == []


@pytest.mark.parametrize("seconds", [1.0, 1.5, 7.3, 29.9])
def test_short_clips(tune, seconds):
    y = tune(seconds, 22050, 1)[:, 0]
    found = make_fingerprint(log_mel(y, config=CONFIG), config=CONFIG)
    whole = make_fingerprint(np.zeros((128, CONFIG.n_frames)), config=CONFIG)
    assert found.shape == whole.shape and found.dtype == np.uint32
    assert np.count_nonzero(found) == pytest.approx((seconds - 0.6) / 0.0464, abs=4)


@pytest.mark.parametrize(
    "config",
    [
        MelConfig(clip_seconds=1),
        MelConfig(clip_seconds=600, n_mels=8),
        MelConfig(sr=16_000, n_fft=512, hop_length=256, n_mels=96, compression="log10"),
    ],
)
def test_any_config(tune, config):
    y = tune(min(config.clip_seconds, 40), config.sr, 1)[:, 0][: config.n_samples]
    words = make_fingerprint(log_mel(y, config=config), config=config)
    assert len(np.unique(words)) > 5
    assert agreement(words, words) == 1


def test_a_clip_that_is_the_same_everywhere_has_nothing_to_tell():
    assert not make_fingerprint(np.full((128, 1292), -20.0), config=CONFIG).any()
