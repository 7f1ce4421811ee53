"""From files of sound to embeddings through the real mel store."""

import csv

import numpy as np
import pytest
import soundfile

from audiorec.audio.config import MelConfig
from audiorec.data.catalog import Catalog
from audiorec.embeddings import Embeddings
from audiorec.exceptions import ArtifactError
from audiorec.inference import embed, embed_store
from audiorec.mel import MelStore, audio_to_mels, compute_mels
from audiorec.models.checkpoint import load_checkpoint, save_checkpoint
from audiorec.models.config import ModelConfig, TrainConfig
from audiorec.scan import scan_manifest
from audiorec.training import train

MEL = MelConfig(sr=8000, n_fft=512, hop_length=256, n_mels=32, clip_seconds=3.0)
HZ = {"low": 300, "high": 2000}


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """24 recordings, some shorter than a crop, of a low or a high tone in noise."""
    folder = tmp_path_factory.mktemp("library")
    rng = np.random.default_rng(0)
    rows, kinds = [("track_id", "path", "artist")], {}
    for n in range(24):
        kind = ("low", "high")[n % 2]
        t = np.arange(int(8000 * (1.2 if n % 6 == 0 else 4))) / 8000
        pitch = HZ[kind] * rng.uniform(0.9, 1.1)
        y = 0.3 * np.sin(2 * np.pi * pitch * t) + 0.02 * rng.standard_normal(len(t))
        soundfile.write(folder / f"{n}.wav", y, 8000)
        rows.append((f"t{n:02d}", f"{n}.wav", f"artist {n // 2 % 6} {kind}"))
        kinds[f"t{n:02d}"] = kind
    with (folder / "tracks.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    with Catalog(folder / "catalog.sqlite") as catalog:
        scan_manifest(catalog, folder / "tracks.csv", n_jobs=1)
        compute_mels(folder / "mels", catalog, config=MEL, n_jobs=1)
        groups = {track.track_id: track.artist for track in catalog.tracks()}
    vectors = [[1.0, 0.2] if kind == "low" else [-1.0, 0.2] for kind in kinds.values()]
    return folder, groups, Embeddings(tuple(kinds), np.array(vectors))


def test_from_sound_to_embeddings(library, tmp_path):
    folder, groups, targets = library
    store = MelStore(folder / "mels")
    assert len(store.ids) == 24
    result = train(
        store,
        targets,
        groups=groups,
        model=ModelConfig(architecture="small1d", channels=16, hidden=16, dropout=0.0),
        config=TrainConfig(
            crop_seconds=2.0, batch_size=8, max_epochs=12, mixup=0.3, learning_rate=3e-3
        ),
    )
    save_checkpoint(tmp_path / "model", result.checkpoint, inputs={"mels": store.fingerprint})
    checkpoint = load_checkpoint(tmp_path / "model")
    found = embed_store(checkpoint, store)
    assert (np.sign(found.vectors[:, 0]) == np.sign(targets.take(found.ids).vectors[:, 0])).all()

    outside = embed(checkpoint, [("x", audio_to_mels(folder / "3.wav", config=checkpoint.mel))])
    assert outside["x"] @ found["t03"] > 0.999

    other = store.config.model_copy(update={"hop_length": 128})
    with pytest.raises(ArtifactError, match="hop_length=256"):
        embed_store(type(checkpoint)(**{**vars(checkpoint), "mel": other}), store)
