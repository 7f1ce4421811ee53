"""Networks from a log-mel spectrogram to a place in the listeners' space."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from audiorec.config import ModelConfig
from audiorec.models.descriptors import Descriptors


class Architecture(NamedTuple):
    """How to build a network, and the shortest input that it takes, frames."""

    build: Callable[[ModelConfig, int, int], nn.Module]
    min_frames: int


class GlobalPooling(nn.Module):
    """Mean, max and L2 norm over time, one after the other (Dieleman 2014).

    Takes [batch, channels, n_frames], gives [batch, 3 * channels]. The L2 norm is divided by the
    square root of the number of frames, so that it does not grow with the length of the input.
    """

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        rms = (x.square().mean(dim=2) + 1e-8).sqrt()
        return torch.cat([x.mean(dim=2), x.amax(dim=2), rms], dim=1)


def dieleman2014(config: ModelConfig, n_mels: int, n_outputs: int) -> nn.Module:
    """Dieleman's network: four convolutions in time, global pooling, two dense layers.

    Notes
    -----
    Dieleman, "Recommending music on Spotify with deep learning", 2014: mel bands are the input's
    channels, filters are 4 frames long, max-pooling is by 4, 2 and 2. Frames are padded where the
    original lets the sequence shrink, so that short clips pass too.
    """
    layers: list[nn.Module] = []
    channels = n_mels
    for pool in (4, 2, 2, 1):
        layers += [nn.Conv1d(channels, config.channels, 4, padding=2), nn.ReLU()]
        if pool > 1:
            layers.append(nn.MaxPool1d(pool))
        channels = config.channels
    return nn.Sequential(
        *layers,
        GlobalPooling(),
        nn.Linear(3 * channels, config.hidden),
        nn.ReLU(),
        nn.Dropout(config.dropout),
        nn.Linear(config.hidden, config.hidden),
        nn.ReLU(),
        nn.Dropout(config.dropout),
        nn.Linear(config.hidden, n_outputs),
    )


class Small1d(nn.Module):
    """Three convolutions in time beside fixed descriptors, and one hidden layer: for a CPU.

    The convolutions are of the same kind as Dieleman's, with batch normalisation. Beside what they
    learn stand `Descriptors`, which generalise from a few hundred tracks: with the convolutions
    alone, so few are learned by heart.
    """

    def __init__(self, config: ModelConfig, n_mels: int, n_outputs: int) -> None:
        super().__init__()
        width = config.channels

        def block(n_in: int, n_out: int, kernel: int, stride: int) -> list[nn.Module]:
            convolution = nn.Conv1d(
                n_in, n_out, kernel, stride=stride, padding=kernel // 2, bias=False
            )
            return [convolution, nn.BatchNorm1d(n_out), nn.ReLU(), nn.MaxPool1d(2)]

        self.convolutions = nn.Sequential(
            *block(n_mels, width, 5, 2),
            *block(width, width, 3, 1),
            *block(width, 2 * width, 3, 1),
            GlobalPooling(),
        )
        self.descriptors = Descriptors(n_mels)
        n_features = 6 * width + self.descriptors.size
        self.head = nn.Sequential(
            nn.BatchNorm1d(n_features),
            nn.Dropout(config.dropout),
            nn.Linear(n_features, config.hidden),
            nn.ReLU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.hidden, n_outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return self.head(torch.cat([self.descriptors(x), self.convolutions(x)], dim=1))


ARCHITECTURES: dict[str, Architecture] = {
    "dieleman2014": Architecture(dieleman2014, 16),
    "small1d": Architecture(Small1d, 16),
}


def build_network(config: ModelConfig, *, n_mels: int, n_outputs: int) -> nn.Module:
    """Make a network with fresh weights from torch's global random state.

    Parameters
    ----------
    config : ModelConfig
    n_mels : int
        Mel bands of the input.
    n_outputs : int
        Dimensions of the listeners' space.

    Returns
    -------
    network : nn.Module
        From standardised log-mel [shape=(batch, n_mels, n_frames)], float32, to
        [shape=(batch, n_outputs)]. Takes any `n_frames` from `min_frames` on.
    """
    return ARCHITECTURES[config.architecture].build(config, n_mels, n_outputs)


def min_frames(config: ModelConfig) -> int:
    """Shortest input that the network takes, frames."""
    return ARCHITECTURES[config.architecture].min_frames
