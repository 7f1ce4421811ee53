from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from audiorec.models.musicnn import NETWORKS, Loudest, Musicnn


def twin(block, x):
    """Place by place: the filter against a patch, ReLU, normalisation; then the loudest place."""
    bands, frames = block.conv.kernel_size
    x = F.pad(x, block.pad)
    places = []
    for place in range(x.shape[2] - bands + 1):
        patches = x[:, 0, place : place + bands].unfold(2, frames, 1)  # batch, bands, time, frames
        y = torch.einsum("bjtk,fjk->bft", patches, block.conv.weight[:, 0])
        y = F.relu(y + block.conv.bias[:, None])
        places.append(y * block.norm.scale[:, None] + block.norm.shift[:, None])
    return torch.stack(places).amax(dim=0)


SHAPES = [(38, 7, 12), (67, 7, 12), (5, 3, 4), (1, 128, 6), (1, 64, 6), (1, 31, 3), (96, 1, 2)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("n_frames", [187, 20])
def test_the_fast_way_and_the_plain_one_and_the_twin_agree(shape, n_frames):
    torch.manual_seed(0)
    block = Loudest(*shape)
    block.norm.scale.copy_(torch.randn(shape[2]))  # some turn the order around
    block.norm.shift.copy_(torch.randn(shape[2]))
    x = torch.rand(3, 1, 96, n_frames) * 4
    with torch.inference_mode():
        plain, expected = block(x), twin(block, x)
        block.hasten(96)
        fast = block(x)
    assert plain.shape == fast.shape == (3, shape[2], n_frames)
    assert torch.allclose(plain, expected, atol=1e-4)
    assert torch.allclose(fast, expected, atol=1e-4)
    assert expected.std() > 0.05


@pytest.mark.parametrize("n_mels", [40, 41])
def test_any_number_of_bands(n_mels):
    torch.manual_seed(0)
    block = Loudest(17, 3, 5)
    x = torch.rand(2, 1, n_mels, 30)
    with torch.inference_mode():
        plain = block(x)
        block.hasten(n_mels)
        assert torch.allclose(block(x), plain, atol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_shapes(name):
    network = NETWORKS[name](n_tags=7).eval()
    with torch.inference_mode():
        heard = network(torch.rand(2, 96, 187))
    assert heard.logits.shape == (2, 7)
    assert heard.penultimate.shape == (2, network.d)
    assert heard.mean_pool.shape == heard.max_pool.shape == (2, 753 if name == "musicnn" else 128)


def test_musicnn_takes_other_lengths_and_batches_of_one():
    network = Musicnn().eval()
    network.hasten()
    x = torch.rand(3, 96, 100)
    with torch.inference_mode():
        together = network(x).logits
        alone = torch.cat([network(x[i : i + 1]).logits for i in range(3)])
    assert torch.allclose(together, alone, atol=1e-4)
