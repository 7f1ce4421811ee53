"""Compact CNN trained from scratch: convolutions in time.

Mel bands are the input's channels, as in Dieleman's network; each convolution is followed by batch
normalisation. The features are the mean and deviation over time of every level, the input's mel
bands among them, and the maximum of the last (multi-level aggregation: Lee & Nam, "Multi-level and
multi-scale feature aggregation using pretrained convolutional neural networks for music
auto-tagging", IEEE Signal Processing Letters, 2017). On a few hundred tracks the deeper levels
alone overfit.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from audiorec.models.encoders.base import Encoder

KERNELS = (5, 3, 3)  # frames


class Cnn(Encoder):
    """See the module.

    Parameters
    ----------
    n_mels : int
    channels : int
        Filters of each convolution.
    """

    def __init__(self, n_mels: int, *, channels: int) -> None:
        super().__init__()
        widths = [n_mels, *[channels] * len(KERNELS)]
        self.levels = nn.ModuleList(
            nn.Sequential(
                nn.Conv1d(n_in, n_out, kernel, stride=2, padding=kernel // 2, bias=False),
                nn.BatchNorm1d(n_out),
                nn.ReLU(),
            )
            for n_in, n_out, kernel in zip(widths[:-1], widths[1:], KERNELS, strict=True)
        )
        self.blocks = {"mel": 2 * n_mels, "convolutions": (2 * len(KERNELS) + 1) * channels}

    def forward(self, mel: Tensor) -> Tensor:
        """See `Encoder`."""
        pooled, x = [_mean_and_deviation(mel)], mel
        for level in self.levels:
            x = level(x)
            pooled.append(_mean_and_deviation(x))
        return torch.cat([*pooled, x.amax(dim=2)], dim=1)


def _mean_and_deviation(x: Tensor) -> Tensor:
    """Over time : Tensor [shape=(batch, 2 * channels)]."""
    deviation = (x.var(dim=2, correction=0) + 1e-5).sqrt()
    return torch.cat([x.mean(dim=2), deviation], dim=1)
