"""From samples to a log-mel spectrogram, as librosa defines it, by torchaudio."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from audiorec.audio import load_clips
from audiorec.config import MelConfig
from audiorec.exceptions import ParameterError

FLOOR = 1e-10  # of power; -100 dB


def log_mel(y: np.ndarray, *, config: MelConfig) -> np.ndarray:
    """Log-mel spectrogram of one clip.

    The bands are Slaney's, of unit area, as in librosa: the result equals
    ``librosa.power_to_db(librosa.feature.melspectrogram(y=y, ...), ref=1.0, top_db=None)``.

    Parameters
    ----------
    y : np.ndarray [shape=(n,)], float32
        Mono at ``config.sr``.
    config : MelConfig

    Returns
    -------
    mel : np.ndarray [shape=(n_mels, 1 + n // hop_length)], float32, dB
        10 log10 of the power in each band, at least -100.

    Raises
    ------
    ParameterError
        If `y` is not one channel of at least one sample.
    """
    y = np.asarray(y, dtype=np.float32)
    if y.ndim != 1 or not len(y):
        raise ParameterError(f"y of shape {y.shape} must be mono: one dimension, not empty")
    window, bank = _window_and_bank(config)
    # torch warns of arrays that cannot be written, though nothing here writes.
    samples = torch.from_numpy(y if y.flags.writeable else y.copy())
    with torch.inference_mode():
        spectrum = torch.stft(
            samples,
            n_fft=config.n_fft,
            hop_length=config.hop_length,
            window=window,
            center=True,
            pad_mode="constant",
            return_complex=True,
        )
        parts = torch.view_as_real(spectrum).square_()
        power = parts[..., 0].add_(parts[..., 1])
        decibels = (bank @ power).clamp_(min=FLOOR).log10_().mul_(10.0)
    result: np.ndarray = decibels.numpy()
    return result


def audio_to_mels(path: Path, *, config: MelConfig, track_id: str = "") -> list[np.ndarray]:
    """Log-mel spectrograms of one file's clips, which need not be in the catalogue.

    Parameters
    ----------
    path : Path
    config : MelConfig
    track_id : str
        What random clips are drawn from, beside ``config.seed``.

    Returns
    -------
    mels : list of np.ndarray [shape=(n_mels, n_frames)], float16, dB
        As the store keeps them.

    Raises
    ------
    AudioError
        If there is nothing to hear in it.
    """
    clips = load_clips(Path(path), config=config, track_id=track_id)
    return [log_mel(y, config=config).astype(np.float16) for y in clips]


@lru_cache(maxsize=8)
def _window_and_bank(config: MelConfig) -> tuple[Any, Any]:
    """Hann window [shape=(n_fft,)] and filters [shape=(n_mels, 1 + n_fft // 2)]."""
    from torchaudio.functional import melscale_fbanks

    bank = melscale_fbanks(
        n_freqs=1 + config.n_fft // 2,
        f_min=config.fmin,
        f_max=config.fmax or config.sr / 2,
        n_mels=config.n_mels,
        sample_rate=config.sr,
        norm="slaney",
        mel_scale="slaney",
    )
    return torch.hann_window(config.n_fft), bank.T.contiguous()
