"""Descriptors of a clip: tempo, key, loudness, brightness, energy."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from audiorec.audio.clips import load_clips
from audiorec.audio.config import MelConfig

CLIP = MelConfig(clip_position="middle", clip_seconds=30.0, n_clips=1)
SLOWEST, FASTEST = 60.0, 200.0  # beats a minute to which a tempo is brought by octaves
MAJOR = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
MINOR = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])
"""Key profiles of Krumhansl & Kessler 1982, from the tonic on."""
QUIET = 1e-10


def describe_file(path: Path) -> np.ndarray:
    """Descriptors of the middle 30 s of a file; see `describe`."""
    return describe(load_clips(path, config=CLIP)[0], sr=CLIP.sr)


def describe(y: np.ndarray, *, sr: int) -> np.ndarray:
    """Descriptors of a clip.

    Parameters
    ----------
    y : np.ndarray [shape=(n,)], float32
        Mono.
    sr : int
        Hz.

    Returns
    -------
    values : np.ndarray [shape=(5,)], float32
        Tempo (beats a minute), key (number in `audiorec.data.descriptors.KEYS`), loudness (LUFS,
        ITU-R BS.1770), brightness (mean spectral centroid, Hz), energy (mean strength of onsets,
        dB). NaN where one cannot be measured.
    """
    import librosa  # loads a second; describing alone needs it
    import pyloudnorm

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        onsets = librosa.onset.onset_strength(y=y, sr=sr)
        tempo = float(np.atleast_1d(librosa.feature.tempo(onset_envelope=onsets, sr=sr))[0])
        chroma = librosa.feature.chroma_cqt(y=y, sr=sr).mean(axis=1)
        power = np.abs(librosa.stft(y, n_fft=2048)) ** 2
        centroid = librosa.feature.spectral_centroid(S=np.sqrt(power), sr=sr)[0]
        loudness = float(pyloudnorm.Meter(sr).integrated_loudness(y.astype(np.float64)))
    sounding = power.sum(axis=0) > QUIET
    brightness = float(centroid[sounding].mean()) if sounding.any() else np.nan
    energy = 10 * np.log10(max(float(onsets.mean()), QUIET))
    values = [in_octave(tempo), key_of(chroma), loudness, brightness, energy]
    values_ = np.array(values, dtype=np.float32)
    values_[~np.isfinite(values_)] = np.nan
    return values_


def in_octave(tempo: float) -> float:
    """A tempo doubled or halved into the usual range; NaN where there is none."""
    if not tempo > 0:
        return float("nan")
    while tempo < SLOWEST:
        tempo *= 2
    while tempo > FASTEST:
        tempo /= 2
    return tempo


def key_of(chroma: np.ndarray) -> float:
    """Number of the key whose profile correlates best; NaN where all pitches are alike.

    Parameters
    ----------
    chroma : np.ndarray [shape=(12,)]
        Strength of each pitch class, from C on.
    """
    if not chroma.std() > QUIET:
        return float("nan")
    profiles = [np.roll(profile, tonic) for profile in (MAJOR, MINOR) for tonic in range(12)]
    return float(np.argmax([np.corrcoef(chroma, profile)[0, 1] for profile in profiles]))
