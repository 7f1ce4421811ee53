"""Directions in which artists differ more than the tracks of one artist do.

An artist's tracks are alike in what listeners go by, and the catalogue says whose they are before
anybody has played one: a lesson in hearing that needs no listening.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from audiorec.data.grouping import group_means
from audiorec.exceptions import TrainingError

N_COMPONENTS = 1000  # principal components of what is told, in which the directions are sought
N_TRACKS = 20_000  # that they are learned from, at most
SHRINKAGE = 0.6  # of the scatter within artists, towards a sphere: artists have few tracks each
FARTHEST = 6.0  # deviations from the mean beyond which a number is not followed
SMALLEST = 1e-6  # deviation of a number that tells something


class Discriminants(nn.Module):
    """Linear discriminants of artists: [batch, sum(blocks)] to [batch, size].

    Fisher, "The use of multiple measurements in taxonomic problems", 1936; the within-class scatter
    is shrunk as in Friedman, "Regularized discriminant analysis", 1989. A discriminant is as long
    as the root of how far artists differ by it, so that those that tell them apart say more.

    Parameters
    ----------
    blocks : sequence of int
        Sizes of the groups of numbers that are told: each group weighs the same.
    n_discriminants : int

    Attributes
    ----------
    size : int
    """

    centre: Tensor
    spread: Tensor
    weights: Tensor
    offset: Tensor

    def __init__(self, blocks: Sequence[int], n_discriminants: int) -> None:
        super().__init__()
        self.blocks = tuple(blocks)
        self.size = n_discriminants
        n = sum(self.blocks)
        self.register_buffer("centre", torch.zeros(n))
        self.register_buffer("spread", torch.ones(n))
        self.register_buffer("weights", torch.zeros(n, n_discriminants))
        self.register_buffer("offset", torch.zeros(n_discriminants))

    @torch.no_grad()
    def forward(self, told: Tensor) -> Tensor:
        """See the class."""
        followed = ((told.float() - self.centre) / self.spread).clamp(-FARTHEST, FARTHEST)
        return followed @ self.weights - self.offset

    def learn(self, told: Sequence[np.ndarray], artists: Sequence[str], *, seed: int) -> None:
        """Find the directions; where artists are too few for all of them, the last say nothing.

        Parameters
        ----------
        told : sequence of np.ndarray [shape=(sum(blocks), n_windows)]
            Of each track.
        artists : sequence of str
            Of each track; one that has no other track teaches nothing.
        seed : int
            Draws the tracks, where there are more than `N_TRACKS`.

        Raises
        ------
        TrainingError
            If fewer than two artists have several tracks.
        """
        from threadpoolctl import threadpool_limits

        rng = np.random.default_rng([seed, 13])
        rows = list(range(len(told)))
        if len(rows) > N_TRACKS:
            rows = sorted(rng.choice(len(told), N_TRACKS, replace=False).tolist())
        _, group = np.unique([artists[row] for row in rows], return_inverse=True)
        n_several = int((np.bincount(group) > 1).sum())
        if n_several < 2:
            raise TrainingError(
                f"discriminants={self.size} are learned from artists with several tracks, and "
                f"{n_several} has; name artists in the files' tags, or write discriminants = 0 "
                "under [model]"
            )
        means = np.stack([told[row].mean(axis=1, dtype=np.float64) for row in rows])
        centre, spread = means.mean(axis=0), means.std(axis=0)
        dead = spread < SMALLEST * np.maximum(np.abs(centre), 1)
        weight = np.concatenate([np.full(n, (n * len(self.blocks)) ** -0.5) for n in self.blocks])
        spread = np.where(dead, np.inf, spread)
        del means  # as large as what follows
        followed = np.stack(
            [
                np.clip((told[row].T - centre) / spread, -FARTHEST, FARTHEST).mean(axis=0)
                for row in rows
            ]
        )
        followed *= weight
        with threadpool_limits(limits=1, user_api="blas"):
            directions, offset = _discriminants(followed, group, n=self.size)
        with torch.no_grad():
            for name, value in (
                ("centre", centre),
                ("spread", spread),
                ("weights", weight[:, None] * directions),
                ("offset", offset),
            ):
                getattr(self, name).copy_(torch.from_numpy(np.asarray(value, dtype=np.float32)))


def _discriminants(x: np.ndarray, group: np.ndarray, *, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Directions [shape=(dim, n)] and what the mean says by them [shape=(n,)].

    Of `x` [shape=(n_tracks, dim)], scaled so that a track's numbers are 1 in the mean square.
    """
    import scipy.linalg

    mean = x.mean(axis=0)
    # By the smaller of the two Gram matrices: there may be more numbers than tracks.
    rows = x - mean
    gram = rows @ rows.T if x.shape[0] <= x.shape[1] else rows.T @ rows
    largest = (max(0, len(gram) - N_COMPONENTS), len(gram) - 1)
    values, vectors = scipy.linalg.eigh(gram, subset_by_index=largest)
    components = rows.T @ vectors if x.shape[0] <= x.shape[1] else vectors
    kept = np.flatnonzero(values > 1e-9 * values[-1])
    components = components[:, kept] / np.linalg.norm(components[:, kept], axis=0)
    placed = rows @ components
    count = np.bincount(group)
    centroids = group_means(placed, group)
    off = placed - centroids[group]
    within = off.T @ off / max(1, len(x) - len(count))
    within = (1 - SHRINKAGE) * within + SHRINKAGE * np.trace(within) / len(within) * np.eye(
        len(within)
    )
    several = centroids[count > 1]
    between = several.T @ several / len(several)
    found = max(1, min(n, len(several) - 1, len(within)))
    apart, directions = scipy.linalg.eigh(
        between, within, subset_by_index=[len(within) - found, len(within) - 1]
    )
    directions = components @ (directions[:, ::-1] * np.sqrt(np.maximum(apart[::-1], 0)))
    said = rows @ directions
    directions *= np.sqrt(found / max(np.square(said).sum(axis=1).mean(), 1e-12))
    directions = np.pad(directions, ((0, 0), (0, n - found)))
    return directions, mean @ directions
