"""A planted world: each track hums in some bands, and its factors say which."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
import torch

from audiorec.audio import MelConfig
from audiorec.embeddings import Embeddings
from audiorec.models import ModelConfig, TrainConfig


@dataclass
class FakeStore:
    """What training uses of a mel store, in memory."""

    mels_by_id: dict[str, list[np.ndarray]]
    config: MelConfig
    fingerprint: str = "fake"
    ids: tuple[str, ...] = field(init=False)

    def __post_init__(self):
        self.ids = tuple(self.mels_by_id)

    def mels(self, track_id):
        return self.mels_by_id[track_id]

    def clip_hash(self, track_id):
        return f"hash of {track_id}"


MEL = MelConfig(sr=8000, n_fft=512, hop_length=400, n_mels=16, clip_seconds=3.0)
MODEL = ModelConfig(encoder="cnn", channels=16, hidden=32, dropout=0.1)
TRAIN = TrainConfig(crop_seconds=1.5, batch_size=16, max_epochs=3, mixup=0.3, device="cpu")


@dataclass
class World:
    store: FakeStore
    targets: Embeddings
    artists: dict[str, str]
    mel: MelConfig = MEL
    model: ModelConfig = MODEL
    train: TrainConfig = TRAIN

    def arguments(self, **changes):
        config = self.train.model_copy(update=changes)
        return {"artists": self.artists, "model": self.model, "config": config}


def make_world(n_tracks=80, n_artists=20, n_factors=4, seed=0):
    """Tracks whose factors are the loudness of four groups of four bands, seen through noise."""
    rng = np.random.default_rng(seed)
    loud = rng.normal(size=(n_tracks, n_factors)).astype(np.float32)
    mels = {}
    for row in range(n_tracks):
        n_frames = MEL.n_frames if row % 5 else 17 + row % 7  # a fifth are shorter than a crop
        noise = rng.normal(size=(MEL.n_mels, n_frames))
        mels[f"t{row:03d}"] = [(-40 + 5 * (np.repeat(loud[row], 4)[:, None] + noise)).astype("f2")]
    ids = list(mels)
    artists = {track_id: f"artist {row % n_artists}" for row, track_id in enumerate(ids)}
    return World(FakeStore(mels, MEL), Embeddings(ids, loud), artists)


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    """Networks as small as these are slower on two threads, and far slower on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def world():
    return make_world()


@pytest.fixture(scope="session")
def planted():
    """A larger world of the same kind."""
    return make_world(n_tracks=240, n_artists=60, seed=1)


@pytest.fixture(scope="session")
def fresh():
    """New tracks in the same space."""
    return make_world(n_tracks=60, n_artists=15, seed=2)
