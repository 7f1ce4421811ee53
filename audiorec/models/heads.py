"""Heads: networks from a row of features to factors."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from audiorec.exceptions import ParameterError
from audiorec.models.config import ModelConfig


class MlpHead(nn.Module):
    """Dense layers with dropout, after batch normalisation of the features.

    Input [batch, n_features], output [batch, n_outputs]; `n_layers` of `hidden` units in between.
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
    """Build a head with new weights from torch's global random state."""
    if config.target == "content" or config.linear:
        return nn.Linear(n_features, n_outputs)
    return MlpHead(
        n_features, n_outputs, hidden=config.hidden, n_layers=n_layers, dropout=config.dropout
    )


def linear_head(weights: np.ndarray, intercept: np.ndarray) -> nn.Linear:
    """Make a linear head of a closed-form solution.

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


def standardizing_head(features: np.ndarray) -> nn.Linear:
    """Make a head that centres and standardises each feature.

    So the cosine of two tracks ignores what all of the library has in common.

    Parameters
    ----------
    features : np.ndarray [shape=(n_tracks, n_features)]

    Returns
    -------
    head : nn.Linear
        A feature of zero variance is 0.

    Raises
    ------
    ParameterError
        If there are fewer than two tracks.
    """
    if len(features) < 2:
        raise ParameterError(
            f"a content space needs two tracks and there are {len(features)}; scan more music"
        )
    x = features.astype(np.float64)
    centre, deviation = x.mean(axis=0), x.std(axis=0)
    varies = deviation > 1e-6 * np.maximum(np.abs(centre), 1)
    scale = np.where(varies, deviation, np.inf)
    return linear_head(np.diag(1 / scale), -centre / scale)
