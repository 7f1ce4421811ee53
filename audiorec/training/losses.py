"""What training minimises: how far predictions lie from the factors that listening gave.

Each loss takes predictions and targets, Tensor [shape=(batch, n_outputs)], float32, and gives the
mean over the batch, Tensor [shape=()]. Contrastive alignment learns more than the network: see
`Towers`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from audiorec.models.content_model import ContentNetwork, Norm

TEMPERATURE = 0.1  # of contrastive alignment at its start: cosines are divided by it
MOST_TEMPERATURES = 10.0  # it is learned between a tenth of that and ten times that


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


def contrastive(
    predictions: Tensor, targets: Tensor, temperature: float | Tensor = TEMPERATURE
) -> Tensor:
    """Contrastive alignment, the batch's other tracks as negatives.

    The mean of two cross-entropies, with cosines over the temperature as scores: of finding each
    track's factors among the batch's, and each track's prediction.

    Notes
    -----
    van den Oord, Li & Vinyals, "Representation learning with contrastive predictive coding", 2018,
    eq. 4; in both directions as Radford et al., "Learning transferable visual models from natural
    language supervision", 2021.
    """
    scores = F.normalize(predictions, dim=1) @ F.normalize(targets, dim=1).T / temperature
    own = torch.arange(len(scores), device=scores.device)
    return (F.cross_entropy(scores, own) + F.cross_entropy(scores.T, own)) / 2


class Alignment(nn.Module):
    """The second tower of contrastive alignment, from factors to the space that both share.

    It is linear, so that what is learned in the shared space can be served in that of the factors:
    with z the first tower's output and W this one's matrix, (W u) . z = u . (W' z) for any
    listener u. Weight decay draws W to the identity and the temperature to `TEMPERATURE`.

    Parameters
    ----------
    dim : int
        Of the factors and of the shared space.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.change = nn.Parameter(torch.zeros(dim, dim))
        self.log_temperature = nn.Parameter(torch.zeros(()))  # over `TEMPERATURE`

    @property
    def matrix(self) -> Tensor:
        """W : Tensor [shape=(dim, dim)]."""
        return torch.eye(len(self.change), device=self.change.device) + self.change

    @property
    def temperature(self) -> Tensor:
        """What cosines are divided by : Tensor [shape=()]."""
        change = self.log_temperature.exp().clamp(1 / MOST_TEMPERATURES, MOST_TEMPERATURES)
        return TEMPERATURE * change

    def forward(self, predictions: Tensor, factors: Tensor) -> Tensor:
        """Loss of a batch, [shape=()]: predictions in the shared space, factors as they are."""
        return contrastive(predictions, factors @ self.matrix.T, self.temperature)


class Towers(nn.Module):
    """All that training changes: the network, and the second tower where the loss has one.

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
        """The network that predicts in the space of the factors."""
        if self.alignment is None:
            return self.network
        served, matrix = copy.deepcopy(self.network), self.alignment.matrix.T
        *_, last = (layer for layer in served.head.modules() if isinstance(layer, nn.Linear))
        with torch.no_grad():
            last.weight.copy_(matrix @ last.weight)
            last.bias.copy_(matrix @ last.bias)
        return served


class Loss(NamedTuple):
    """A loss; its norm is "unit" where only the direction of a prediction is learned."""

    function: Callable[[Tensor, Tensor], Tensor]
    norm: Norm


LOSSES: dict[str, Loss] = {
    "mse": Loss(mse, "raw"),
    "cosine": Loss(cosine, "unit"),
    "contrastive": Loss(contrastive, "unit"),
}
