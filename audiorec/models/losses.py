"""What the network minimises: how far its predictions lie from the tracks' factors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

TEMPERATURE = 0.1  # of `contrastive`: cosines are divided by it


class Loss(NamedTuple):
    """A loss and what its predictions are like.

    Attributes
    ----------
    function : callable
        ``function(predictions, targets)``, both [batch, n_outputs], gives a scalar.
    norm : {"unit", "raw"}
        Unit where only the direction of a prediction is learned.
    """

    function: Callable[[Tensor, Tensor], Tensor]
    norm: Literal["unit", "raw"]


def mse(predictions: Tensor, targets: Tensor) -> Tensor:
    """Mean squared distance to the targets (van den Oord et al. 2013, eq. 5).

    Parameters
    ----------
    predictions, targets : Tensor [shape=(batch, n_outputs)], float32

    Returns
    -------
    loss : Tensor [shape=()]
        Mean over the batch of the squared Euclidean distance.
    """
    return (predictions - targets).square().sum(dim=1).mean()


def cosine(predictions: Tensor, targets: Tensor) -> Tensor:
    """One minus the cosine between prediction and target, mean over the batch: 0 to 2.

    Parameters
    ----------
    predictions, targets : Tensor [shape=(batch, n_outputs)], float32
    """
    return (1 - F.cosine_similarity(predictions, targets, dim=1)).mean()


def contrastive(predictions: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy of finding each prediction's own target among the batch's (InfoNCE).

    Parameters
    ----------
    predictions, targets : Tensor [shape=(batch, n_outputs)], float32

    Notes
    -----
    van den Oord, Li & Vinyals, "Representation learning with contrastive predictive coding",
    2018, eq. 4, with cosines over `TEMPERATURE` as scores.
    """
    scores = F.normalize(predictions, dim=1) @ F.normalize(targets, dim=1).T / TEMPERATURE
    return F.cross_entropy(scores, torch.arange(len(scores), device=scores.device))


LOSSES: dict[str, Loss] = {
    "mse": Loss(mse, "raw"),
    "cosine": Loss(cosine, "unit"),
    "contrastive": Loss(contrastive, "unit"),
}
