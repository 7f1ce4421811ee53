"""Crops per second that training sees, on this machine: `pytest -m benchmark -s`."""

import numpy as np
import pytest

from audiorec.config import MelConfig, ModelConfig, TrainConfig
from audiorec.embeddings import Embeddings

N_TRACKS = 640
FLOOR = 40  # crops per second; half of what one busy core gives


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
@pytest.mark.parametrize("seconds", [3.0, 10.0])
def test_small1d_sees_enough_crops_per_second(seconds):
    from audiorec.training import train

    store = NoiseStore()
    targets = Embeddings(store.ids, np.random.default_rng(1).normal(size=(N_TRACKS, 48)))
    result = train(
        store,
        targets,
        groups={},
        model=ModelConfig(),
        config=TrainConfig(max_epochs=4, crop_seconds=seconds),
    )
    rate = float(np.median([row.clips_per_second for row in result.history[1:]]))
    print(
        f"\n{rate:.0f} crops of {seconds:.0f} s per second, "
        f"{1600 / rate:.1f} s per epoch of 1,600 tracks"
    )
    assert rate > FLOOR
