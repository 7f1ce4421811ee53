"""Models of every kind with random weights, and clips for them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from audiorec.audio import MelConfig
from audiorec.models import (
    MUSICNN_MEL,
    ContentModel,
    InputScale,
    ModelConfig,
    TrainConfig,
    build_network,
)
from audiorec.models.content_model import no_scale

MEL = MelConfig(sr=8000, n_fft=512, hop_length=400, n_mels=16, clip_seconds=3.0)
TRAIN = TrainConfig(crop_seconds=1.5, device="cpu")


def make_model(encoder="cnn", *, n_outputs=5, **settings):
    """A model that learned nothing, of whichever encoder that needs no published weights."""
    config = ModelConfig(encoder=encoder, channels=8, hidden=8, **settings)
    mel = MelConfig(**MUSICNN_MEL) if config.pretrained else MEL
    scale = no_scale(mel.n_mels)
    if not config.pretrained:
        scale = InputScale(np.linspace(-60, -20, 16), np.linspace(5, 9, 16))
    torch.manual_seed(3)
    network = build_network(config, mel=mel, n_outputs=n_outputs, scale=scale, published=False)
    return ContentModel(
        network.eval(),
        config,
        mel,
        TRAIN,
        n_outputs=n_outputs,
        output_norm="unit",
        output_scale=1.2345678901234567,
        space="abc",
        agreement=0.4321,
    )


def make_clips(*lengths, n_mels=16, seed=0):
    """Log-mels of so many frames."""
    rng = np.random.default_rng(seed)
    return [rng.normal(-40, 10, (n_mels, n)).astype("f2") for n in lengths]


@pytest.fixture
def offline(monkeypatch):
    """Pretrained encoders with random weights, drawn alike each time, in place of the published."""
    from audiorec.models.encoders import pretrained

    def load(name="musicnn"):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return pretrained.empty_pretrained(name).eval()

    monkeypatch.setattr(pretrained, "load_pretrained", load)
    monkeypatch.setattr("audiorec.models.encoders.build.load_pretrained", load)
    return load
