"""The beat: clicks of known tempo, and what falls between them."""

import numpy as np
import pytest
import torch

from audiorec.models.pulse import (
    N_BEATS,
    PLACES,
    REGISTERS,
    SIZE,
    beat_pattern,
    beat_period,
    onset_strength,
)

N_MELS, RATE = 40, 43.0


def clicks(bpm, *, places=(0.0,), n_frames=430, first=3.0):
    """A click at each of `places` (of a beat), louder on the beat, dying away in a few frames."""
    mel = np.zeros((N_MELS, n_frames), dtype=np.float32)
    beat = 60 * RATE / bpm
    for number in range(int(n_frames / beat) + 1):
        for place in places:
            at = first + (number + place) * beat
            for frame in range(int(np.ceil(at)), min(int(at) + 8, n_frames)):
                height = 3.0 if place == 0 else 1.8
                mel[:, frame] = np.maximum(mel[:, frame], height * np.exp(-(frame - at) / 2))
    return torch.from_numpy(mel)


@pytest.mark.parametrize("bpm", [66, 80, 96, 120])
def test_the_period_of_clicks_is_found(bpm):
    onsets = onset_strength(clicks(bpm)[None], frame_rate=RATE)
    assert beat_period(onsets, frame_rate=RATE).item() == pytest.approx(60 * RATE / bpm, rel=0.02)


def patterns(x):
    """The pattern over two beats of all bands, as a row for each beat."""
    told = beat_pattern(x, frame_rate=RATE)
    n = PLACES * N_BEATS
    every = told[:, (len(REGISTERS) - 1) * n : len(REGISTERS) * n]
    return every.unflatten(1, (N_BEATS, PLACES)).mean(dim=1).numpy()


@pytest.mark.parametrize(("place", "expected"), [(1 / 2, 12), (2 / 3, 16)])
def test_swing_is_seen_at_any_tempo(place, expected):
    x = torch.stack([clicks(bpm, places=(0.0, place)) for bpm in (80, 110)])
    for pattern in patterns(x):
        assert min(pattern.argmax(), PLACES - pattern.argmax()) <= 1
        between = pattern[6:21]
        assert abs(6 + between.argmax() - expected) <= 1.5


def test_where_the_clip_begins_does_not_matter():
    first, later = patterns(torch.stack([clicks(100, first=2.0), clicks(100, first=14.0)]))
    assert np.corrcoef(first, later)[0, 1] > 0.95


@pytest.mark.parametrize("n_frames", [16, 50, 431])
def test_silence_and_short_clips_have_a_pattern_too(n_frames):
    for x in (torch.zeros(2, N_MELS, n_frames), torch.randn(2, 4, n_frames)):
        told = beat_pattern(x, frame_rate=RATE)
        assert told.shape == (2, SIZE)
        assert told.isfinite().all()


def test_one_and_many_agree():
    x = torch.stack([clicks(90), clicks(130, places=(0.0, 0.5))])
    one = torch.cat([beat_pattern(clip[None], frame_rate=RATE) for clip in x])
    torch.testing.assert_close(beat_pattern(x, frame_rate=RATE), one, rtol=1e-4, atol=1e-4)
