"""Descriptors of sounds whose tempo, key and level are known."""

from __future__ import annotations

import numpy as np
import pytest

from audiorec.audio import measure_descriptors
from audiorec.audio.descriptors import key_of, pitch_classes, tempo_of
from audiorec.data.catalog import key_name
from audiorec.data.catalog.descriptors import KEYS

from .songs import SR, song


@pytest.mark.parametrize("bpm", [63.0, 91.3, 120.0, 147.7, 181.0])
def test_tempo_between_the_frames(bpm):
    rate = SR / 512  # at 181 beats a minute a frame more or less is 7 % of a beat
    times = np.arange(0, 30, 60 / bpm)
    frames = np.arange(int(30 * rate)) / rate
    onsets = np.exp(-0.5 * ((frames[:, None] - times) / 0.02) ** 2).sum(axis=1)
    tempo, _ = tempo_of(onsets, frame_rate=rate)
    assert min(abs(tempo * factor / bpm - 1) for factor in (0.5, 1, 2)) < 0.01


def test_a_tempo_that_may_as_well_be_its_double_is_less_clear():
    rate = SR / 512
    frames = np.arange(int(30 * rate)) / rate

    def clarity(bpm, loudness):
        times = np.arange(0, 30, 30 / bpm)  # twice a beat, the second of each so loud
        levels = np.where(np.arange(len(times)) % 2, loudness, 1.0)
        onsets = np.exp(-0.5 * ((frames[:, None] - times) / 0.02) ** 2) @ levels
        return tempo_of(onsets, frame_rate=rate)[1]

    assert clarity(90, 0.0) > clarity(90, 0.5) > clarity(90, 1.0) >= -0.05


def test_peaks_count_for_their_semitone():
    t = np.arange(SR) / SR
    for midi in (45, 60, 71):
        y = np.sin(2 * np.pi * 440 * 2 ** ((midi - 69) / 12) * t)
        spectrum = np.abs(np.fft.rfft(y[:8192] * np.hanning(8192)))
        strength = pitch_classes(spectrum, sr=SR)
        assert strength.argmax() == midi % 12 and strength.max() > 0.9 * strength.sum()
    assert not pitch_classes(np.zeros(2049), sr=SR).any()


@pytest.mark.parametrize("bpm", [80.0, 120.0])
def test_tempo_up_to_an_octave(bpm):
    tempo = measure_descriptors(song(bpm), sr=SR)[0]
    assert min(abs(tempo * factor / bpm - 1) for factor in (0.5, 1, 2)) < 0.04


@pytest.mark.parametrize(("root", "minor", "key"), [(57, False, "A"), (60, True, "Cm")])
def test_key(root, minor, key):
    assert key_name(measure_descriptors(song(100, root=root, minor=minor), sr=SR)[1]) == key


def test_level_and_brightness_move_as_they_should():
    y = song(100)
    loud, quiet = measure_descriptors(y, sr=SR), measure_descriptors(0.5 * y, sr=SR)
    assert loud[2] - quiet[2] == pytest.approx(20 * np.log10(2), abs=0.05)
    hiss = np.random.default_rng(0).standard_normal(len(y)).astype(np.float32)
    assert measure_descriptors(0.1 * hiss, sr=SR)[3] > 2 * loud[3]


def test_silence_has_none():
    values = measure_descriptors(np.zeros(5 * SR, np.float32), sr=SR)
    assert np.isnan(values[1:4]).all() and len(KEYS) == 24
    assert np.isnan(values[0]) and np.isnan(key_of(np.ones(12)))
