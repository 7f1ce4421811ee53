"""A planted world without audio: spectrograms are made up, and taste is linear in their means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from audiorec.artifacts import fingerprint
from audiorec.audio import Fingerprints, MelConfig
from audiorec.audio.fingerprint import STEP_SECONDS
from audiorec.data.catalog import Track
from audiorec.embeddings import unit_norm
from audiorec.factors import FactorsConfig
from audiorec.models import ModelConfig, TrainConfig
from audiorec.pipeline import EvaluateConfig, Recipe

N_MELS, N_FRAMES, N_LATENT = 12, 40, 4


@dataclass
class FakeStore:
    """As much of a mel store as evaluation and training use."""

    spectrograms: dict[str, np.ndarray]
    config: MelConfig = field(
        default_factory=lambda: MelConfig(n_mels=N_MELS, clip_seconds=1.0, hop_length=512)
    )
    twins: Mapping[str, str] = field(default_factory=dict)

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(self.spectrograms)

    @property
    def fingerprint(self) -> str:
        return fingerprint(
            [[i, fingerprint(mel.tobytes())] for i, mel in self.spectrograms.items()]
        )

    def mels(self, track_id: str) -> list[np.ndarray]:
        return [self.spectrograms[track_id]]

    def clip_hash(self, track_id: str) -> str:
        return fingerprint(self.spectrograms[track_id].tobytes())

    def n_clips(self, track_id: str) -> int:
        return 1

    def get(self, track_id: str, clip: int = 0) -> np.ndarray:
        return self.mels(track_id)[clip]

    def fingerprints(self) -> Fingerprints:
        """Random words, but that a twin has its original's."""
        rng = np.random.default_rng(9)
        drawn = {i: rng.integers(1, 1 << 32, 64, dtype=np.uint32) for i in self.spectrograms}
        rows = np.stack([drawn[self.twins.get(i, i)] for i in self.spectrograms])
        return Fingerprints(self.ids, rows, STEP_SECONDS)


@dataclass
class Planted:
    """A small world and the recipe that it is evaluated with."""

    store: FakeStore
    plays: pl.DataFrame
    tracks: list[Track]
    recipe: Recipe


def make_planted(
    *, n_artists: int = 80, per_artist: int = 3, n_listeners: int = 400, seed: int = 0
) -> Planted:
    """Listeners play the tracks whose latent place fits theirs; some of the tracks are mute."""
    rng = np.random.default_rng(seed)
    ids = [f"a{a:02d}-{n}" for a in range(n_artists) for n in range(per_artist)]
    style = np.repeat(rng.standard_normal((n_artists, N_LATENT)), per_artist, axis=0)
    latent = style + 0.3 * rng.standard_normal((len(ids), N_LATENT))
    latent /= np.linalg.norm(latent, axis=1, keepdims=True)  # all as popular, by and large
    levels = latent @ rng.standard_normal((N_LATENT, N_MELS)) * 4 - 40
    noise = rng.standard_normal((len(ids), N_MELS, N_FRAMES))
    mels = dict(zip(ids, (levels[:, :, None] + noise).astype(np.float16), strict=True))
    mute = [f"mute-{n}" for n in range(60)]
    everywhere = np.concatenate([latent, unit_norm(rng.standard_normal((len(mute), N_LATENT)))])
    taste = rng.standard_normal((n_listeners, N_LATENT))
    liking = 2 * taste @ everywhere.T + 0.2 * rng.gumbel(size=(n_listeners, len(everywhere)))
    chosen = np.argsort(-liking, axis=1)[:, :30]
    names = np.array([*ids, *mute])
    plays = pl.DataFrame(
        {
            "user_id": [f"u{u:03d}" for u in range(n_listeners) for _ in range(30)],
            "track_id": names[chosen.ravel()].tolist(),
            "plays": rng.integers(1, 9, chosen.size).astype(float),
            "timestamp": pl.Series([None] * chosen.size, dtype=pl.Int64),
        }
    )
    genres = ["rock", "jazz", "folk"]
    loudest = style[:, :3].argmax(axis=1)
    tracks = [
        Track(i, path=f"/music/{i}.mp3", artist=i[:3].upper(), genre=genres[loudest[row]])
        for row, i in enumerate(ids)
    ]
    recipe = Recipe(
        factors=FactorsConfig(factors=8, regularization=1.0),
        model=ModelConfig(encoder="cnn", channels=16, hidden=32, dropout=0.3),
        train=TrainConfig(crop_seconds=0.8, max_epochs=12, patience=12, batch_size=16, mixup=0.3),
        evaluate=EvaluateConfig(seeds=(0, 1), test_fraction=0.25),
    )
    return Planted(FakeStore(mels), plays, tracks, recipe)
