"""What every network that hears has in common, whoever trained it and for what."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from audiorec.audio.config import MelConfig
from audiorec.exceptions import ParameterError
from audiorec.front_ends import MUSICNN_FRONT_END


class Encoder(Protocol):
    """From a spectrogram to a vector per window.

    Attributes
    ----------
    name : str
    mel : MelConfig
        What the spectrograms must be made with; where the clip lies is free.
    window : int
        Frames that it hears at once.
    d : int
        Dimensions of a vector.
    tags : tuple of str
        What the network was taught to name; empty for one that learned from listeners.
    """

    @property
    def name(self) -> str: ...
    @property
    def mel(self) -> MelConfig: ...
    @property
    def window(self) -> int: ...
    @property
    def d(self) -> int: ...
    @property
    def tags(self) -> tuple[str, ...]: ...

    def embed(self, mel: np.ndarray) -> np.ndarray:
        """Vectors of a clip's consecutive windows.

        Parameters
        ----------
        mel : np.ndarray [shape=(n_mels, n_frames)]

        Returns
        -------
        vectors : np.ndarray [shape=(n_windows, d)], float32
        """
        ...


# What decides a spectrogram's values; the rest of MelConfig decides which clip is heard.
FRONT_END = tuple(MUSICNN_FRONT_END)


def check_front_end(encoder: Encoder, given: MelConfig) -> None:
    """Raise `ParameterError` unless spectrograms of these settings are what the encoder hears."""
    for key in FRONT_END:
        need, have = getattr(encoder.mel, key), getattr(given, key)
        if need != have:
            raise ParameterError(
                f"the mels have {key}={have!r} and {encoder.name} hears {key}={need!r}; "
                f"set {key} = {need!r} under [mel] in the recipe and run 'audiorec mel' again"
            )


def check_mel(mel: np.ndarray, *, n_mels: int, name: str) -> None:
    """Raise `ParameterError` unless `mel` is [shape=(n_mels, n_frames)], finite, not empty."""
    if mel.ndim != 2 or mel.shape[0] != n_mels or not mel.shape[1]:
        raise ParameterError(
            f"mel has shape {mel.shape} and {name} needs ({n_mels}, n_frames); "
            "make it with the encoder's mel settings"
        )
    if not np.isfinite(mel).all():
        raise ParameterError(f"mel for {name} holds NaN or infinity; make it again")
