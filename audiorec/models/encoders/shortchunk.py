"""The short-chunk CNN with residual connections: seven blocks in time and frequency.

Won, Ferraro, Bogdanov & Serra, "Evaluation of CNN-based automatic music tagging models", SMC 2020,
as in its authors' code: strides of 2 where the plain one pools, twice the filters from the third
block on, four times in the last, and the maximum over the rest. Theirs starts with 128.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from audiorec.models.encoders.base import Encoder

WIDTHS = (1, 1, 2, 2, 2, 2, 4)  # of the blocks, in multiples of the first


class Residual(nn.Module):
    """Two 3 x 3 convolutions that halve both axes, and a shortcut that does so in one step."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()

        def convolution(n_from: int, stride: int) -> nn.Sequential:
            return nn.Sequential(
                nn.Conv2d(n_from, n_out, 3, stride=stride, padding=1, bias=False),
                nn.BatchNorm2d(n_out),
            )

        self.long = nn.Sequential(convolution(n_in, 2), nn.ReLU(), convolution(n_out, 1))
        self.short = convolution(n_in, 2)

    def forward(self, x: Tensor) -> Tensor:
        """From [batch, n_in, height, width] to [batch, n_out, half of it, half of it]."""
        return torch.relu(self.long(x) + self.short(x))


class ShortChunk(Encoder):
    """See the module.

    Parameters
    ----------
    n_mels : int
    channels : int
        Filters of the first blocks.
    """

    def __init__(self, n_mels: int, *, channels: int) -> None:
        super().__init__()
        widths = [1, *(channels * times for times in WIDTHS)]
        self.residuals = nn.Sequential(*map(Residual, widths[:-1], widths[1:]))
        self.blocks = {"pooled": widths[-1]}

    def forward(self, mel: Tensor) -> Tensor:
        """See `Encoder`."""
        out: Tensor = self.residuals(mel[:, None]).amax(dim=(2, 3))
        return out
