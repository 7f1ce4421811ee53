"""Dieleman's network: four convolutions in time and global pooling.

Dieleman, "Recommending music on Spotify with deep learning", 2014: mel bands are the input's
channels, filters are 4 frames long, max-pooling is by 4, 2 and 2. Frames are padded where the
original lets the sequence shrink, so that short clips are accepted too. Two dense layers follow.
"""

from __future__ import annotations

from torch import Tensor, nn

from audiorec.models.encoders.base import Encoder, GlobalPooling

POOLS = (4, 2, 2, 1)


class Dieleman2014(Encoder):
    """See the module.

    Parameters
    ----------
    n_mels : int
    channels : int
        Filters of each convolution.
    """

    hidden_layers = 2

    def __init__(self, n_mels: int, *, channels: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width = n_mels
        for pool in POOLS:
            layers += [nn.Conv1d(width, channels, 4, padding=2), nn.ReLU()]
            if pool > 1:
                layers.append(nn.MaxPool1d(pool))
            width = channels
        self.layers = nn.Sequential(*layers, GlobalPooling())
        self.blocks = {"pooled": 3 * channels}

    def forward(self, mel: Tensor) -> Tensor:
        """See `Encoder`."""
        out: Tensor = self.layers(mel)
        return out
