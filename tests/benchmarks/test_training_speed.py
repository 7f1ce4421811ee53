"""Crops per second that training sees, beside the plain step: `pytest -m benchmark -s`."""

import numpy as np
import pytest
from benching import contest

from audiorec.audio import MelConfig
from audiorec.embeddings import Embeddings
from audiorec.models import ModelConfig, TrainConfig

N_TRACKS = 640


class NoiseStore:
    """A mel store of noise."""

    config = MelConfig()
    fingerprint = "noise"
    ids = tuple(f"t{n}" for n in range(N_TRACKS))

    def __init__(self):
        shape = (N_TRACKS, self.config.n_mels, self.config.n_frames)
        self._mels = np.random.default_rng(0).standard_normal(shape, dtype=np.float32).astype("f2")

    def mels(self, track_id):
        return [self._mels[int(track_id[1:])]]


@pytest.mark.benchmark
@pytest.mark.parametrize(("encoder", "seconds"), [("cnn", 3.0), ("cnn", 10.0)])
def test_epochs_beside_the_plain_step(encoder, seconds):
    from audiorec.training import train

    model = ModelConfig(encoder=encoder)
    store = NoiseStore()
    targets = Embeddings(store.ids, np.random.default_rng(1).normal(size=(N_TRACKS, 48)))
    config = TrainConfig(max_epochs=4, crop_seconds=seconds)

    def ours():
        result = train(store, targets, artists={}, model=model, config=config)
        rate = float(np.median([row.clips_per_second for row in result.history[1:]]))
        return {"seconds": N_TRACKS / rate}

    contest(
        f"training-{encoder}-{seconds:.0f}s",
        f"{N_TRACKS} crops of {seconds:.0f} s through {encoder}: an epoch",
        {"audiorec.training.train": ours, "the plain step": plain_step(store, model, config)},
        amount=N_TRACKS,
        unit="crops",
        rounds=3,
    )


def plain_step(store, model, config):
    """Forward, cosine loss, backward and AdamW on tensors that are ready: what nothing can beat."""
    import torch

    from audiorec.models import build_network
    from audiorec.models.content_model import no_scale

    size = config.batch_size
    scale = no_scale(store.config.n_mels)
    network = build_network(model, mel=store.config, n_outputs=48, scale=scale, published=False)
    inputs = torch.randn(size, store.config.n_mels, store.config.frames(config.crop_seconds))
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
    targets = torch.randn(size, 48)

    def epoch():
        for _ in range(N_TRACKS // size):
            optimizer.zero_grad()
            loss = 1 - torch.nn.functional.cosine_similarity(network(inputs), targets).mean()
            loss.backward()
            optimizer.step()

    return epoch
