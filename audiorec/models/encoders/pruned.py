"""The published networks without the filters that are zero: the same numbers, several times sooner.

Weight decay brought most of the published filters to zero (of musicnn-msd's front end 64 of 561 are
left, weights of the others are as small as 1e-27). Such a filter's channel is one number, whatever
the sound. It is not computed: what follows takes it as a part of its own bias. Where the following
layer pads with zeros, that bias ends with the padding, so that it comes as the weights of one more
channel, of ones.

`Musicnn` and `Vgg` say what is computed, and are the twins that the tests compare with. Musicnn's
front end goes the ways of `audiorec.models.encoders.fast_conv`.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from audiorec.models.encoders.fast_conv import LongFilters, TallFilters
from audiorec.models.encoders.musicnn import (
    MEL,
    VGG_POOLS,
    BandMaxConv,
    FixedBatchNorm,
    Layer,
    Musicnn,
    MusicnnOutput,
    Vgg,
)

# A filter whose output moves by less than this where its input moves by 1 is taken for zero.
ZERO = 1e-7


def pruned(network: Musicnn | Vgg) -> PrunedMusicnn | PrunedVgg:
    """The network in its fastest form on a CPU, with the weights that it has now.

    Its result does not follow what the network learns later, and has no gradient for it.
    """
    with torch.no_grad():
        return PrunedVgg(network) if isinstance(network, Vgg) else PrunedMusicnn(network)


class PrunedMusicnn(nn.Module):
    """`Musicnn`, to be called in its stead.

    Parameters
    ----------
    network : Musicnn
    """

    def __init__(self, network: Musicnn) -> None:
        super().__init__()
        self.d = network.d
        blocks = cast("list[BandMaxConv]", [*network.timbre, *network.rhythm])
        varies = [_varies(block.conv, block.norm) for block in blocks]
        self._varies = torch.cat(varies)
        self._constant = torch.cat([_constant(block.conv, block.norm) for block in blocks])
        # ReLU and normalisation rise or fall with the convolution's value, so that their maximum
        # over the bands lies at its maximum, or at its minimum where the scale is negative: such a
        # filter's sign is turned around and back.
        signs = [torch.where(block.norm.scale < 0, -1.0, 1.0) for block in blocks]
        weights = [
            (block.conv.weight[:, 0] * sign[:, None, None])[some]
            for block, sign, some in zip(blocks, signs, varies, strict=True)
        ]
        n_tall = len(network.timbre)
        self._tall = TallFilters(weights[:n_tall], n_mels=MEL.n_mels)
        self._long = [LongFilters(weight[:, 0]) for weight in weights[n_tall:]]
        biases = [_bias(block.conv) for block in blocks]
        self._turn = _some(torch.cat(signs), torch.cat(biases), self._varies)
        scales, shifts = zip(*((b.norm.scale, b.norm.shift) for b in blocks), strict=True)
        self._norm = _some(torch.cat(scales), torch.cat(shifts), self._varies)
        self._input = network.input_norm
        self._first, *self._rest = cast("list[Layer]", list(network.middle))
        every = torch.ones(self._first.conv.out_channels, dtype=torch.bool)
        self._join = _Conv(self._first.conv, self._varies, self._constant, keep=every)
        self._last = (network.pool_norm, network.dense, network.dense_norm, network.output)

    def forward(self, mel: Tensor) -> MusicnnOutput:
        """As `Musicnn.forward`."""
        x = self._input(mel[:, None])[:, 0]
        front = torch.cat([self._tall(x), *(filters(x) for filters in self._long)], dim=1)
        front = self._norm(F.relu(self._turn(front)))
        y = self._first.norm(F.relu(self._join(front)))
        layers = [y]
        for layer in self._rest:
            y = layer(y) + y
            layers.append(y)
        mean_pool = self._pooled(front.mean(dim=2), [y.mean(dim=2) for y in layers])
        max_pool = self._pooled(front.amax(dim=2), [y.amax(dim=2) for y in layers])
        pool_norm, dense, dense_norm, output = self._last
        pooled = pool_norm(torch.cat([max_pool, mean_pool], dim=1))
        penultimate = dense_norm(F.relu(dense(pooled)))
        return MusicnnOutput(output(penultimate), penultimate, mean_pool, max_pool)

    def _pooled(self, front: Tensor, layers: list[Tensor]) -> Tensor:
        """All channels [shape=(batch, n_channels)], with those that never vary."""
        whole = self._constant.repeat(len(front), 1)
        whole[:, self._varies] = front
        return torch.cat([whole, *layers], dim=1)


class PrunedVgg(nn.Module):
    """`Vgg`, to be called in its stead.

    Parameters
    ----------
    network : Vgg
    """

    def __init__(self, network: Vgg) -> None:
        super().__init__()
        self.d = network.d
        self._input = network.input_norm
        self._convs: list[_Conv] = []
        self._norms: list[FixedBatchNorm] = []
        varies, constant = torch.ones(1, dtype=torch.bool), torch.zeros(1)
        convs = cast("list[nn.Conv2d]", network.convs)
        for conv, norm in zip(convs, cast("list[FixedBatchNorm]", network.norms), strict=True):
            before = varies, constant
            varies, constant = _varies(conv, norm), _constant(conv, norm)
            self._convs.append(_Conv(conv, *before, keep=varies))
            self._norms.append(_some(norm.scale, norm.shift, varies))
        self._varies, self._constant = varies, constant
        self._output = network.output

    def forward(self, mel: Tensor) -> MusicnnOutput:
        """As `Vgg.forward`."""
        x = self._input(mel[:, None])
        for conv, norm, (kernel, stride) in zip(self._convs, self._norms, VGG_POOLS, strict=True):
            x = F.max_pool2d(norm(F.relu(conv(x))), kernel, stride)
        whole = self._constant[:, None, None].repeat(len(x), 1, *x.shape[2:])
        whole[:, self._varies] = x
        penultimate = whole.permute(0, 3, 2, 1).flatten(1)  # frames, bands, filters
        logits = self._output(penultimate)
        return MusicnnOutput(logits, penultimate, whole.mean(dim=(2, 3)), whole.amax(dim=(2, 3)))


class _Conv:
    """A padded convolution of those channels alone that vary.

    Parameters
    ----------
    conv : nn.Conv1d or nn.Conv2d
    varies : Tensor [shape=(n_in,)], bool
        Input channels that are given.
    constant : Tensor [shape=(n_in,)]
        What the others are.
    keep : Tensor [shape=(n_out,)], bool
        Filters that are wanted.
    """

    def __init__(
        self, conv: nn.Conv1d | nn.Conv2d, varies: Tensor, constant: Tensor, *, keep: Tensor
    ) -> None:
        weight = conv.weight[keep]
        shape = (-1,) + (1,) * (weight.ndim - 2)
        others = weight[:, ~varies] * constant[~varies].view(shape)
        self._weight = torch.cat([weight[:, varies], others.sum(dim=1, keepdim=True)], dim=1)
        self._bias = _bias(conv)[keep]
        self._padding = conv.padding
        self._convolve = F.conv1d if isinstance(conv, nn.Conv1d) else F.conv2d

    def __call__(self, x: Tensor) -> Tensor:
        """From the channels that vary to the filters that are wanted."""
        ones = x.new_ones(len(x), 1, *x.shape[2:])
        padded = torch.cat([x, ones], dim=1)
        return self._convolve(padded, self._weight, self._bias, padding=self._padding)


def _varies(conv: nn.Conv1d | nn.Conv2d, norm: FixedBatchNorm) -> Tensor:
    """Which filters are not zero : Tensor [shape=(n_out,)], bool. Of none that is not, all."""
    moves = conv.weight.abs().flatten(1).sum(dim=1) * norm.scale.abs()
    return moves >= moves.max().clamp(max=ZERO)


def _constant(conv: nn.Conv1d | nn.Conv2d, norm: FixedBatchNorm) -> Tensor:
    """What each filter's channel is where its weights are zero : Tensor [shape=(n_out,)]."""
    return norm(F.relu(_bias(conv))[None])[0]


def _some(scale: Tensor, shift: Tensor, channels: Tensor) -> FixedBatchNorm:
    """``x * scale + shift`` of some channels; `channels` : bool [shape=(n,)]."""
    return FixedBatchNorm.made_of(scale[channels], shift[channels])


def _bias(conv: nn.Conv1d | nn.Conv2d) -> Tensor:
    assert conv.bias is not None
    return conv.bias
