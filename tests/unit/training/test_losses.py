"""Losses and mixup against the sums that they stand for."""

import math

import numpy as np
import pytest
import torch

from audiorec.models import ContentNetwork, ModelConfig, build_head
from audiorec.models.content_model import no_scale
from audiorec.training.contrastive import TEMPERATURE, contrastive
from audiorec.training.losses import LOSSES, Towers, cosine, mse
from audiorec.training.mixup import mixup


@pytest.fixture
def pair():
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(6, 4, generator=generator) for _ in range(2)]


def head_alone(kind="ridge"):
    """A network that takes three features and gives four outputs."""
    torch.manual_seed(0)
    config = ModelConfig(encoder="spectrogram-statistics", head=kind, hidden=8)
    return ContentNetwork(config, None, build_head(config, 3, 4), scale=no_scale(4))


def test_by_hand(pair):
    p, t = (x.numpy().astype("f8") for x in pair)
    assert float(mse(*pair)) == pytest.approx(((p - t) ** 2).sum(1).mean(), rel=1e-5)
    unit_p, unit_t = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (p, t))
    assert float(cosine(*pair)) == pytest.approx(1 - (unit_p * unit_t).sum(1).mean(), rel=1e-5)
    scores = unit_p @ unit_t.T / TEMPERATURE
    rows = -np.log(np.exp(np.diag(scores)) / np.exp(scores).sum(1)).mean()
    columns = -np.log(np.exp(np.diag(scores)) / np.exp(scores).sum(0)).mean()
    assert float(contrastive(*pair)) == pytest.approx((rows + columns) / 2, rel=1e-4)


@pytest.mark.parametrize("name", LOSSES)
def test_the_truth_is_best_and_length_counts_only_where_it_is_learned(pair, name):
    p, t = pair
    loss = LOSSES[name]
    assert loss.function(t, t) < loss.function(p, t)
    alike = torch.isclose(loss.function(3 * p, t), loss.function(p, t), rtol=1e-4)
    assert bool(alike) == (loss.norm == "unit")


def test_contrastive_tells_tracks_apart_and_mse_does_not():
    targets = torch.eye(4)
    same = torch.full((4, 4), 0.25)
    assert float(contrastive(same, targets)) == pytest.approx(math.log(4), rel=1e-4)
    assert float(contrastive(targets, targets)) < 0.01


def test_mixup_blends_sound_and_target_alike_and_keeps_the_larger_part():
    inputs = torch.arange(40.0).reshape(8, 1, 5) * torch.ones(8, 3, 1)
    targets = inputs[:, 0, :2].clone()
    torch.manual_seed(0)
    mixed, blended = mixup(inputs, targets, alpha=1.0)
    assert mixed.shape == inputs.shape
    torch.testing.assert_close(mixed[:, 0, :2], blended)
    assert not torch.equal(mixed, inputs)
    # Of eight examples 5 apart, the own one counts at least half.
    own = inputs[:, 0, 0]
    assert ((mixed[:, 0, 0] - own).abs() <= 0.5 * 35).all()
    torch.manual_seed(0)
    assert torch.equal(mixup(inputs, targets, alpha=1.0)[0], mixed)


def test_the_second_tower_begins_as_the_factors_themselves(pair):
    network = head_alone()
    towers = Towers(network, loss="contrastive", dim=4)
    inputs, targets = torch.ones(6, 3), pair[1]
    with torch.no_grad():
        torch.testing.assert_close(towers(inputs, targets), contrastive(network(inputs), targets))


@pytest.mark.parametrize("head", ["ridge", "mlp"])
def test_what_is_served_ranks_listeners_as_the_shared_space_does(pair, head):
    network = head_alone(head)
    towers = Towers(network, loss="contrastive", dim=4).eval()
    with torch.no_grad():
        towers.alignment.change.copy_(torch.randn(4, 4, generator=torch.Generator().manual_seed(1)))
        before = network(pair[0][:, :3])
        served = towers.served()(pair[0][:, :3])
        listeners = pair[1]
        in_shared_space = (listeners @ towers.alignment.matrix.T) @ before.T
    torch.testing.assert_close(listeners @ served.T, in_shared_space)
    torch.testing.assert_close(network(pair[0][:, :3]), before)  # what goes on being trained


def test_the_second_tower_and_the_temperature_are_learned_beside_the_network():
    generator = torch.Generator().manual_seed(0)
    inputs, targets = (torch.randn(16, n, generator=generator) for n in (3, 4))
    towers = Towers(head_alone(), loss="contrastive", dim=4)
    optimizer = torch.optim.Adam(towers.parameters(), lr=0.05)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = towers(inputs, targets)
        loss.backward()
        optimizer.step()
        losses.append(float(loss))
    assert losses[-1] < losses[0] - 0.5
    assert float(towers.alignment.change.detach().abs().max()) > 0.1
    assert float(towers.alignment.temperature) != pytest.approx(TEMPERATURE, rel=0.05)
    assert Towers(head_alone(), loss="cosine", dim=4).alignment is None
