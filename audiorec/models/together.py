"""Batch normalisation over the examples of several processes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn.modules.batchnorm import _BatchNorm


def normalize_together(network: nn.Module) -> None:
    """Let a network's batch normalisation, while training, look at all processes' examples.

    Torch's own way to do so (`SyncBatchNorm`) is for graphics processors alone.
    """
    for module in network.modules():
        if isinstance(module, _BatchNorm):
            module.__class__ = TogetherNorm


class TogetherNorm(_BatchNorm):
    """Batch normalisation that in training takes mean and variance over all processes' examples.

    Notes
    -----
    What one process would do with all of them (Ioffe & Szegedy, "Batch normalization", 2015), but
    for the order of sums. In evaluation it is batch normalisation as ever.
    """

    def forward(self, input: Tensor) -> Tensor:
        """See the class."""
        if not self.training:
            return super().forward(input)
        over = [axis for axis in range(input.ndim) if axis != 1]
        shape = [1, -1, *[1] * (input.ndim - 2)]
        values = input.float()
        count = values.new_tensor([values.numel() / max(1, values.shape[1])])
        count = total(count)
        mean = total(values.sum(over)) / count
        centred = values - mean.view(shape)
        variance = total(centred.square().sum(over)) / count
        self._remember(mean.detach(), variance.detach(), count)
        out = centred * (variance + self.eps).rsqrt().view(shape)
        if self.affine:
            out = out * self.weight.view(shape) + self.bias.view(shape)
        return out.to(input.dtype)

    def _remember(self, mean: Tensor, variance: Tensor, count: Tensor) -> None:
        if self.running_mean is None or self.running_var is None:
            return
        assert self.num_batches_tracked is not None and self.momentum is not None
        with torch.no_grad():
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * count / (count - 1), self.momentum)

    def _check_input_dim(self, input: Tensor) -> None:
        """Any number of axes will do."""


class _Total(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, part: Tensor) -> Tensor:
        whole = part.clone()
        distributed.all_reduce(whole)
        return whole

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        whole = gradients[0].clone()
        distributed.all_reduce(whole)
        return whole


def total(part: Tensor) -> Tensor:
    """Sum of all processes' `part`; the gradient is the sum of their gradients."""
    result: Tensor = _Total.apply(part)
    return result
