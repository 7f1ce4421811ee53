from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from audiorec.models.encoders.fast_conv import LongFilters, TallFilters
from audiorec.models.encoders.musicnn import NETWORKS, BandMaxConv, Musicnn
from audiorec.models.encoders.pruned import pruned


def greatest_place_by_place(x, weight):
    """The filter against every patch; then the greatest value over the bands."""
    bands, frames = weight.shape[1:]
    before = (frames - 1) // 2
    x = F.pad(x, (before, frames - 1 - before))
    places = []
    for place in range(x.shape[1] - bands + 1):
        patches = x[:, place : place + bands].unfold(2, frames, 1)  # batch, bands, time, frames
        places.append(torch.einsum("bjtk,fjk->bft", patches, weight))
    return torch.stack(places).amax(dim=0)


SHAPES = [(12, 38, 7), (12, 67, 7), (4, 5, 3), (6, 1, 128), (6, 1, 64), (3, 1, 31), (2, 96, 1)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("n_frames", [187, 20])
def test_fast_convolutions_equal_the_one_place_by_place(shape, n_frames):
    torch.manual_seed(0)
    weight = torch.rand(shape) - 0.5
    x = torch.rand(3, 96, n_frames) * 4
    fast = LongFilters(weight[:, 0]) if shape[1] == 1 else TallFilters([weight], n_mels=96)
    expected = greatest_place_by_place(x, weight)
    assert fast(x).shape == expected.shape == (3, shape[0], n_frames)
    assert torch.allclose(fast(x), expected, atol=1e-4)
    assert expected.std() > 0.05


@pytest.mark.parametrize("n_mels", [40, 41])
def test_any_number_of_bands_and_heights_together(n_mels):
    torch.manual_seed(0)
    weights = [torch.rand(5, 17, 3) - 0.5, torch.rand(0, 9, 3), torch.rand(300, 30, 3) - 0.5]
    x = torch.rand(2, n_mels, 30)
    expected = [greatest_place_by_place(x, weight) for weight in weights]
    assert torch.allclose(
        TallFilters(weights, n_mels=n_mels)(x), torch.cat(expected, dim=1), atol=1e-5
    )


def with_filters_that_are_zero(name, *, share):
    """A network as training leaves one: a share of its filters is nearly zero."""
    torch.manual_seed(1)
    network = NETWORKS[name](n_tags=7).eval().requires_grad_(False)
    for module in network.modules():
        if isinstance(module, torch.nn.Conv1d | torch.nn.Conv2d):
            module.weight *= 4
            module.weight[torch.rand(len(module.weight)) < share] *= 1e-24
        if hasattr(module, "scale"):
            module.scale.copy_(torch.randn(len(module.scale)))  # some turn the order around
            module.shift.copy_(torch.randn(len(module.shift)))
    return network


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("share", [0.0, 0.8, 1.0])
def test_a_pruned_network_equals_the_whole_one(name, share):
    network = with_filters_that_are_zero(name, share=share)
    mel = torch.rand(3, 96, 187) * 4
    with torch.inference_mode():
        expected, found = network(mel), pruned(network)(mel)
    for a, b in zip(expected, found, strict=True):
        assert a.shape == b.shape
        assert (a - b).abs().max() < 1e-4 * a.abs().max()
    assert share == 1.0 or expected.max_pool.std(dim=0).max() > 0.05


def test_only_filters_that_are_not_zero_are_computed(monkeypatch):
    network = with_filters_that_are_zero("musicnn", share=0.8)
    left = sum(int((b.conv.weight.abs().amax((1, 2, 3)) > 1e-9).sum()) for b in network.rhythm)
    widths = []
    plain = LongFilters.__call__
    monkeypatch.setattr(
        LongFilters, "__call__", lambda self, x: widths.append(self.filters) or plain(self, x)
    )
    with torch.inference_mode():
        pruned(network)(torch.rand(1, 96, 187))
    assert sum(widths) == left < 60


@pytest.mark.parametrize("name", NETWORKS)
def test_shapes(name):
    network = NETWORKS[name](n_tags=7).eval()
    with torch.inference_mode():
        heard = network(torch.rand(2, 96, 187))
    assert heard.logits.shape == (2, 7)
    assert heard.penultimate.shape == (2, network.d)
    assert heard.mean_pool.shape == heard.max_pool.shape == (2, 753 if name == "musicnn" else 128)


def test_a_block_keeps_the_greatest_value_over_the_bands():
    torch.manual_seed(0)
    block = BandMaxConv(38, 7, 5).requires_grad_(False)
    x = torch.rand(2, 1, 96, 20)
    found = block(x)
    rows = torch.stack([block(x[:, :, at : at + 38]) for at in range(59)])
    assert torch.allclose(found, rows.amax(dim=0), atol=1e-5)


def test_musicnn_takes_other_lengths_and_batches_of_one():
    network = pruned(Musicnn().eval())
    x = torch.rand(3, 96, 100)
    with torch.inference_mode():
        together = network(x).logits
        alone = torch.cat([network(x[i : i + 1]).logits for i in range(3)])
    assert torch.allclose(together, alone, atol=1e-4)
