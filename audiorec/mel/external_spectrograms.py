"""Spectrograms computed elsewhere: NumPy arrays in the place of audio files.

Data sets without audio may have them. They are used as they are, so the recipe must have the
settings that they were computed with; what an array reveals of them is checked.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from audiorec.artifacts import UNREADABLE
from audiorec.audio import MelConfig, make_fingerprint
from audiorec.exceptions import AudioError, first_line
from audiorec.mel.scanned_mels import TrackMels

FLOOR, CEILING = -1000.0, 1000.0  # levels in dB lie between, and half precision holds them


def read_array(path: Path, *, config: MelConfig) -> TrackMels:
    """Read a spectrogram [shape=(n_mels, n_frames)], dB or as `config` compresses it.

    Parameters
    ----------
    path : Path
    config : MelConfig

    Raises
    ------
    AudioError
        If it is not a spectrogram, or one of other settings.
    """
    try:
        mel = np.load(path, allow_pickle=False)
    except (*UNREADABLE, EOFError) as error:
        raise AudioError(f"{path} is no array ({first_line(error)}); fetch it again") from None
    if not isinstance(mel, np.ndarray) or mel.ndim != 2 or mel.dtype.kind != "f" or not mel.size:
        shape = f"{mel.dtype} of shape {mel.shape}" if isinstance(mel, np.ndarray) else "an archive"
        raise AudioError(f"{path} is {shape}, no spectrogram; fetch it again")
    n_mels, n_frames = mel.shape
    if n_mels != config.n_mels or n_frames > config.n_frames:
        raise AudioError(
            f"{path} has {n_mels} bands and {n_frames} frames, [mel] gives {config.n_mels} and "
            f"{config.n_frames}; run a recipe with the settings that it was made with"
        )
    if not (mel.min() >= FLOOR and mel.max() <= CEILING):  # False for NaN, too
        raise AudioError(f"{path} holds what is no level in dB; fetch it again")
    mel = mel.astype(np.float16)
    return TrackMels([mel], make_fingerprint(mel, config=config), [0.0])
