"""What a frozen encoder gives is kept; the network here has random weights."""

from __future__ import annotations

import numpy as np
import pytest

import audiorec.models.frozen_features as features_module
from audiorec import artifacts
from audiorec.audio import MelConfig
from audiorec.exceptions import ArtifactError, EngineError, NotFoundError, ParameterError
from audiorec.models import compute_features, kept_features
from audiorec.models.encoders.musicnn import MEL
from audiorec.worker_pool import Outcome


class Store:
    """Tracks of one clip and of two; one is shorter than a window."""

    config = MEL
    fingerprint = "store"
    directory = "somewhere"

    def __init__(self, frames):
        self.frames = dict(frames)
        self.hashes = {track_id: f"hash of {track_id}" for track_id in self.frames}

    @property
    def ids(self):
        return tuple(sorted(self.frames))

    def clip_hash(self, track_id):
        return self.hashes[track_id]

    def mels(self, track_id):
        rng = np.random.default_rng(sum(map(ord, self.hashes[track_id])))
        return [rng.uniform(0, 4, (96, n)).astype("f2") for n in self.frames[track_id]]


@pytest.fixture
def encoded(offline, monkeypatch):
    """Tracks that were encoded, as they are: by VGG with random weights."""
    tracks = []
    encode = features_module.encode_clips

    def counted(encoder, clips, *, device):
        clips = list(clips)
        tracks.append(sum(clip.shape[1] for clip in clips))
        return encode(encoder, clips, device=device)

    monkeypatch.setattr(features_module, "encode_clips", counted)
    return tracks


@pytest.fixture
def store():
    return Store({"long": [400], "short": [100], "two": [200, 190]})


def test_a_row_for_every_clip_and_the_mean_for_a_track(encoded, store):
    found = compute_features(store, encoder="vgg-msd", n_jobs=2)
    assert found.ids == ("long", "short", "two")
    assert [len(found.rows(i)) for i in found.ids] == [1, 1, 2]
    np.testing.assert_allclose(found.features()["two"], found.rows("two").mean(0), rtol=1e-6)
    assert found.features(["short", "long"]).ids == ("short", "long")
    with pytest.raises(NotFoundError, match="'none' has no features of vgg-msd"):
        found.rows("none")


def test_blocks_can_be_taken_apart(encoded, store):
    found = compute_features(store, encoder="vgg-msd")
    assert sum(found.blocks.values()) == found.rows("long").shape[1]
    some = found.take(["tags", "mean"])
    assert some.blocks == {"tags": 50, "mean": 256}
    tags = some.rows("two")[:, :50]
    assert ((tags > 0) & (tags < 1)).all()
    start = found.blocks["mean"] + found.blocks["std"] + found.blocks["logits"]
    np.testing.assert_array_equal(tags, found.rows("two")[:, start : start + 50])
    assert found.take(None) is found


def test_what_was_encoded_is_kept(encoded, store, tmp_path):
    first = compute_features(store, encoder="vgg-msd", directory=tmp_path)
    assert len(encoded) == 3
    again = compute_features(store, encoder="vgg-msd", directory=tmp_path)
    assert len(encoded) == 3
    assert again.blocks == first.blocks
    for track_id in store.ids:
        np.testing.assert_array_equal(again.rows(track_id), first.rows(track_id))


def test_only_what_is_new_or_sounds_otherwise_is_encoded(encoded, store, tmp_path):
    compute_features(store, encoder="vgg-msd", directory=tmp_path)
    encoded.clear()
    store.frames["new"] = [600]
    store.hashes["new"] = "new"
    store.hashes["long"] = "another sound"
    found = compute_features(store, encoder="vgg-msd", directory=tmp_path)
    assert sorted(encoded) == [400, 600]
    expected = compute_features(store, encoder="vgg-msd")
    np.testing.assert_array_equal(found.rows("long"), expected.rows("long"))
    del store.frames["two"]
    assert "two" not in compute_features(store, encoder="vgg-msd", directory=tmp_path).ids


def test_a_run_that_was_killed_goes_on(encoded, tmp_path, monkeypatch):
    monkeypatch.setattr(features_module, "CHUNK", 2)
    store = Store({f"t{n}": [187 + n] for n in range(5)})
    encode = features_module.encode_clips

    def killed(encoder, clips, *, device):
        if len(encoded) == 3:
            raise KeyboardInterrupt
        return encode(encoder, clips, device=device)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(features_module, "encode_clips", killed)
        compute_features(store, encoder="vgg-msd", directory=tmp_path, n_jobs=1)
    encoded.clear()
    found = compute_features(store, encoder="vgg-msd", directory=tmp_path, n_jobs=1)
    assert len(found.ids) == 5
    assert sorted(encoded) == [189, 190, 191]


def test_damage_and_another_encoder_start_anew(encoded, store, tmp_path):
    compute_features(store, encoder="vgg-msd", directory=tmp_path)
    file = next(tmp_path.glob("rows-*"))
    content = bytearray(file.read_bytes())
    content[-5] ^= 255
    file.write_bytes(content)
    compute_features(store, encoder="vgg-msd", directory=tmp_path)
    compute_features(store, encoder="vgg-mtt", directory=tmp_path)
    assert len(encoded) == 9


def test_features_of_an_encoder_that_had_another_name_are_kept(store, tmp_path, monkeypatch):
    sounds = {i: store.clip_hash(i) for i in store.ids}
    made = compute_features(store, encoder="spectrogram-statistics", directory=tmp_path)
    kept = artifacts.load_manifest(tmp_path, kind="features")
    artifacts.commit(
        tmp_path, kind="features", files=kept.files, inputs=kept.inputs, extra=kept.extra,
        config=kept.config | {"encoder": "descriptors"},
    )  # fmt: skip
    assert kept_features(tmp_path, encoder="spectrogram-statistics", sounds=sounds).ids == made.ids
    monkeypatch.setattr(features_module, "_encode", lambda *_, **__: pytest.fail("they are kept"))
    again = compute_features(store, encoder="spectrogram-statistics", directory=tmp_path)
    np.testing.assert_array_equal(again.features(made.ids).vectors, made.features(made.ids).vectors)


def test_kept_features_encode_nothing(encoded, store, tmp_path):
    sounds = {i: store.clip_hash(i) for i in store.ids}
    assert kept_features(tmp_path, encoder="vgg-msd", sounds=sounds).ids == ()
    compute_features(store, encoder="vgg-msd", directory=tmp_path)
    found = kept_features(tmp_path, encoder="vgg-msd", sounds=sounds | {"long": "other"})
    assert found.ids == ("short", "two")
    assert kept_features(tmp_path, encoder="musicnn", sounds=sounds).ids == ()
    assert len(encoded) == 3


def test_other_spectrograms_and_missing_weights_are_refused(offline, store, monkeypatch, tmp_path):
    store.config = MelConfig()
    with pytest.raises(ParameterError, match="run 'audiorec mel' again"):
        compute_features(store, encoder="vgg-msd")


def test_weights_that_are_not_in_the_cache(store, monkeypatch, tmp_path):
    monkeypatch.setenv("AUDIOREC_CACHE", str(tmp_path))
    with pytest.raises(ArtifactError, match="vgg-msd is not in the cache; run 'audiorec pretr"):
        compute_features(store, encoder="vgg-msd")


def test_other_processes_give_the_same(encoded, monkeypatch):
    store = Store({"a": [400], "b": [200, 600], "c": [90]})
    expected = compute_features(store, encoder="vgg-msd")

    def elsewhere(engine, function, items, *, n_jobs):
        assert (engine, n_jobs) == ("ray", 2)
        return (Outcome(item, function(item), None) for item in items)

    monkeypatch.setattr(features_module, "run_on", elsewhere)
    monkeypatch.setattr(features_module, "opened_store", {"somewhere": store}.__getitem__)
    features_module._opened_encoder.cache_clear()
    found = compute_features(store, encoder="vgg-msd", n_jobs=2, engine="ray")
    assert found.ids == expected.ids
    assert found.blocks == expected.blocks
    for track_id in expected.ids:
        np.testing.assert_array_equal(found.rows(track_id), expected.rows(track_id))

    def lost(engine, function, items, *, n_jobs):
        return (Outcome(item, None, "no network in the cache") for item in items)

    monkeypatch.setattr(features_module, "run_on", lost)
    with pytest.raises(EngineError, match="track 'a' was not encoded: no network in the cache"):
        compute_features(store, encoder="vgg-msd", engine="ray")
