"""Networks from a log-mel spectrogram to a place in the listeners' space."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from audiorec.models.config import ModelConfig
from audiorec.models.described import Described
from audiorec.models.descriptors import Descriptors
from audiorec.models.transferred import Finetuned, dense_head

QUARTERS = 4


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


class Paper2013(nn.Module):
    """Two convolutions in time and two dense layers, for windows of a few seconds.

    Notes
    -----
    van den Oord, Dieleman & Schrauwen 2013 call their network convolutional and hear windows of 3
    seconds; that it had two convolutional and two dense layers is told in Dieleman 2014. The
    length and number of its filters, its pooling and its units are not published: filters of 4
    frames and max-pooling by 4 are Dieleman's, and where a feature lies in a window is kept to a
    quarter of the window.
    """

    def __init__(self, config: ModelConfig, n_mels: int, n_outputs: int) -> None:
        super().__init__()
        width = config.channels
        self.convolutions = nn.Sequential(
            nn.Conv1d(n_mels, width, 4, padding=2), nn.ReLU(), nn.MaxPool1d(4),
            nn.Conv1d(width, width, 4, padding=2), nn.ReLU(),
        )  # fmt: skip
        self.head = nn.Sequential(
            nn.Linear(QUARTERS * width, config.hidden),
            nn.ReLU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.hidden, n_outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        parts = self.convolutions(x).tensor_split(QUARTERS, dim=2)
        return self.head(torch.cat([part.amax(dim=2) for part in parts], dim=1))


class Residual(nn.Module):
    """Two 3 x 3 convolutions that halve both axes, beside one that does so in one step."""

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


class ShortChunk(nn.Module):
    """Seven residual blocks in time and frequency, the maximum over what is left, dense layers.

    Notes
    -----
    Won, Ferraro, Bogdanov & Serra, "Evaluation of CNN-based automatic music tagging models", SMC
    2020, the short-chunk CNN with residual connections, as in its authors' code: steps of 2 where
    the plain one pools, and twice the filters from the third block on, four times in the last.
    Theirs begins with 128 and has as many units as the last block has filters; here the
    configuration says. The input is standardised already.
    """

    def __init__(self, config: ModelConfig, n_mels: int, n_outputs: int) -> None:
        super().__init__()
        widths = [1, *(config.channels * times for times in (1, 1, 2, 2, 2, 2, 4))]
        self.blocks = nn.Sequential(*map(Residual, widths[:-1], widths[1:]))
        self.head = nn.Sequential(
            nn.Linear(widths[-1], config.hidden, bias=False),
            nn.BatchNorm1d(config.hidden),
            nn.ReLU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.hidden, n_outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return self.head(self.blocks(x[:, None]).amax(dim=(2, 3)))


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
    "described": Architecture(Described, 16),
    "dieleman2014": Architecture(dieleman2014, 16),
    "paper2013": Architecture(Paper2013, 16),
    "shortchunk": Architecture(ShortChunk, 16),
    "small1d": Architecture(Small1d, 16),
}


def build_network(config: ModelConfig, *, n_mels: int, n_outputs: int) -> nn.Module:
    """Make a network with fresh weights from torch's global random state.

    Parameters
    ----------
    config : ModelConfig
    n_mels : int
        Mel bands of the input, or numbers that a frozen encoder gives for a window.
    n_outputs : int
        Dimensions of the listeners' space.

    Returns
    -------
    network : nn.Module
        From standardised log-mel [shape=(batch, n_mels, n_frames)], float32, to
        [shape=(batch, n_outputs)]. Takes any `n_frames` from `min_frames` on.
    """
    if config.frozen:
        return dense_head(config, n_mels, n_outputs)
    if config.finetune:
        return Finetuned(config, n_outputs)
    return ARCHITECTURES[config.architecture].build(config, n_mels, n_outputs)


def min_frames(config: ModelConfig) -> int:
    """Shortest input that the network takes, frames."""
    return 1 if config.pretrained else ARCHITECTURES[config.architecture].min_frames
