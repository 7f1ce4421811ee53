"""Kernel ridge regression: a track lies where the tracks that sound like it do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

WIDTH = 3.0  # of the kernel, in median squared distances between two tracks
MEDIAN_OF = 1000  # tracks
PENALTY = 0.03  # less than is best for it alone: beside others it need not be cautious
SMALLEST = 1e-7  # eigenvalue of the landmarks' kernel that tells something, beside the largest
AT_ONCE = 4096  # rows

Rows = TypeVar("Rows", np.ndarray, Tensor)


class KernelRidge(nn.Module):
    """Kernel ridge regression with a Gaussian kernel: [batch, size] to [batch, n_outputs].

    Every track is described by how like it is to some of them, the landmarks, as in Williams &
    Seeger, "Using the Nystrom method to speed up kernel machines", 2000: with all as landmarks it
    is the regression itself.

    Parameters
    ----------
    size : int
    n_landmarks : int
        Where tracks are fewer, the last are empty.
    n_outputs : int

    Attributes
    ----------
    speaks : Tensor [shape=()]
        1 where it has learned something, else 0: then it says 0.
    """

    landmarks: Tensor
    weights: Tensor
    offset: Tensor
    width: Tensor
    speaks: Tensor

    def __init__(self, size: int, n_landmarks: int, n_outputs: int) -> None:
        super().__init__()
        self.register_buffer("landmarks", torch.zeros(n_landmarks, size))
        self.register_buffer("weights", torch.zeros(n_landmarks, n_outputs))
        self.register_buffer("offset", torch.zeros(n_outputs))
        self.register_buffer("width", torch.ones(()))
        self.register_buffer("speaks", torch.zeros(()))

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        with torch.autocast(x.device.type, enabled=False):
            apart = _apart(x.float(), self.landmarks)
            return (-apart / self.width).exp() @ self.weights + self.offset

    def learn(self, x: Sequence[np.ndarray], y: np.ndarray, *, seed: int) -> None:
        """Fit it.

        Parameters
        ----------
        x : sequence of np.ndarray [shape=(n_examples, size)]
            Of each track: as it is, then altered. Landmarks are tracks as they are.
        y : np.ndarray [shape=(n, n_outputs)]
            Of each track.
        seed : int
            Draws the landmarks, where tracks are more.
        """
        from threadpoolctl import threadpool_limits

        rng = np.random.default_rng([seed, 17])
        first = np.stack([examples[0] for examples in x]).astype(np.float64)
        n = min(len(self.landmarks), len(first))
        landmarks = first[np.sort(rng.choice(len(first), n, replace=False))]
        some = first[rng.permutation(len(first))[:MEDIAN_OF]]
        mean = y.mean(axis=0)
        # One thread: how many there are would show in the last bits.
        with threadpool_limits(limits=1, user_api="blas"):
            apart = _apart(some, some)[np.triu_indices(len(some), 1)]
            width = WIDTH * float(np.median(apart)) if len(apart) else 0.0
            if width <= 0:
                return  # all alike: nothing to go by
            weights = _solve(x, y - mean, landmarks=landmarks, width=width)
        with torch.no_grad():
            self.landmarks[:n] = torch.from_numpy(landmarks)
            self.weights[:n] = torch.from_numpy(weights)
            self.offset.copy_(torch.from_numpy(np.asarray(mean)))
            self.width.fill_(width)
            self.speaks.fill_(1.0)


def _apart(x: Rows, landmarks: Rows) -> Rows:
    """Squared distances : [shape=(len(x), len(landmarks))], of arrays or tensors."""
    squares = (x * x).sum(1)[:, None] + (landmarks * landmarks).sum(1)
    return (squares - 2 * x @ landmarks.T).clip(min=0)


def _solve(
    x: Sequence[np.ndarray], y: np.ndarray, *, landmarks: np.ndarray, width: float
) -> np.ndarray:
    """Weights of the likeness to each landmark : [shape=(n_landmarks, n_outputs)]."""

    def kernel(rows: np.ndarray) -> np.ndarray:
        return np.asarray(np.exp(-_apart(rows, landmarks) / width))

    values, vectors = np.linalg.eigh(kernel(landmarks))
    kept = values > SMALLEST * values[-1]
    features = vectors[:, kept] / np.sqrt(values[kept])
    gram, wanted = PENALTY * np.eye(features.shape[1]), np.zeros((features.shape[1], y.shape[1]))
    for rows, targets in _blocks(x, y):
        told = kernel(rows) @ features
        gram += told.T @ told
        wanted += told.T @ targets
    return np.asarray(features @ np.linalg.solve(gram, wanted))


def _blocks(x: Sequence[np.ndarray], y: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows of all examples with the targets of their tracks, some at a time."""
    rows = np.concatenate(x)
    owner = np.repeat(np.arange(len(x)), [len(examples) for examples in x])
    for start in range(0, len(rows), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        yield rows[part].astype(np.float64), y[owner[part]].astype(np.float64)
