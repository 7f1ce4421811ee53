"""musicnn and its VGG sibling: convolutional networks that tag three seconds of music.

J. Pons & X. Serra, "musicnn: Pre-trained convolutional neural networks for music audio tagging",
late-breaking demo, ISMIR 2019; the front end is that of J. Pons et al., "End-to-end learning for
music audio tagging at scale", ISMIR 2018. Filters that are tall in frequency capture timbre at any
pitch (their maximum along the bands is kept); filters that are long in time capture rhythm; three
densely connected layers and pooling over time follow.

Every layer here is convolution, ReLU, batch normalisation, in this order. Names and shapes of the
weights are this module's own; `audiorec.models.pretrained.convert` maps the published ones to them.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from audiorec.audio import MelConfig
from audiorec.models.config import MUSICNN_MEL
from audiorec.models.pretrained.registry import RHYTHM, TIMBRE

ZERO = 1e-7  # filters whose output changes by less, for a change of 1 in the input, count as zero
WINDOW = 187  # frames: 3 s
MIDDLE = 64  # filters of each layer of the middle
MIDDLE_FRAMES = 7
UNITS = 200  # of the penultimate layer
VGG_FILTERS = 128
# Kernel and stride of VGG's pooling, (bands, frames); the first sees one band of each pair.
VGG_POOLS = (((1, 4), (2, 2)), *[((2, 2), (2, 2))] * 3, ((4, 4), (4, 4)))

MEL = MelConfig(**MUSICNN_MEL)


class MusicnnOutput(NamedTuple):
    """Tags and features of a batch of windows.

    Attributes
    ----------
    logits : Tensor [shape=(batch, n_tags)]
        Each tag's probability is the sigmoid of its logit.
    penultimate : Tensor [shape=(batch, d)]
        Input of the tags' layer: 200 units of musicnn, 256 pooled values of VGG.
    mean_pool, max_pool : Tensor [shape=(batch, n_channels)]
        Mean and maximum over time (VGG: over time and bands) of the last feature maps.
    """

    logits: Tensor
    penultimate: Tensor
    mean_pool: Tensor
    max_pool: Tensor


class FixedBatchNorm(nn.Module):
    """Batch normalisation with fixed statistics, over dimension 1."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(channels), requires_grad=False)
        self.shift = nn.Parameter(torch.zeros(channels), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        """``x * scale + shift``, per channel."""
        shape = (1, -1) + (1,) * (x.ndim - 2)
        return x * self.scale.view(shape) + self.shift.view(shape)


class BandMaxConv(nn.Module):
    """Convolution over bands and frames, ReLU, normalisation, and the maximum over the bands.

    Weight decay reduced most published filters to zero (of musicnn-msd's 561 all but 64). The
    channel of such a filter is constant for any input: in inference it is not computed.
    """

    def __init__(self, bands: int, frames: int, filters: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, filters, (bands, frames))
        self.norm = FixedBatchNorm(filters)
        before = (frames - 1) // 2
        self.pad = (before, frames - 1 - before)

    def forward(self, x: Tensor) -> Tensor:
        """From [shape=(batch, 1, n_mels, n_frames)] to [shape=(batch, filters, n_frames)]."""
        x = F.pad(x, self.pad)
        weight, bias = self.conv.weight, cast(Tensor, self.conv.bias)
        if weight.requires_grad and torch.is_grad_enabled():
            return self.norm(F.relu(self.conv(x))).amax(dim=2)
        scale, shift = self.norm.scale[:, None, None], self.norm.shift[:, None, None]
        moves = (weight * scale[:, None]).abs().sum(dim=(1, 2, 3))
        varies = moves >= moves.max().clamp(max=ZERO)  # if all are zero, the largest of them
        some = F.relu(F.conv2d(x, weight[varies], bias[varies]))
        greatest = (some * scale[varies] + shift[varies]).amax(dim=2)
        out = self.norm(F.relu(bias)[None, :, None]).repeat(len(x), 1, greatest.shape[2])
        out[:, varies] = greatest
        return out


class ConvLayer(nn.Module):
    """Convolution over time, ReLU, normalisation."""

    def __init__(self, n_in: int, n_out: int, frames: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(n_in, n_out, frames, padding=frames // 2)
        self.norm = FixedBatchNorm(n_out)

    def forward(self, x: Tensor) -> Tensor:
        """From [shape=(batch, n_in, n_frames)] to [shape=(batch, n_out, n_frames)]."""
        return self.norm(F.relu(self.conv(x)))


class Musicnn(nn.Module):
    """Pons & Serra's musicnn.

    Parameters
    ----------
    n_tags : int
    """

    d = UNITS
    n_maps = sum(n for *_, n in (*TIMBRE, *RHYTHM)) + 3 * MIDDLE

    def __init__(self, n_tags: int = 50) -> None:
        super().__init__()
        self.input_norm = FixedBatchNorm(1)
        self.timbre = nn.ModuleList([BandMaxConv(*shape) for shape in TIMBRE])
        self.rhythm = nn.ModuleList([BandMaxConv(1, *shape) for shape in RHYTHM])
        channels = sum(n for *_, n in (*TIMBRE, *RHYTHM))
        self.middle = nn.ModuleList(
            ConvLayer(n_in, MIDDLE, MIDDLE_FRAMES) for n_in in (channels, MIDDLE, MIDDLE)
        )
        pooled = 2 * (channels + 3 * MIDDLE)
        self.pool_norm = FixedBatchNorm(pooled)
        self.dense = nn.Linear(pooled, UNITS)
        self.dense_norm = FixedBatchNorm(UNITS)
        self.output = nn.Linear(UNITS, n_tags)

    def layers(self) -> list[nn.Module]:
        """Layers for fine-tuning, from the last to the first: the front end is one."""
        front = nn.ModuleList([self.timbre, self.rhythm])
        return [self.dense, *reversed(list(self.middle)), front]

    def forward(self, mel: Tensor) -> MusicnnOutput:
        """Compute the tags and features of windows.

        Parameters
        ----------
        mel : Tensor [shape=(batch, n_mels, n_frames)], log10(1 + 10000 * power)
        """
        x = self.input_norm(mel[:, None])
        front = torch.cat([block(x) for block in (*self.timbre, *self.rhythm)], dim=1)
        first = self.middle[0](front)
        second = self.middle[1](first) + first
        third = self.middle[2](second) + second
        maps = torch.cat([front, first, second, third], dim=1)
        mean_pool, max_pool = maps.mean(dim=2), maps.amax(dim=2)
        pooled = self.pool_norm(torch.cat([max_pool, mean_pool], dim=1))
        penultimate = self.dense_norm(F.relu(self.dense(pooled)))
        return MusicnnOutput(self.output(penultimate), penultimate, mean_pool, max_pool)


class Vgg(nn.Module):
    """The VGG-like network published with musicnn: five blocks of 3 x 3 filters.

    Parameters
    ----------
    n_tags : int
    """

    d = 2 * VGG_FILTERS
    n_maps = VGG_FILTERS

    def __init__(self, n_tags: int = 50) -> None:
        super().__init__()
        self.input_norm = FixedBatchNorm(1)
        widths = (1, *[VGG_FILTERS] * len(VGG_POOLS))
        self.convs = nn.ModuleList(
            nn.Conv2d(n_in, n_out, 3, padding=1) for n_in, n_out in pairwise(widths)
        )
        self.norms = nn.ModuleList(FixedBatchNorm(VGG_FILTERS) for _ in VGG_POOLS)
        self.output = nn.Linear(self.d, n_tags)

    def layers(self) -> list[nn.Module]:
        """Layers for fine-tuning, from the last to the first."""
        return list(reversed(list(self.convs)))

    def forward(self, mel: Tensor) -> MusicnnOutput:
        """Compute tags and features of windows of 187 frames, as `Musicnn.forward` does."""
        x = self.input_norm(mel[:, None])
        for conv, norm, (kernel, stride) in zip(self.convs, self.norms, VGG_POOLS, strict=True):
            x = F.max_pool2d(norm(F.relu(conv(x))), kernel, stride)
        penultimate = x.permute(0, 3, 2, 1).flatten(1)  # frames, bands, filters
        logits = self.output(penultimate)
        return MusicnnOutput(logits, penultimate, x.mean(dim=(2, 3)), x.amax(dim=(2, 3)))


NETWORKS: dict[str, type[Musicnn] | type[Vgg]] = {"musicnn": Musicnn, "vgg": Vgg}
