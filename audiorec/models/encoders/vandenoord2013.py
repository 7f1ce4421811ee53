"""The paper's network: two convolutions in time, for windows of a few seconds.

van den Oord, Dieleman & Schrauwen 2013 call their network convolutional and predict from windows
of 3 seconds; Dieleman 2014 adds that it had two convolutional and two dense layers. The length and
number of its filters, its pooling and its units are not published: filters of 4 frames and
max-pooling by 4 are Dieleman's, and the position of a feature in a window is kept to a quarter of
the window.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from audiorec.models.encoders.base import Encoder

QUARTERS = 4


class VanDenOord2013(Encoder):
    """See the module.

    Parameters
    ----------
    n_mels : int
    channels : int
        Filters of each convolution.
    """

    def __init__(self, n_mels: int, *, channels: int) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv1d(n_mels, channels, 4, padding=2), nn.ReLU(), nn.MaxPool1d(4),
            nn.Conv1d(channels, channels, 4, padding=2), nn.ReLU(),
        )  # fmt: skip
        self.blocks = {"pooled": QUARTERS * channels}

    def forward(self, mel: Tensor) -> Tensor:
        """See `Encoder`."""
        parts = self.convolutions(mel).tensor_split(QUARTERS, dim=2)
        return torch.cat([part.amax(dim=2) for part in parts], dim=1)
