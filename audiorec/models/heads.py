"""Heads: from a row of features to factors."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from audiorec.models.config import ModelConfig


class MlpHead(nn.Module):
    """Dense layers with dropout, behind batch normalisation of the features.

    Takes [batch, n_features], gives [batch, n_outputs].

    Parameters
    ----------
    n_features, n_outputs : int
    hidden : int
        Units of each hidden layer.
    n_layers : int
        Hidden layers.
    dropout : float
    """

    def __init__(
        self, n_features: int, n_outputs: int, *, hidden: int, n_layers: int, dropout: float
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.BatchNorm1d(n_features), nn.Dropout(dropout)]
        width = n_features
        for _ in range(n_layers):
            layers += [nn.Linear(width, hidden), nn.ReLU(), nn.Dropout(dropout)]
            width = hidden
        self.layers = nn.Sequential(*layers, nn.Linear(width, n_outputs))

    def forward(self, features: Tensor) -> Tensor:
        """See the class."""
        out: Tensor = self.layers(features)
        return out


def build_head(
    config: ModelConfig, n_features: int, n_outputs: int, *, n_layers: int = 1
) -> nn.Module:
    """A head with fresh weights from torch's global random state."""
    if config.target == "content" or config.linear:
        return nn.Linear(n_features, n_outputs)
    return MlpHead(
        n_features, n_outputs, hidden=config.hidden, n_layers=n_layers, dropout=config.dropout
    )


def linear_head(weights: np.ndarray, intercept: np.ndarray) -> nn.Linear:
    """A linear head that was found in closed form.

    Parameters
    ----------
    weights : np.ndarray [shape=(n_features, n_outputs)]
    intercept : np.ndarray [shape=(n_outputs,)]
    """
    head = nn.Linear(*weights.shape)
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(weights.T.astype(np.float32)))
        head.bias.copy_(torch.from_numpy(intercept.astype(np.float32)))
    return head


def compose_head(head: nn.Module, matrix: Tensor) -> nn.Module:
    """A head with a linear map behind it, as a head of the same shape.

    Parameters
    ----------
    head : nn.Module
        Of `build_head`; changed in place.
    matrix : Tensor [shape=(n_outputs, n_outputs)]
    """
    last = head.layers[-1] if isinstance(head, MlpHead) else head
    assert isinstance(last, nn.Linear)
    with torch.no_grad():
        last.weight.copy_(matrix @ last.weight)
        last.bias.copy_(matrix @ last.bias)
    return head


def apply_head(head: nn.Module, features: np.ndarray) -> np.ndarray:
    """What a head gives for rows of features : np.ndarray [shape=(n, n_outputs)], float32."""
    with torch.inference_mode():
        out: np.ndarray = head(torch.from_numpy(np.array(features, dtype=np.float32))).numpy()
    return out
