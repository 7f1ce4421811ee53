"""Recordings of a tone that rises: its pitch tells what second it is heard at."""

from __future__ import annotations

import struct

import numpy as np
import soundfile

from audiorec.audio import MelConfig, decode_clips
from audiorec.audio.mpeg_frames import SIZES, length_tag

SHORT = MelConfig(clip_seconds=4)
SR = 22_050


def rising(seconds, sr=SR, *, first=200.0, slope=10.0):
    """A tone whose pitch tells the time [shape=(n,)]: `first` Hz, and `slope` more each second."""
    t = np.arange(int(seconds * sr)) / sr
    return (0.3 * np.sin(2 * np.pi * (first * t + slope * t * t / 2))).astype(np.float32)


def heard_at(path, *, config=SHORT, first=200.0, slope=10.0):
    """Second of the recording that the middle of its clip comes from, by its pitch."""
    info, (y,), *_ = decode_clips(path, config=config)
    middle = y[len(y) // 2 - 2048 :][:4096] * np.hanning(4096)
    peak = np.abs(np.fft.rfft(middle, 1 << 16)).argmax() * info.sr / (1 << 16)
    return (peak - first) / slope


def mp3(path, y, sr=SR, *, mode="VARIABLE", level=0.3):
    soundfile.write(
        path, y, sr, format="MP3", subtype="MPEG_LAYER_III",
        bitrate_mode=mode, compression_level=level,
    )  # fmt: skip
    return path.read_bytes()


def without_tag(content):
    """An MP3 less the frame that says its length."""
    start = length_tag(content).start
    head = struct.unpack_from(">I", content, start)[0] >> 8
    return content[start + SIZES[head] :]


def quiet_then_loud(seconds):
    """`rising`, nearly still for a third and noisy then: frames of very different lengths."""
    y = rising(seconds)
    noise = np.random.default_rng(0).normal(0, 0.1, len(y)).astype(np.float32)
    noise[: len(y) // 3] = 0
    return y + noise


def damaged(content, at, size, seed=0):
    """The content with so many bytes overwritten."""
    torn = bytearray(content)
    torn[at : at + size] = np.random.default_rng(seed).bytes(size)
    return bytes(torn)
