"""Base class of all encoders, and global pooling."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Encoder(nn.Module):
    """Encoder of a log-mel crop to one row of features.

    Input [shape=(batch, n_mels, n_frames)], float32; output [shape=(batch, n_features)].

    Attributes
    ----------
    blocks : dict of str to int
        Names and widths of the blocks of a row of features, in order.
    min_frames : int
        Shortest crop, frames; a shorter clip is repeated up to this length.
    hidden_layers : int
        Number of hidden layers of the dense head that it is trained with.
    """

    blocks: dict[str, int]
    min_frames = 16
    hidden_layers = 1


class GlobalPooling(nn.Module):
    """Mean, max and L2 norm over time, one after the other (Dieleman 2014).

    Input [batch, channels, n_frames], output [batch, 3 * channels]. The L2 norm is divided by the
    square root of the number of frames, so that it does not grow with the length of the input.
    """

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        rms = (x.square().mean(dim=2) + 1e-8).sqrt()
        return torch.cat([x.mean(dim=2), x.amax(dim=2), rms], dim=1)
