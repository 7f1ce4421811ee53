"""Contrastive alignment of predictions with factors, and its second tower."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

TEMPERATURE = 0.1  # initial temperature of contrastive alignment, the divisor of cosines
MOST_TEMPERATURES = 10.0  # bounds of the learned temperature, as a factor


def contrastive(
    predictions: Tensor, targets: Tensor, temperature: float | Tensor = TEMPERATURE
) -> Tensor:
    """Contrastive alignment, the batch's other tracks as negatives.

    The mean of two cross-entropies, with cosines over the temperature as scores: of identifying
    each track's factors among the batch's, and each track's prediction.

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
    """Second tower of contrastive alignment: a linear map from factors to the shared space.

    It is linear, so that predictions in the shared space can be served in that of the factors:
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
        """Divisor of the cosines : Tensor [shape=()]."""
        change = self.log_temperature.exp().clamp(1 / MOST_TEMPERATURES, MOST_TEMPERATURES)
        return TEMPERATURE * change

    def forward(self, predictions: Tensor, factors: Tensor) -> Tensor:
        """Loss of a batch, [shape=()], of predictions in the shared space and unmapped factors."""
        return contrastive(predictions, factors @ self.matrix.T, self.temperature)
