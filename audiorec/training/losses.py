"""Losses: distances of predictions from the factors.

Each loss takes predictions and targets, Tensor [shape=(batch, n_outputs)], float32, and returns the
mean over the batch, Tensor [shape=()]. Contrastive alignment, of
`audiorec.training.contrastive`, trains more than the network: see `Towers`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from audiorec.models import ContentNetwork
from audiorec.models.content_model import Norm
from audiorec.training.contrastive import Alignment, contrastive


def mse(predictions: Tensor, targets: Tensor) -> Tensor:
    """Squared Euclidean distance to the targets (van den Oord et al. 2013, eq. 5)."""
    return (predictions - targets).square().sum(dim=1).mean()


def cosine(predictions: Tensor, targets: Tensor) -> Tensor:
    """One minus the cosine between prediction and target: 0 to 2.

    Examples
    --------
    >>> cosine(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 3.0]]))
    tensor(1.)
    """
    return (1 - F.cosine_similarity(predictions, targets, dim=1)).mean()


class Towers(nn.Module):
    """Trained modules: the network, and the second tower if the loss has one.

    Parameters
    ----------
    network : ContentNetwork
    loss : str
        A key of `LOSSES`.
    dim : int
        Of the factors.
    """

    def __init__(self, network: ContentNetwork, *, loss: str, dim: int) -> None:
        super().__init__()
        self.network = network
        self.alignment = Alignment(dim) if loss == "contrastive" else None
        self.function = LOSSES[loss].function

    def forward(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Loss of a batch, [shape=()]."""
        predictions = self.network(inputs).float()
        if self.alignment is None:
            return self.function(predictions, targets)
        loss: Tensor = self.alignment(predictions, targets)
        return loss

    def served(self) -> ContentNetwork:
        """The network whose predictions are in the space of the factors."""
        if self.alignment is None:
            return self.network
        served, matrix = copy.deepcopy(self.network), self.alignment.matrix.T
        *_, last = (layer for layer in served.head.modules() if isinstance(layer, nn.Linear))
        with torch.no_grad():
            last.weight.copy_(matrix @ last.weight)
            last.bias.copy_(matrix @ last.bias)
        return served


class Loss(NamedTuple):
    """A loss; its norm is "unit" if only the direction of a prediction is learned."""

    function: Callable[[Tensor, Tensor], Tensor]
    norm: Norm


LOSSES: dict[str, Loss] = {
    "mse": Loss(mse, "raw"),
    "cosine": Loss(cosine, "unit"),
    "contrastive": Loss(contrastive, "unit"),
}
