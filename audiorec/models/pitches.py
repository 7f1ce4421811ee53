"""Pitches in a log-mel spectrogram: which sound together and after one another, and how they ring.

Mel bands are too wide to part the notes of a low chord, but the overtones of each note lie in bands
of their own: a pitch is heard where its overtones are (Hermes, "Measurement of pitch by subharmonic
summation", 1988), and not an octave too low, where overtones would be missing.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from audiorec.models.descriptors import signed_root

LOWEST, HIGHEST = 36, 96  # MIDI pitches, from two octaves below middle C to three above
MELODY = 55  # lowest pitch that is taken for the leading voice
BASS = 57  # below it is the bass
N_PITCHES = HIGHEST - LOWEST + 1
N_OVERTONES, FADE, BLUR = 8, 0.84, 0.9  # overtones, each so much weaker; bands
MISSING, ABSENCE = (0.5, 1.5, 2.5), 0.4  # overtones of the octave below, and what they count
TOP_HZ = 10_000.0
NEAR = 7  # bands on either side
FAINT = 0.15  # deviations; what is less salient is no pitch
SCALES = (
    (0, 1, 3, 5, 7, 8, 10), (0, 2, 3, 5, 7, 8, 11), (0, 2, 3, 5, 7, 8, 10),
    (0, 2, 3, 5, 7, 9, 10), (0, 2, 4, 5, 7, 9, 10), (0, 2, 4, 5, 7, 9, 11),
    (0, 2, 4, 6, 7, 9, 11),
)  # fmt: skip
# Phrygian, harmonic minor, minor, Dorian, Mixolydian, major, Lydian: semitones above the tonic.
LAGS = (0.12, 0.25, 0.5, 1.0, 2.0)  # s, from one harmony to a later one
N_PARTIALS = 10  # of the leading voice
AROUND = (-0.05, 0.0, 0.05, 0.1, 0.19, 0.33, 0.51)  # s, from the beginning of a note
N_FOLLOWED = 6  # partials that are followed there
STRUCK = 0.15  # of a deviation of the level, by which a note must grow
N_TONAL = 10 + 8 + 33 + len(LAGS) * 36 + 3 * (2 * len(SCALES) + 12 + 6)
N_VOICE = 2 * N_PARTIALS * (2 * N_PARTIALS + 3) // 2 + len(AROUND) * N_FOLLOWED + 26 + 10 + 8


def templates(centres: np.ndarray) -> np.ndarray:
    """What the overtones of each pitch are in mel bands : [shape=(N_PITCHES, n_mels)], float32.

    Parameters
    ----------
    centres : np.ndarray [shape=(n_mels,)], Hz
        Of the bands, ascending.
    """
    found = np.stack([_template(hertz, centres) for hertz in _hertz()])
    length = np.linalg.norm(found, axis=1, keepdims=True)
    return (found / np.maximum(length, 1e-6)).astype(np.float32)


def partials(centres: np.ndarray) -> np.ndarray:
    """Bands of the partials of each pitch, then between these : [N_PITCHES, 2 * N_PARTIALS]."""
    numbers = np.concatenate([np.arange(1, N_PARTIALS + 1), np.arange(1.5, N_PARTIALS + 1)])
    bands = np.arange(len(centres))
    return np.interp(_hertz()[:, None] * numbers, centres, bands).astype(np.float32)


def _hertz() -> np.ndarray:
    return np.asarray(440.0 * 2.0 ** ((np.arange(LOWEST, HIGHEST + 1) - 69) / 12))


def _template(hertz: float, centres: np.ndarray) -> np.ndarray:
    top = min(TOP_HZ, centres[-1])
    found = np.zeros(len(centres))
    for number in range(1, N_OVERTONES + 1):
        if number * hertz <= top:
            found += FADE ** (number - 1) * _bump(number * hertz, centres)
    for missing in MISSING:
        found -= ABSENCE * _bump(missing * hertz, centres)
    return found


def _bump(hertz: float, centres: np.ndarray) -> np.ndarray:
    bands = np.arange(len(centres))
    place = np.interp(hertz, centres, bands)
    return np.asarray(np.exp(-0.5 * ((bands - place) / BLUR) ** 2))


def contrast(n_mels: int) -> np.ndarray:
    """Takes from each band the mean of those `NEAR` it : [shape=(n_mels, n_mels)], float32."""
    band = np.arange(n_mels)
    near = (np.abs(band[:, None] - band) <= NEAR).astype(np.float32)
    return np.eye(n_mels, dtype=np.float32) - near / near.sum(axis=1, keepdims=True)


def salience(x: Tensor, *, overtones: Tensor, contrast: Tensor) -> Tensor:
    """How clearly each pitch is heard : Tensor [shape=(batch, N_PITCHES, n_frames)].

    Parameters
    ----------
    x : Tensor [shape=(batch, n_mels, n_frames)]
        Standardised log-mel.
    overtones : Tensor [shape=(N_PITCHES, n_mels)]
        `templates`.
    contrast : Tensor [shape=(n_mels, n_mels)]
    """
    found = overtones @ (contrast @ x).relu()
    above, below = F.pad(found, (0, 0, 0, 1))[:, 1:], F.pad(found, (0, 0, 1, 0))[:, :-1]
    return (found - 0.5 * torch.maximum(above, below) - FAINT).relu()


def tonality(pitches: Tensor, *, frame_rate: float) -> Tensor:
    """Register, how many pitches at once, intervals and scale, in whatever key.

    Parameters
    ----------
    pitches : Tensor [shape=(batch, N_PITCHES, n_frames)]
        `salience`.
    frame_rate : float
        Frames per second.

    Returns
    -------
    told : Tensor [shape=(batch, N_TONAL)]
        By half octave the mean; of each frame's centre, spread, entropy and sum the mean and
        deviation; the intervals between pitch classes that sound together, all, of the bass, of
        the bass with the rest, of the rest; the same of pitch classes one after another
        (after `LAGS`); and how well each of `SCALES` fits, on its best tonic and on all, the
        profile seen from the best tonic, and the intervals' spectrum (Harte, Sandler & Gasser,
        "Detecting harmonic change in musical audio", 2006, use such coefficients).
    """
    folded = _folded(pitches)
    spectra = torch.fft.rfft(folded / (folded.norm(dim=2, keepdim=True) + 0.1), dim=2)
    bass, rest = spectra[:, 1], spectra[:, 2]
    own, across = _intervals(spectra, spectra), _intervals(bass, rest)
    told = [_register(pitches), own[:, :2, :7].flatten(1), across, own[:, 2, :7]]
    for seconds in LAGS:
        lag = min(max(1, round(seconds * frame_rate)), pitches.shape[2] - 1)
        told.append(_intervals(spectra[..., :-lag], spectra[..., lag:]).flatten(1))
    told.append(_scale(folded.mean(dim=3), _scales().to(pitches)).flatten(1))
    return torch.cat(told, dim=1)


def _register(pitches: Tensor) -> Tensor:
    row = torch.arange(N_PITCHES, device=pitches.device, dtype=pitches.dtype)[:, None]
    total = pitches.sum(dim=1) + 1e-3
    share = pitches / total[:, None]
    centre = (share * row).sum(dim=1)
    spread = ((share * (row - centre[:, None]).square()).sum(dim=1)).sqrt()
    entropy = -(share * (share + 1e-6).log()).sum(dim=1)
    halves = F.avg_pool1d(pitches.mean(dim=2)[:, None], 6, 6)[:, 0].clamp(min=1e-3).log()
    told = torch.stack([centre, spread, entropy, total.log()], dim=1)
    return torch.cat([halves, told.mean(dim=2), told.std(dim=2)], dim=1)


def _folded(pitches: Tensor) -> Tensor:
    """Pitch classes, C first, of all, of the bass, and of the rest : [batch, 3, 12, n_frames]."""
    pitch = torch.arange(LOWEST, HIGHEST + 1, device=pitches.device)
    here = pitch % 12 == torch.arange(12, device=pitches.device)[:, None]
    bass = here & (pitch < BASS)
    which = torch.stack([here, bass, here & ~bass]).flatten(0, 1).to(pitches)
    return (which @ pitches).unflatten(1, (3, 12))


def _intervals(first: Tensor, second: Tensor) -> Tensor:
    """How often each interval lies from the one up to the other, mean over time : [..., 12].

    Of spectra over pitch classes [..., 7, n_frames].
    """
    return torch.fft.irfft((first.conj() * second).mean(dim=-1), 12, dim=-1)


def _scales() -> Tensor:
    """Profile of each of `SCALES` : [shape=(n_scales, 12)]; its own triad counts more."""
    found = torch.zeros(len(SCALES), 12)
    for row, scale in zip(found, SCALES, strict=True):
        row[list(scale)] = 1
        row[0] += 1
        row[[scale[2], 7]] += 0.5
    return F.normalize(found - found.mean(dim=1, keepdim=True), dim=1)


def _scale(profile: Tensor, scales: Tensor) -> Tensor:
    """Which scale a profile [..., 12] is in : [..., 2 * n_scales + 12 + 6]."""
    profile = profile - profile.mean(dim=-1, keepdim=True)
    profile = profile / (profile.norm(dim=-1, keepdim=True) + 1e-3)
    tonics = torch.arange(12, device=profile.device)
    seen = profile[..., (tonics[:, None] + tonics) % 12]
    fits = seen @ scales.T
    tonic = (12 * fits.amax(dim=-1)).softmax(dim=-1)
    spectrum = torch.fft.rfft(profile).abs()[..., 1:]
    best, usual = fits.amax(dim=-2), (8 * fits).exp().mean(dim=-2).log() / 8
    return torch.cat([best, usual, (tonic[..., None] * seen).sum(dim=-2), spectrum], dim=-1)


def leading_voice(level: Tensor, pitches: Tensor, *, places: Tensor, frame_rate: float) -> Tensor:
    """How the clearest pitch rings: its partials, their rise and fall, the steps of its melody.

    Parameters
    ----------
    level : Tensor [shape=(batch, n_mels, n_frames)], tens of dB
    pitches : Tensor [shape=(batch, N_PITCHES, n_frames)]
        `salience`.
    places : Tensor [shape=(N_PITCHES, 2 * N_PARTIALS)]
        `partials`.
    frame_rate : float
        Frames per second.

    Returns
    -------
    told : Tensor [shape=(batch, N_VOICE)]
        Levels of and between the partials, below the strongest, mean and covariance over time
        (clear frames count more); the levels `AROUND` the beginnings of notes, beside those just
        after; the steps from note to note; where the voice lies; how often it begins and turns.
    """
    clear, pitch = pitches[:, MELODY - LOWEST :].max(dim=1)
    pitch = pitch + (MELODY - LOWEST)
    place = places[pitch]
    low = place.floor().long()
    by_frame = level.transpose(1, 2)
    beyond = by_frame.gather(2, (low + 1).clamp(max=level.shape[1] - 1))
    rings = torch.lerp(by_frame.gather(2, low), beyond, place - low)
    strongest = rings[:, :, :N_PARTIALS].amax(dim=2)
    weight = clear.square() / (clear.square().sum(dim=1, keepdim=True) + 1e-3)
    timbre = _weighted(rings - strongest[:, :, None], weight)
    grown = strongest - F.pad(strongest, (1, 0), mode="replicate")[:, : strongest.shape[1]]
    turned = F.pad(pitch[:, 1:] != pitch[:, :-1], (1, 0)).to(clear)
    sure = (clear > clear.mean(dim=1, keepdim=True)).to(clear)
    begins = turned * sure * (grown > 2 * STRUCK)
    often = [begins, sure * (grown > 2.5 * STRUCK), turned * sure, turned]
    rates = (torch.stack([o.mean(dim=1) for o in often], dim=1) * frame_rate + 0.1).log()
    told = [timbre, _around(rings, strongest, begins, frame_rate=frame_rate)]
    told += [_melody(pitch, begins, weight), rates]
    told += [clear.mean(dim=1, keepdim=True), clear.std(dim=1, keepdim=True)]
    return torch.cat(told, dim=1)


def _weighted(rings: Tensor, weight: Tensor) -> Tensor:
    """Mean over time, and the covariance square-rooted with its sign."""
    mean = (rings * weight[:, :, None]).sum(dim=1)
    apart = (rings - mean[:, None]).clamp(-5, 5)
    covariance = (apart * weight[:, :, None]).transpose(1, 2) @ apart
    row, column = torch.triu_indices(rings.shape[2], rings.shape[2], device=rings.device)
    return torch.cat([mean, signed_root(covariance[:, row, column])], dim=1)


def _around(rings: Tensor, strongest: Tensor, begins: Tensor, *, frame_rate: float) -> Tensor:
    count = begins.sum(dim=1, keepdim=True) + 0.5
    after = strongest.roll(-1, 1)[:, :, None]
    told = []
    for seconds in AROUND:
        then = rings[:, :, :N_FOLLOWED].roll(-round(seconds * frame_rate), 1)
        beside = (then - after).clamp(-4, 2)
        told.append((beside * begins[:, :, None]).sum(dim=1) / count)
    return torch.cat(told, dim=1)


def _melody(pitch: Tensor, begins: Tensor, weight: Tensor) -> Tensor:
    """Steps of at most an octave and one down and up, the half octaves, centre and spread."""
    step = (pitch[:, 1:] - pitch[:, :-1]).clamp(-13, 13)
    sizes = torch.tensor([*range(-13, 0), *range(1, 14)], device=pitch.device)
    same = (step[:, :, None] == sizes).to(weight)
    steps = (same * begins[:, 1:, None]).sum(dim=1) / (begins.sum(dim=1, keepdim=True) + 0.5)
    row = torch.arange(N_PITCHES, device=pitch.device)
    held = ((pitch[:, :, None] == row).to(weight) * weight[:, :, None]).sum(dim=1)
    centre = (held * row).sum(dim=1, keepdim=True)
    spread = (held * (row - centre).square()).sum(dim=1, keepdim=True).sqrt()
    halves = F.avg_pool1d(held[:, None], 6, 6)[:, 0].sqrt()
    return torch.cat([steps.sqrt(), halves, centre, spread], dim=1)
