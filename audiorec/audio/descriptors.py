"""Descriptors of a clip: tempo, key, loudness, brightness, energy."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from audiorec.audio.clip_decoding import load_clips
from audiorec.audio.config import IDENTITY_CLIP

CLIP = IDENTITY_CLIP  # decoded by a scan anyway
HOP = 512  # samples between frames of the onset strength
FINE_FFT, FINE_HOP = 4096, 1024  # of the spectrum whose peaks are taken for notes
SLOWEST, FASTEST = 60.0, 200.0  # beats a minute, bounds of the tempo
RIVALS = (0.5, 2.0, 2 / 3, 1.5)  # multiples of a tempo at which listeners may tap as well
USUAL, OCTAVES = 120.0, 1.0  # mode and width of the prior of the tempo
N_BEATS = 4  # over which an onset is followed
LOWEST, HIGHEST = 60.0, 1500.0  # Hz, range of the notes used for the key
A4 = 440.0
MAJOR = np.array(
    [0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081]
)
MINOR = np.array(
    [0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052]
)
"""Share of each pitch class, from the tonic on: Albrecht & Shanahan 2013."""
QUIET = 1e-10


def describe_file(path: Path) -> np.ndarray:
    """Descriptors of the middle 30 s of a file; see `measure_descriptors`."""
    return measure_descriptors(load_clips(path, config=CLIP)[0], sr=CLIP.sr)


def measure_descriptors(y: np.ndarray, *, sr: int) -> np.ndarray:
    """Descriptors of a clip.

    Parameters
    ----------
    y : np.ndarray [shape=(n,)], float32
        Mono.
    sr : int
        Hz.

    Returns
    -------
    values : np.ndarray [shape=(6,)], float32
        Tempo (beats a minute), key (number in `audiorec.data.catalog.descriptors.KEYS`), loudness
        (LUFS, ITU-R BS.1770), brightness (mean spectral centroid, Hz), energy (mean strength of
        onsets, dB), and how clear the tempo is; see `tempo_of`. NaN where one cannot be measured.
    """
    import librosa  # here: it takes seconds to import, and only describing needs it
    import pyloudnorm

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        magnitude = np.abs(librosa.stft(y, n_fft=2048, hop_length=HOP))
        mel = librosa.power_to_db(librosa.feature.melspectrogram(S=magnitude**2, sr=sr))
        onsets = librosa.onset.onset_strength(S=mel, sr=sr, hop_length=HOP)
        centroid = librosa.feature.spectral_centroid(S=magnitude, sr=sr)[0]
        fine = np.abs(librosa.stft(y, n_fft=FINE_FFT, hop_length=FINE_HOP)).mean(axis=1)
        loudness = float(pyloudnorm.Meter(sr).integrated_loudness(y.astype(np.float64)))
    sounding = (magnitude**2).sum(axis=0) > QUIET
    brightness = float(centroid[sounding].mean()) if sounding.any() else np.nan
    energy = 10 * np.log10(max(float(onsets.mean()), QUIET))
    key = key_of(pitch_classes(fine, sr=sr))
    tempo, clarity = tempo_of(onsets, frame_rate=sr / HOP)
    values = np.array([tempo, key, loudness, brightness, energy, clarity], dtype=np.float32)
    values[~np.isfinite(values)] = np.nan
    return values


def tempo_of(onsets: np.ndarray, *, frame_rate: float) -> tuple[float, float]:
    """The tempo at which onsets repeat most, and how clear it is; NaN where they do not.

    The autocorrelation of the onsets is interpolated at one to four beats of each tempo, and
    weighted by how usual the tempo is (a normal curve over its logarithm: Ellis 2007).

    Parameters
    ----------
    onsets : np.ndarray [shape=(n_frames,)]
        Strength of the onsets.
    frame_rate : float
        Frames a second.

    Returns
    -------
    tempo : float
        Beats a minute, from `SLOWEST` to `FASTEST`.
    clarity : float
        Fraction by which half, twice, two thirds and three halves of the tempo are weaker than it;
        near 0 listeners could tap either.
    """
    varying = onsets - onsets.mean()
    n_fft = 1 << (2 * len(onsets) - 1).bit_length()
    repeated = np.fft.irfft(np.abs(np.fft.rfft(varying, n_fft)) ** 2)[: len(onsets)]
    if not repeated[0] > QUIET:
        return float("nan"), float("nan")
    tempi = np.exp(np.arange(np.log(SLOWEST / 1.2), np.log(FASTEST * 1.1), 0.004))
    lags = 60.0 * frame_rate / tempi
    beats = np.arange(1, N_BEATS + 1)[:, None]
    strength = np.interp(beats * lags, np.arange(len(repeated)), repeated, right=0.0).mean(axis=0)
    usual = np.exp(-0.5 * (np.log2(tempi / USUAL) / OCTAVES) ** 2)
    strength = strength * usual
    allowed = (tempi >= SLOWEST) & (tempi <= FASTEST)
    best = int(np.where(allowed, strength, -np.inf).argmax())
    others = tempi[best] * np.array(RIVALS)
    others = others[(others >= tempi[0]) & (others <= tempi[-1])]
    rival = float(np.interp(others, tempi, strength).max())
    return float(tempi[best]), 1.0 - rival / max(float(strength[best]), QUIET)


def pitch_classes(spectrum: np.ndarray, *, sr: int) -> np.ndarray:
    """Strength of each pitch class among the peaks of a spectrum.

    A peak counts for the nearest semitone, the less the farther it lies from it (Gomez 2006).

    Parameters
    ----------
    spectrum : np.ndarray [shape=(1 + n_fft // 2,)]
        Mean magnitude over time.
    sr : int
        Hz.

    Returns
    -------
    strength : np.ndarray [shape=(12,)]
        From C on.
    """
    hertz_per_bin = sr / (2 * (len(spectrum) - 1))
    low, high = int(LOWEST / hertz_per_bin) + 1, int(HIGHEST / hertz_per_bin)
    rows = np.arange(max(low, 1), min(high, len(spectrum) - 1))
    rows = rows[
        (spectrum[rows] > spectrum[rows - 1])
        & (spectrum[rows] >= spectrum[rows + 1])
        & (spectrum[rows] > QUIET)
    ]
    before, at, after = (np.log(spectrum[rows + step] + QUIET) for step in (-1, 0, 1))
    curve = np.minimum(before - 2 * at + after, -QUIET)  # parabola through the peak
    pitch = 9 + 12 * np.log2((rows + 0.5 * (before - after) / curve) * hertz_per_bin / A4)
    nearest = np.round(pitch)
    weight = spectrum[rows] * np.cos(np.pi * (pitch - nearest)) ** 2
    return np.bincount(nearest.astype(int) % 12, weights=weight, minlength=12)


def key_of(strength: np.ndarray) -> float:
    """Number of the key whose profile correlates best; NaN where all pitches are alike.

    Parameters
    ----------
    strength : np.ndarray [shape=(12,)]
        Of each pitch class, from C on.
    """
    if not strength.std() > QUIET:
        return float("nan")
    profiles = [np.roll(profile, tonic) for profile in (MAJOR, MINOR) for tonic in range(12)]
    return float(np.argmax([np.corrcoef(strength, profile)[0, 1] for profile in profiles]))
