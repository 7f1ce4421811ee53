"""The beat and what falls between its strokes, seen from the beat: the same at any tempo.

After Dixon, Gouyon & Widmer, "Towards characterisation of music via rhythmic patterns", ISMIR
2004, who are told where the bars begin; here the period of the beat is found by a comb over the
autocorrelation (Scheirer, "Tempo and beat analysis of acoustic musical signals", 1998), and the
strongest place in it is taken for its beginning.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

REGISTERS = ((0.0, 0.05), (0.05, 0.25), (0.25, 0.55), (0.55, 1.0), (0.0, 1.0))  # of the mel bands
RISE = 2  # frames over which a band must grow
CLOSE_BY = 1.0  # s, over which the mean growth is not yet an onset
SLOWEST, FASTEST, N_TEMPI = 40.0, 240.0, 104  # beats per minute
COMB = ((1, 1.0), (2, 0.7), (3, 0.4), (4, 0.7))  # beats apart, and how much that counts
USUAL, SPREAD, PULL = 100.0, 0.35, 0.6  # beats per minute, its logarithm's deviation, its weight
FINER = 25  # periods tried around the best
PLACES, N_BEATS = 24, 2  # places in a beat, beats that are laid over one another
SIZE = len(REGISTERS) * PLACES * N_BEATS * 3 // 2 + 1


def beat_pattern(x: Tensor, *, frame_rate: float) -> Tensor:
    """Onset strength over two beats, by register, and its spectrum; the logarithm of the period.

    Parameters
    ----------
    x : Tensor [shape=(batch, n_mels, n_frames)]
        Standardised log-mel.
    frame_rate : float
        Frames per second.

    Returns
    -------
    pattern : Tensor [shape=(batch, SIZE)]
        Where there are no onsets, one that is flat.
    """
    onsets = onset_strength(x, frame_rate=frame_rate)
    period = _finest(onsets[:, -1], beat_period(onsets, frame_rate=frame_rate))
    n = PLACES * N_BEATS
    place = torch.arange(x.shape[2], device=x.device) / period[:, None] * PLACES
    apart = (place[:, :, None] - torch.arange(n, device=x.device)) % n
    share = (1 - torch.minimum(apart, n - apart)).clamp(min=0)  # of a frame, at each place
    pattern = onsets @ share / share.sum(dim=1, keepdim=True).clamp(min=1e-3)
    pattern = _from_the_beat(pattern)
    pattern = pattern / (pattern.mean(dim=2, keepdim=True) + 1e-3)
    spectrum = torch.fft.rfft(pattern).abs()[:, :, : n // 2] / n
    shape = [pattern.clamp(max=8).sqrt().flatten(1), spectrum.flatten(1)]
    return torch.cat([*shape, period.log()[:, None]], dim=1)


def onset_strength(x: Tensor, *, frame_rate: float) -> Tensor:
    """How much the bands of each register grow, beyond what is usual around : [batch, 5, n]."""
    grown = (x[:, :, RISE:] - x[:, :, :-RISE]).relu()
    edges = [(round(a * x.shape[1]), round(b * x.shape[1])) for a, b in REGISTERS]
    parts = [grown[:, a : max(b, a + 1)].mean(dim=1) for a, b in edges]
    strength = F.pad(torch.stack(parts, dim=1), (RISE, 0))
    half = round(CLOSE_BY * frame_rate / 2)
    usual = F.avg_pool1d(strength, 2 * half + 1, 1, half, count_include_pad=False)
    return (strength - usual).clamp(min=0)


def beat_period(onsets: Tensor, *, frame_rate: float) -> Tensor:
    """Frames from beat to beat : [batch]; of those that fit, one near to the usual tempo."""
    correlation = _autocorrelation(onsets)
    tempo = torch.linspace(math.log(SLOWEST), math.log(FASTEST), N_TEMPI, device=onsets.device)
    period = 60 * frame_rate / tempo.exp()
    fits = sum(weight * _at(correlation, period * beats) for beats, weight in COMB)
    assert isinstance(fits, Tensor)
    fits = fits.sum(dim=1)
    usual = -0.5 * ((tempo - math.log(USUAL)) / SPREAD).square()
    fits = fits / (fits.std(dim=1, keepdim=True) + 1e-6) + PULL * usual
    return period[fits.argmax(dim=1)]


def _autocorrelation(onsets: Tensor) -> Tensor:
    """1 at lag 0, free of the shrinking overlap : [shape as `onsets`]."""
    n = onsets.shape[2]
    centred = onsets - onsets.mean(dim=2, keepdim=True)
    n_fft = 1 << (2 * n - 1).bit_length()
    power = torch.fft.rfft(centred, n_fft).abs().square()
    found = torch.fft.irfft(power, n_fft)[:, :, :n]
    overlap = 1 - torch.arange(n, device=onsets.device) / n
    found = found / overlap.clamp(min=0.15)
    return found / (found[:, :, :1] + 1e-4)


def _at(curves: Tensor, where: Tensor) -> Tensor:
    """Curves [batch, n, n_frames] read between their frames, at `where` [k]: [batch, n, k]."""
    where = where.clamp(max=curves.shape[2] - 2)
    low = where.floor().long()
    share = where - low
    return curves[:, :, low] * (1 - share) + curves[:, :, low + 1] * share


def _finest(onsets: Tensor, period: Tensor) -> Tensor:
    """The period near by on which the onsets [batch, n_frames] agree from end to end."""
    near = torch.linspace(0.97, 1.03, FINER, device=onsets.device)
    turns = torch.arange(onsets.shape[1], device=onsets.device) / (period[:, None, None])
    angle = 2 * math.pi * turns / near[None, :, None]
    wave = torch.polar(torch.ones_like(angle), angle)
    once = (wave * onsets[:, None]).sum(dim=2).abs()
    twice = (wave.square() * onsets[:, None]).sum(dim=2).abs()
    return period * near[(once + 0.5 * twice).argmax(dim=1)]


def _from_the_beat(pattern: Tensor) -> Tensor:
    """Turn each pattern so that it begins where the beat is strongest."""
    beat = pattern[:, -1].unflatten(1, (N_BEATS, PLACES)).mean(dim=1)
    place = torch.arange(PLACES, device=pattern.device)
    blur = torch.exp(-0.5 * (torch.minimum(place, PLACES - place) / 1.2).square())
    spectrum = torch.fft.rfft(beat) * torch.fft.rfft(blur)
    first = torch.fft.irfft(spectrum, PLACES).argmax(dim=1)
    n = pattern.shape[2]
    turned = (torch.arange(n, device=pattern.device) + first[:, None]) % n
    return pattern.gather(2, turned[:, None].expand_as(pattern))
