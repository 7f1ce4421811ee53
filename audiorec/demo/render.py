"""Rendering of notes to audio: the synthesizer, and then room and mixing desk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from audiorec.demo.catalog_plan import STREAM_SOUND, MusicPlan, generator
from audiorec.demo.compose import CHANNELS, CLIP_SECONDS, NoteScore, compose
from audiorec.demo.synthesizer_install import import_tinysoundfont

# Imports in functions: scipy, needed only to render.

__all__ = ["SAMPLE_RATE", "SYNTH_RATE", "produce", "render", "synthesize"]

SAMPLE_RATE = 44_100  # hertz
# Half the usual rate: the synthesizer takes most of the time, and there is little above 11 kHz, out
# of range of the usual mel bands. The mixing desk doubles the rate at no cost.
SYNTH_RATE = SAMPLE_RATE // 2
MAX_VOICES = 64
BLOCK = 64  # samples; events fall on multiples of it, 2.9 ms
TARGET_RMS_DB = -20.0  # decibels below full scale
KNEE, CEILING = 0.5, 0.89  # full scale is 1


def _open_synth(score: NoteScore, soundfont: Path) -> Any:
    tinysoundfont = import_tinysoundfont()
    # A new one for every track: nothing rings over from an earlier one.
    synth = tinysoundfont.Synth(gain=-12.0, samplerate=SYNTH_RATE)
    sfid = synth.sfload(str(soundfont), max_voices=MAX_VOICES)
    for channel, program in score.programs.items():
        synth.program_select(channel, sfid, 0, program)
    synth.program_select(CHANNELS["drums"], sfid, 128, 0, True)
    for part, pan in (("lead", 64), ("comp", 24), ("pad", 88), ("bass", 64)):
        synth.control_change(CHANNELS[part], 10, pan)
    return synth


def synthesize(score: NoteScore, *, soundfont: Path, seconds: float = CLIP_SECONDS) -> np.ndarray:
    """Play a score on the soundfont.

    Parameters
    ----------
    score : NoteScore
    soundfont : Path
    seconds : float

    Returns
    -------
    np.ndarray [shape=(2, n), dtype=float32]
        At `SYNTH_RATE`, dry.
    """
    synth = _open_synth(score, soundfont)
    n_blocks = int(np.ceil(seconds * SYNTH_RATE / BLOCK))
    per_beat = 60.0 / score.tempo * SYNTH_RATE / BLOCK
    events: list[tuple[int, int, int, int, int]] = []
    for start, length, channel, pitch, velocity in score.notes:
        on = int(start * per_beat)
        off = max(on + 1, int((start + length) * per_beat))
        if on < n_blocks:
            # Offs sort before ons, or a repeated note would be cut off at its start.
            events.append((on, 1, channel, pitch, velocity))
            events.append((min(off, n_blocks), 0, channel, pitch, 0))
    parts, now = [], 0
    for block, is_on, channel, pitch, velocity in sorted(events):
        if block > now:
            parts.append(np.array(synth.generate((block - now) * BLOCK), dtype=np.uint8))
            now = block
        if is_on:
            synth.noteon(channel, pitch, velocity)
        else:
            synth.noteoff(channel, pitch)
    if now < n_blocks:
        parts.append(np.array(synth.generate((n_blocks - now) * BLOCK), dtype=np.uint8))
    y = np.concatenate([np.frombuffer(part.tobytes(), dtype=np.float32) for part in parts])
    return np.ascontiguousarray(y.reshape(-1, 2).T[:, : int(seconds * SYNTH_RATE)])


def _room_response(plan: MusicPlan, n_fft: int, rng: np.random.Generator) -> np.ndarray:
    """Spectrum of the dry sound plus its reverberation, [shape=(n_fft // 2 + 1,)]."""
    from scipy import fft

    n = int(min(1.5, plan.room) * SYNTH_RATE)
    decay = np.exp(-6.9 * np.arange(n) / (plan.room * SYNTH_RATE))
    echo = rng.standard_normal(n) * decay
    echo *= plan.wet / max(float(np.sqrt((echo**2).sum())), 1e-9)
    echo[0] += 1.0
    return np.asarray(fft.rfft(echo.astype(np.float32), n_fft))


def _tilt_response(plan: MusicPlan, n_fft: int) -> np.ndarray:
    """Gain of the desk's tilt control at every bin, [shape=(n_fft // 2 + 1,)]."""
    step = np.float32(SYNTH_RATE / n_fft / 700.0)
    octaves = np.log2(np.maximum(np.arange(n_fft // 2 + 1, dtype=np.float32) * step, 0.04))
    gain_db = np.clip(np.float32(plan.tilt) * octaves, -14.0, 14.0)
    return np.asarray(np.exp2(gain_db * np.float32(np.log2(10.0) / 20.0)))


def _background(plan: MusicPlan, n: int, rng: np.random.Generator) -> np.ndarray:
    """Noise floor and audience, [shape=(n,)], relative to music of unit RMS."""
    noise = rng.standard_normal(n, dtype=np.float32)
    level = np.full(1, 10.0 ** (plan.noise / 20.0))
    if plan.crowd:
        # An audience swells and falls within a second or two.
        knots = np.abs(rng.standard_normal(32)) * 0.12
        level = level + np.interp(np.linspace(0.0, 31.0, n), np.arange(32), knots)
    return noise * level.astype(np.float32)


def _limit(y: np.ndarray) -> np.ndarray:
    """Compress samples above `KNEE` that would clip."""
    loud = np.abs(y) > KNEE
    over = (np.abs(y[loud]) - KNEE) / (CEILING - KNEE)
    limited = y.copy()
    limited[loud] = np.sign(y[loud]) * (KNEE + (CEILING - KNEE) * np.tanh(over))
    return limited


def produce(y: np.ndarray, *, plan: MusicPlan, mono: bool = False,
            sr: int = SAMPLE_RATE) -> np.ndarray:  # fmt: skip
    """Add the room and the mix of the plan to a dry recording.

    Parameters
    ----------
    y : np.ndarray [shape=(2, n), dtype=float32]
        At `SYNTH_RATE`.
    plan : MusicPlan
    mono : bool
        Mix to one channel.
    sr : int
        Rate of the result, hertz: `SYNTH_RATE` or a multiple of it.

    Returns
    -------
    np.ndarray [shape=(n_channels, n * sr / SYNTH_RATE), dtype=float32]
        Within -1 to 1; one channel if there is no width.
    """
    from scipy import fft

    rng = generator(plan.seed, STREAM_SOUND, plan.number)
    n = y.shape[1]
    n_fft = int(fft.next_fast_len(n + int(1.5 * SYNTH_RATE), real=True))
    n_fft += n_fft % 2
    mid, side = 0.5 * (y[0] + y[1]), 0.5 * plan.width * (y[0] - y[1])
    response = _tilt_response(plan, n_fft)
    wet = _room_response(plan, n_fft, rng)
    spectra = [fft.rfft(mid, n_fft) * response * wet]
    if plan.width > 0.0 and not mono:
        spectra.append(fft.rfft(side, n_fft) * response)
    # A spectrum padded with as many empty bins is the same audio at twice the rate.
    times = sr // SYNTH_RATE
    sounds = [fft.irfft(s, times * n_fft)[: times * n] for s in spectra]
    rms = max(float(np.sqrt(np.mean(np.square(sounds[0])))), 1e-7)
    sounds[0] = sounds[0] / rms + _background(plan, times * n, rng)
    gain = 10.0 ** ((TARGET_RMS_DB + plan.loudness) / 20.0)
    if len(sounds) == 1:
        mixed = gain * sounds[0][None, :]
    else:
        wide = sounds[1] / rms
        mixed = gain * np.stack([sounds[0] + wide, sounds[0] - wide])
    fade = int(0.02 * sr)
    mixed[:, -fade:] *= np.linspace(1.0, 0.0, fade)
    return _limit(mixed.astype(np.float32))


def render(plan: MusicPlan, *, soundfont: Path, seconds: float = CLIP_SECONDS,
           mono: bool = False, sr: int = SAMPLE_RATE) -> np.ndarray:  # fmt: skip
    """Compose, play and produce a track.

    Parameters
    ----------
    plan : MusicPlan
    soundfont : Path
    seconds : float
    mono : bool
    sr : int
        Hertz: `SYNTH_RATE` or a multiple of it.

    Returns
    -------
    np.ndarray [shape=(n_channels, n_samples), dtype=float32]
    """
    score = compose(plan, seconds=seconds)
    dry = synthesize(score, soundfont=soundfont, seconds=seconds)
    return produce(dry, plan=plan, mono=mono, sr=sr)
