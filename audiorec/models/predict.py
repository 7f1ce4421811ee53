"""From spectrograms to predictions: cut into windows, ask the network, average.

Training's validation and inference share this, so that early stopping judges what is served.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Literal, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from audiorec.exceptions import ParameterError
from audiorec.models.lanes import in_lanes


class InputScale(NamedTuple):
    """Mean and deviation of each mel band over the training tracks : [shape=(n_mels,)], dB."""

    mean: np.ndarray
    std: np.ndarray


class Clips(Protocol):
    """Where spectrograms come from: a `MelStore`, or what stands in for one."""

    def mels(self, track_id: str) -> list[np.ndarray]:
        """Spectrograms of all clips of a track, [shape=(n_mels, n_frames)]."""
        ...


def standardize(mel: Tensor, *, mean: Tensor, std: Tensor) -> Tensor:
    """Log-mel [shape=(batch, n_mels, n_frames)] of any float type, in deviations from the mean."""
    return (mel.float() - mean[:, None]) / std[:, None]


def window_starts(n_frames: int, *, window: int) -> np.ndarray:
    """First frames of the fewest windows that cover a clip, evenly spread.

    Parameters
    ----------
    n_frames : int
        Frames of the clip.
    window : int
        Frames of a window.

    Returns
    -------
    starts : np.ndarray [shape=(n_windows,)], int64
        One window, at 0, when the clip is no longer than it.
    """
    if n_frames <= window:
        return np.zeros(1, dtype=np.int64)
    n_windows = -(-n_frames // window)
    return np.round(np.linspace(0, n_frames - window, n_windows)).astype(np.int64)


def cut(mel: np.ndarray, start: int, *, window: int) -> np.ndarray:
    """Frames `start` to `start + window`; a shorter clip is repeated until it is long enough.

    Parameters
    ----------
    mel : np.ndarray [shape=(n_mels, n_frames)], dB

    Returns
    -------
    crop : np.ndarray [shape=(n_mels, window)], dB
    """
    if mel.shape[1] < window:
        return mel[:, (start + np.arange(window)) % mel.shape[1]]
    return mel[:, start : start + window]


def clips_of(store: Clips, track_id: str) -> list[np.ndarray]:
    """Every stored clip of a track : np.ndarray [shape=(n_mels, n_frames)], float16, dB.

    Plain arrays over the store's memory map: slicing them is several times faster.
    """
    return [np.asarray(mel) for mel in store.mels(track_id)]


def pick_device(name: str) -> torch.device:
    """The device of that name; "auto" is the fastest one there is.

    Raises
    ------
    ParameterError
        If the machine has no such device.
    """
    there = {"cpu": True, "cuda": torch.cuda.is_available()}
    there["mps"] = torch.backends.mps.is_available()
    if name == "auto":
        return torch.device(next(d for d in ("cuda", "mps", "cpu") if there[d]))
    if not there.get(name, False):
        raise ParameterError(f"device={name!r} is not on this machine; use 'auto' or 'cpu'")
    return torch.device(name)


def predict(
    network: nn.Module,
    tracks: Iterable[tuple[str, Sequence[np.ndarray]]],
    *,
    scale: InputScale,
    window: int,
    norm: Literal["unit", "raw"],
    batch_size: int,
    device: torch.device,
) -> Iterator[tuple[str, np.ndarray]]:
    """Predict a vector per track, as the tracks come.

    Parameters
    ----------
    network : nn.Module
        On `device`; it is put into evaluation mode.
    tracks : iterable of (str, sequence of np.ndarray [shape=(n_mels, n_frames)], dB)
        Each track's id and its clips.
    scale : InputScale
    window : int
        Frames that the network hears at once; a track's vector is the mean over its windows
        (van den Oord et al. 2013, section 5).
    norm : {"unit", "raw"}
        Unit: each window's vector and their mean are scaled to length 1.
    batch_size : int
        Windows at a time.

    Yields
    ------
    track_id, vector : str, np.ndarray [shape=(n_outputs,)], float32
    """
    network.eval()
    pending: list[tuple[str, int]] = []  # tracks whose windows are still in the queue
    done: list[Tensor] = []

    def batches() -> Iterator[list[np.ndarray]]:
        windows: list[np.ndarray] = []
        for track_id, clips in tracks:
            count = 0
            for mel in clips:
                for start in window_starts(mel.shape[1], window=window):
                    windows.append(cut(np.asarray(mel), int(start), window=window))
                    count += 1
                    if len(windows) == batch_size:
                        yield windows
                        windows = []
            pending.append((track_id, count))
        if windows:
            yield windows

    ask = partial(say, network, scale=scale, norm=norm, device=device)
    for said in in_lanes(ask, batches(), device=device):
        done.extend(said)
        while pending and len(done) >= pending[0][1]:
            track_id, count = pending.pop(0)
            yield track_id, average(done[:count], norm=norm)
            del done[:count]


def say(
    network: nn.Module,
    windows: Sequence[np.ndarray],
    *,
    scale: InputScale,
    norm: Literal["unit", "raw"],
    device: torch.device,
) -> Tensor:
    """What a network says of windows, all at once.

    Parameters
    ----------
    network : nn.Module
        On `device`, in evaluation mode.
    windows : sequence of np.ndarray [shape=(n_mels, window)], dB
    scale, norm
        See `predict`.

    Returns
    -------
    said : Tensor [shape=(n_windows, n_outputs)], float32, on the CPU
    """
    mean, std = (torch.from_numpy(part).to(device) for part in scale)
    batch = torch.from_numpy(np.stack(windows)).to(device)
    with torch.inference_mode():
        out = network(standardize(batch, mean=mean, std=std)).float()
        return (F.normalize(out, dim=1) if norm == "unit" else out).cpu()


def average(said: Sequence[Tensor], *, norm: Literal["unit", "raw"]) -> np.ndarray:
    """A track's vector from what was said of its windows : np.ndarray [shape=(n_outputs,)]."""
    vector = torch.stack(list(said)).mean(dim=0)
    return (F.normalize(vector, dim=0) if norm == "unit" else vector).numpy()


def believed(
    vectors: np.ndarray, *, shrinkage: np.ndarray | None, common: np.ndarray | None
) -> np.ndarray:
    """Predictions shrunk along what is not heard, and all equally far along one direction.

    How far a factor lies along the mean of all follows how many listeners its track has, as its
    length does. Where no sound tells that, what a network predicts of it is noise that all
    listeners share.

    Parameters
    ----------
    vectors : np.ndarray [shape=(n, d)], float32
        Of length 1.
    shrinkage : np.ndarray [shape=(d, d)] or None
        What to multiply them by first, see `audiorec.training.shrinkage`; None leaves them as they
        are.
    common : np.ndarray [shape=(d,)] or None
        The direction, as long as they are to lie along it; None leaves them as they are.

    Returns
    -------
    believed : np.ndarray [shape=(n, d)], float32
        With either no longer of length 1.
    """
    if shrinkage is not None:  # not by a library's product: the same however many there are
        vectors = np.einsum("ni,ij->nj", vectors, shrinkage, optimize=False)
    if common is None:
        return vectors
    direction = (common / np.linalg.norm(common)).astype(np.float32)
    along = (vectors * direction).sum(axis=1)  # row by row: the same however many there are
    return np.asarray(vectors - np.outer(along, direction) + common, dtype=np.float32)
