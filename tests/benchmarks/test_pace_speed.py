"""A training step in each precision and layout, beside the plain one: `pytest -m benchmark -s`."""

from __future__ import annotations

import pytest
import torch
from benching import contest

from audiorec.models.config import ModelConfig
from audiorec.models.networks import build_network
from audiorec.training.pace import Pace, stepper

FRAMES = 431  # 10 s


@pytest.mark.benchmark
@pytest.mark.parametrize(
    ("architecture", "channels", "batch"), [("small1d", 128, 32), ("shortchunk", 16, 8)]
)
def test_what_half_precision_and_layout_gain(architecture, channels, batch):
    torch.manual_seed(0)
    model = ModelConfig(architecture=architecture, channels=channels)
    network = build_network(model, n_mels=128, n_outputs=48)
    mel = torch.randn(batch, 128, FRAMES)
    paces = {
        f"{precision}, {layout}": Pace(precision, layout)
        for precision in ("bf16-mixed", "32-true")
        for layout in ("channels-last", "plain")
    }
    device = torch.device("cpu")
    contest(
        f"pace-{architecture}",
        f"A step of {batch} crops of 10 s through {architecture} of {channels} filters, on the CPU",
        {name: stepper(network, mel, pace=pace, device=device) for name, pace in paces.items()},
        amount=batch,
        unit="crops",
        rounds=5,
    )
