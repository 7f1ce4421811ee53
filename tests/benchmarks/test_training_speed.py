"""Crops per second that training sees, beside the plain step: `pytest -m benchmark -s`."""

import numpy as np
import pytest
from benching import contest

from audiorec.audio.config import MelConfig
from audiorec.embeddings import Embeddings
from audiorec.models.config import ModelConfig, TrainConfig

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


SMALL1D = ModelConfig(architecture="small1d", channels=128, hidden=512, dropout=0.3)


@pytest.mark.benchmark
@pytest.mark.parametrize(
    ("model", "seconds"), [(SMALL1D, 3.0), (SMALL1D, 10.0), (ModelConfig(), 10.0)]
)
def test_epochs_beside_the_plain_step(model, seconds):
    from audiorec.training import train

    store = NoiseStore()
    targets = Embeddings(store.ids, np.random.default_rng(1).normal(size=(N_TRACKS, 48)))
    config = TrainConfig(max_epochs=4, crop_seconds=seconds)

    def ours():
        result = train(store, targets, groups={}, model=model, config=config)
        rate = float(np.median([row.clips_per_second for row in result.history[1:]]))
        return {"seconds": N_TRACKS / rate}

    what = model.architecture + (", one of its heads" if model.described else "")
    contest(
        f"training-{model.architecture}-{seconds:.0f}s",
        f"{N_TRACKS} crops of {seconds:.0f} s through {what}: an epoch",
        {"audiorec.training.train": ours, "the plain step": plain_step(store, model, config)},
        amount=N_TRACKS,
        unit="crops",
        rounds=3,
    )


def plain_step(store, model, config):
    """Forward, cosine loss, backward and AdamW on tensors that are ready: what nothing can beat."""
    import torch

    from audiorec.models.networks import build_network

    size = config.batch_size
    network = build_network(model, n_mels=store.config.n_mels, n_outputs=48)
    inputs = torch.randn(size, store.config.n_mels, store.config.frames(config.crop_seconds))
    if model.described:  # whose ear is asked once, before the first epoch
        inputs = torch.randn(size, network.ear.size, 1)
        network = network.heads[0]
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
    targets = torch.randn(size, 48)

    def epoch():
        for _ in range(N_TRACKS // size):
            optimizer.zero_grad()
            loss = 1 - torch.nn.functional.cosine_similarity(network(inputs), targets).mean()
            loss.backward()
            optimizer.step()

    return epoch
