"""Networks that begin where others have trained."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from audiorec.models.config import ModelConfig
from audiorec.models.musicnn import Musicnn
from audiorec.models.networks import build_network, min_frames
from audiorec.models.transferred import Finetuned


def published():
    """Weights as they could have been published."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Musicnn().eval()


def test_a_dense_head_looks_at_the_mean_of_its_windows():
    config = ModelConfig(encoder="musicnn", head="dense", hidden=8)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build_network(config, n_mels=6, n_outputs=3).eval()
        x = torch.randn(2, 6, 5)
    assert min_frames(config) == 1
    with torch.inference_mode():
        assert torch.allclose(network(x), network(x.mean(dim=2, keepdim=True)), atol=1e-6)
        assert network(x).shape == (2, 3)


@pytest.mark.parametrize(("finetune", "learning"), [(1, 2), (3, 4), (5, 9)])
def test_the_last_layers_learn_and_the_others_stay(finetune, learning):
    """One to four are the dense layer and the middle, five the five kinds of front filters too."""
    network = build_network(
        ModelConfig(encoder="musicnn", finetune=finetune), n_mels=96, n_outputs=3
    )
    names = {n.rsplit(".", 1)[0] for n, p in network.named_parameters() if p.requires_grad}
    assert "musicnn.output" in names and "musicnn.dense" in names
    assert not any("norm" in name for name in names)
    layers = {name.removesuffix(".conv") for name in names}
    assert len(layers) == (learning if finetune < 5 else 1 + 1 + 3 + 5)


def test_it_begins_as_the_regression_on_what_was_published():
    network = Finetuned(ModelConfig(encoder="musicnn", finetune=1), 3).eval()
    original = published()
    rng = np.random.default_rng(0)
    weights, intercept = rng.standard_normal((200, 3)), rng.standard_normal(3)
    network.begin(original.state_dict(), weights=weights, intercept=intercept)
    mel = torch.from_numpy(rng.uniform(0, 4, (2, 96, 187)).astype("f4"))
    with torch.inference_mode():
        units = original(mel).penultimate.numpy()
        assert np.allclose(network(mel).numpy(), units @ weights + intercept, atol=1e-3)
