"""Pitches: tones and chords of known pitch, through the spectrogram that the network hears."""

import numpy as np
import pytest
import torch

from audiorec.audio.config import MelConfig
from audiorec.audio.mel_scale import band_edges
from audiorec.mel.transform import log_mel
from audiorec.models.pitches import (
    LOWEST,
    N_PARTIALS,
    N_PITCHES,
    N_TONAL,
    N_VOICE,
    SCALES,
    contrast,
    leading_voice,
    partials,
    salience,
    templates,
    tonality,
)

MEL = MelConfig(clip_seconds=4.0)
CENTRES = band_edges(MEL)[1:-1]
RATE = MEL.sr / MEL.hop_length
MINOR, MAJOR = 2, 5  # of `SCALES`


def tone(midi, seconds, *, fade=0.7, n_partials=8):
    t = np.arange(int(seconds * MEL.sr)) / MEL.sr
    hertz = 440 * 2 ** ((midi - 69) / 12)
    parts = [fade**n * np.sin(2 * np.pi * hertz * (n + 1) * t) for n in range(n_partials)]
    return np.sum(parts, axis=0) * np.exp(-2 * t)


def mel_of(chords, seconds=0.5, **timbre):
    """Log-mel of chords one after another, dB."""
    y = np.concatenate([sum(tone(p, seconds, **timbre) for p in chord) for chord in chords])
    return torch.from_numpy(log_mel(y.astype(np.float32) * 0.1, config=MEL))[None]


def heard(mel):
    return salience(
        (mel + 30) / 15,
        overtones=torch.from_numpy(templates(CENTRES)),
        contrast=torch.from_numpy(contrast(MEL.n_mels)),
    )


@pytest.mark.parametrize("midi", [57, 64, 69, 76, 84])
def test_a_tone_is_heard_at_its_pitch(midi):
    found = heard(mel_of([[midi]] * 4)).mean(dim=2)[0]
    assert abs(int(found.argmax()) + LOWEST - midi) <= 1


def scales(chords):
    """How well each scale fits on its best tonic."""
    told = tonality(heard(mel_of(chords)), frame_rate=RATE)[0].numpy()
    return told[-3 * (2 * len(SCALES) + 18) :][: len(SCALES)]


def test_major_and_minor_are_told_apart():
    up = [0, 2, None, 5, 7, None, None, 12]
    for third, sixth, seventh, right, wrong in ((4, 9, 11, MAJOR, MINOR), (3, 8, 10, MINOR, MAJOR)):
        steps = [*up]
        steps[2], steps[5], steps[6] = third, sixth, seventh
        fits = scales([[72 + step] for step in steps + steps[::-1]])
        assert fits[right] > fits[wrong]


def test_intervals_do_not_depend_on_the_key():
    melody = np.array([0, 4, 7, 4, 0, 5, 9, 5, 7, 4, 2, 0])
    first, higher, other = (
        tonality(heard(mel_of([[p] for p in line])), frame_rate=RATE)[0, 18:-96].numpy()
        for line in (70 + melody, 73 + melody, 70 + 2 * np.arange(12) % 12)
    )
    alike = np.corrcoef(first, higher)[0, 1]
    assert alike > np.corrcoef(first, other)[0, 1]
    assert alike > 0.7


def test_the_partials_of_a_tone_are_read_where_they_are():
    told = {}
    for fade in (0.3, 0.9):
        mel = mel_of([[69]] * 4, fade=fade)
        told[fade] = leading_voice(
            mel / 10, heard(mel), places=torch.from_numpy(partials(CENTRES)), frame_rate=RATE
        )[0].numpy()
    for fade, numbers in told.items():
        levels = 10 * numbers[:4]  # dB below the strongest
        # A band's gain falls as it widens: above 1 kHz, by a few dB over these partials.
        np.testing.assert_allclose(levels, 20 * np.log10(fade) * np.arange(4), atol=6)
    assert told[0.3][3] < told[0.9][3] - 1


def test_partials_lie_within_the_bands():
    places = partials(CENTRES)
    assert places.shape == (N_PITCHES, 2 * N_PARTIALS)
    assert places.min() >= 0
    assert places.max() <= MEL.n_mels - 1
    row = 69 - LOWEST
    assert CENTRES[round(places[row, 0])] == pytest.approx(440, abs=15)
    assert CENTRES[round(places[row, 4])] == pytest.approx(2200, rel=0.02)


@pytest.mark.parametrize("n_frames", [8, 60])
@pytest.mark.parametrize("n_mels", [4, 40])
def test_nothing_to_hear_is_finite(n_frames, n_mels):
    centres = np.linspace(100, 9000, n_mels)
    level = torch.zeros(2, n_mels, n_frames)
    pitches = salience(
        level,
        overtones=torch.from_numpy(templates(centres)),
        contrast=torch.from_numpy(contrast(n_mels)),
    )
    tonal = tonality(pitches, frame_rate=RATE)
    voice = leading_voice(
        level, pitches, places=torch.from_numpy(partials(centres)), frame_rate=RATE
    )
    assert (tonal.shape, voice.shape) == ((2, N_TONAL), (2, N_VOICE))
    assert tonal.isfinite().all()
    assert voice.isfinite().all()
