"""What training minimises: how far predictions lie from the factors that listening gave.

Each loss takes predictions and targets, Tensor [shape=(batch, n_outputs)], float32, and gives the
mean over the batch, Tensor [shape=()].
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from audiorec.models.content_model import Norm

TEMPERATURE = 0.1  # of contrastive alignment: cosines are divided by it


def mse(predictions: Tensor, targets: Tensor) -> Tensor:
    """Squared Euclidean distance to the targets (van den Oord et al. 2013, eq. 5)."""
    return (predictions - targets).square().sum(dim=1).mean()


def cosine(predictions: Tensor, targets: Tensor) -> Tensor:
    """One minus the cosine between prediction and target: 0 to 2."""
    return (1 - F.cosine_similarity(predictions, targets, dim=1)).mean()


def contrastive(predictions: Tensor, targets: Tensor) -> Tensor:
    """Contrastive alignment of two towers: what is predicted from sound, and the factors.

    The mean of two cross-entropies, with cosines over `TEMPERATURE` as scores: of finding each
    track's factors among the batch's, and each track's prediction. The second tower is the factors
    themselves, so that predictions lie in the space of the listeners' vectors.

    Notes
    -----
    van den Oord, Li & Vinyals, "Representation learning with contrastive predictive coding", 2018,
    eq. 4; in both directions as Radford et al., "Learning transferable visual models from natural
    language supervision", 2021.
    """
    scores = F.normalize(predictions, dim=1) @ F.normalize(targets, dim=1).T / TEMPERATURE
    own = torch.arange(len(scores), device=scores.device)
    return (F.cross_entropy(scores, own) + F.cross_entropy(scores.T, own)) / 2


class Loss(NamedTuple):
    """A loss; its norm is "unit" where only the direction of a prediction is learned."""

    function: Callable[[Tensor, Tensor], Tensor]
    norm: Norm


LOSSES: dict[str, Loss] = {
    "mse": Loss(mse, "raw"),
    "cosine": Loss(cosine, "unit"),
    "contrastive": Loss(contrastive, "unit"),
}
