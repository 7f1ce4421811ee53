from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from audiorec.models.encoders.musicnn import NETWORKS, BandMaxConv, Musicnn


def with_filters_that_are_zero(*, share):
    """A musicnn as training leaves one: a share of its filters is nearly zero."""
    torch.manual_seed(1)
    network = Musicnn(n_tags=7).eval().requires_grad_(False)
    for module in network.modules():
        if isinstance(module, torch.nn.Conv1d | torch.nn.Conv2d):
            module.weight *= 4
            module.weight[torch.rand(len(module.weight)) < share] *= 1e-24
        if hasattr(module, "scale"):
            module.scale.copy_(torch.randn(len(module.scale)))  # some turn the order around
            module.shift.copy_(torch.randn(len(module.shift)))
    return network


@pytest.mark.parametrize("share", [0.0, 0.8, 1.0])
def test_without_the_filters_that_are_zero_it_is_the_same(share):
    network = with_filters_that_are_zero(share=share)
    mel = torch.rand(3, 96, 187) * 4
    with torch.no_grad():
        found = network(mel)
    expected = network.requires_grad_(True)(mel)
    for a, b in zip(expected, found, strict=True):
        assert a.shape == b.shape
        assert (a - b).abs().max() < 1e-4 * a.abs().max()
    assert share == 1.0 or expected.max_pool.std(dim=0).max() > 0.05


def test_only_filters_that_are_not_zero_are_computed(monkeypatch):
    network = with_filters_that_are_zero(share=0.8)
    blocks = [*network.timbre, *network.rhythm]
    left = sum(int((b.conv.weight.abs().amax((1, 2, 3)) > 1e-9).sum()) for b in blocks)
    widths = []
    plain = F.conv2d
    monkeypatch.setattr(F, "conv2d", lambda x, w, b: widths.append(len(w)) or plain(x, w, b))
    with torch.no_grad():
        network(torch.rand(1, 96, 187))
    assert sum(widths) == left < 150


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
    network = Musicnn().eval()
    x = torch.rand(3, 96, 100)
    with torch.inference_mode():
        together = network(x).logits
        alone = torch.cat([network(x[i : i + 1]).logits for i in range(3)])
    assert torch.allclose(together, alone, atol=1e-4)
