"""The networks: shapes, what they may depend on, devices."""

import numpy as np
import pytest
import torch

from audiorec.exceptions import ParameterError
from audiorec.models.config import ModelConfig
from audiorec.models.networks import ARCHITECTURES, GlobalPooling, build_network, min_frames

DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA")),
    pytest.param(
        "mps", marks=pytest.mark.skipif(not torch.backends.mps.is_available(), reason="no MPS")
    ),
]
ALL = sorted(ARCHITECTURES)


def config(name):
    return ModelConfig(architecture=name, channels=8, hidden=16, words=16)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", ALL)
def test_shapes_of_any_length_from_the_shortest_on(name, device):
    network = build_network(config(name), n_mels=12, n_outputs=5).to(device).eval()
    for n_frames in (min_frames(config(name)), 17, 100, 1292):
        out = network(torch.randn(3, 12, n_frames, device=device))
        assert out.shape == (3, 5)
        assert out.isfinite().all()


@pytest.mark.parametrize("name", ALL)
def test_learns_on_every_weight(name):
    network = build_network(config(name), n_mels=12, n_outputs=5)
    network(torch.randn(8, 12, 64)).square().sum().backward()
    without = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert without == []


@pytest.mark.parametrize("name", ALL)
def test_every_architecture_can_be_configured(name):
    assert ModelConfig(architecture=name).architecture == name


def test_an_unknown_architecture_is_refused():
    with pytest.raises(ParameterError, match="architecture='transformer'"):
        ModelConfig(architecture="transformer")


def test_dieleman_has_the_papers_layers():
    network = build_network(
        ModelConfig(architecture="dieleman2014", channels=256, hidden=2048),
        n_mels=128,
        n_outputs=40,
    )
    convolutions = [m for m in network.modules() if isinstance(m, torch.nn.Conv1d)]
    pools = [m.kernel_size for m in network.modules() if isinstance(m, torch.nn.MaxPool1d)]
    dense = [m.out_features for m in network.modules() if isinstance(m, torch.nn.Linear)]
    assert [m.kernel_size for m in convolutions] == [(4,)] * 4
    assert convolutions[0].in_channels == 128
    assert pools == [4, 2, 2]
    assert dense == [2048, 2048, 40]


def test_global_pooling_equals_numpy():
    x = np.random.default_rng(0).normal(size=(2, 3, 7)).astype(np.float32)
    expected = np.concatenate([x.mean(2), x.max(2), np.sqrt((x**2).mean(2))], axis=1)
    np.testing.assert_allclose(GlobalPooling()(torch.from_numpy(x)), expected, atol=1e-5)
