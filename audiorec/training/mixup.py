"""Mixup augmentation of the examples of a batch."""

from __future__ import annotations

import torch
from torch import Tensor


def mixup(inputs: Tensor, targets: Tensor, *, alpha: float) -> tuple[Tensor, Tensor]:
    """Blend each example with another of the batch, audio and target alike.

    It draws from torch's random state of the CPU on any device: the same seed gives the same
    examples.

    Parameters
    ----------
    inputs : Tensor [shape=(batch, ...)]
        Log-mel crops, or rows of features.
    targets : Tensor [shape=(batch, n_outputs)]
    alpha : float
        Of the beta distribution of the weights; each example keeps the larger weight.

    Returns
    -------
    inputs, targets : Tensor
        New ones of the same shapes.

    Notes
    -----
    Zhang et al., "mixup: beyond empirical risk minimization", 2018, eq. 1.
    """
    weight = torch.distributions.Beta(alpha, alpha).sample((len(inputs),)).to(inputs.device)
    weight = torch.maximum(weight, 1 - weight)
    other = torch.randperm(len(inputs)).to(inputs.device)

    def blend(values: Tensor) -> Tensor:
        part = weight.reshape(-1, *(1,) * (values.ndim - 1))
        return torch.lerp(values.index_select(0, other), values, part)

    return blend(inputs), blend(targets)
