"""What every network that hears has in common, whoever trained it and for what."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch.nn import functional as F

from audiorec.config import MelConfig
from audiorec.exceptions import ParameterError
from audiorec.models.checkpoint import Checkpoint
from audiorec.models.predict import cut, pick_device, standardize, window_starts


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
FRONT_END = (
    "sr", "n_fft", "hop_length", "n_mels", "fmin", "fmax", "pad_mode", "compression"
)  # fmt: skip


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


class CheckpointEncoder:
    """A network trained here, as an `Encoder`: its vectors lie in the listeners' space.

    Parameters
    ----------
    checkpoint : Checkpoint
    device : {"auto", "cpu", "cuda", "mps"}
    """

    tags: tuple[str, ...] = ()

    def __init__(self, checkpoint: Checkpoint, *, device: str = "auto") -> None:
        self._checkpoint = checkpoint
        self._device = pick_device(device)
        self._network = checkpoint.network().to(self._device)
        self.name = checkpoint.model.architecture
        self.mel = checkpoint.mel
        self.window = checkpoint.window
        self.d = checkpoint.n_outputs

    def embed(self, mel: np.ndarray) -> np.ndarray:
        """Vectors of the fewest windows that cover the clip; see `Encoder.embed`."""
        check_mel(mel, n_mels=self.mel.n_mels, name=self.name)
        starts = window_starts(mel.shape[1], window=self.window)
        windows = np.stack([cut(mel, int(start), window=self.window) for start in starts])
        mean, std = (torch.from_numpy(a).to(self._device) for a in self._checkpoint.scale)
        with torch.inference_mode():
            batch = torch.from_numpy(windows).to(self._device)
            out = self._network(standardize(batch, mean=mean, std=std)).float()
            if self._checkpoint.output_norm == "unit":
                out = F.normalize(out, dim=1)
        vectors: np.ndarray = out.cpu().numpy()
        return vectors
