"""What a network heard is kept; the network here has random weights, and listens all the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import audiorec.pretrained.encoder as encoder_module
import audiorec.pretrained.heard as heard_module
from audiorec.audio.config import MelConfig
from audiorec.exceptions import EngineError, NotFoundError, ParameterError
from audiorec.models.musicnn import MEL, Vgg
from audiorec.pretrained.encoder import TagEncoder
from audiorec.pretrained.heard import as_rows, hear_store, track_features
from audiorec.pretrained.registry import find
from audiorec.workers import Outcome


class Store:
    """Tracks of one clip and of two; one is shorter than a window."""

    config = MEL
    fingerprint = "store"

    def __init__(self, frames):
        self.frames = dict(frames)
        self.hashes = {track_id: f"hash of {track_id}" for track_id in self.frames}

    @property
    def ids(self):
        return tuple(sorted(self.frames))

    def n_clips(self, track_id):
        return len(self.frames[track_id])

    def clip_hash(self, track_id):
        return self.hashes[track_id]

    def mels(self, track_id):
        rng = np.random.default_rng(sum(map(ord, self.hashes[track_id])))
        return [rng.uniform(0, 4, (96, n)).astype("f2") for n in self.frames[track_id]]


@pytest.fixture
def network(monkeypatch):
    """VGG with random weights in place of the published ones, and how often it was loaded."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        one = TagEncoder(find("vgg-msd"), Vgg(), device="cpu")
    loads = []

    def load(name, *, device="auto"):
        loads.append(name)
        return one

    monkeypatch.setattr(encoder_module, "load", load)
    one.loads = loads
    return one


@pytest.fixture
def store():
    return Store({"long": [400], "short": [100], "two": [200, 190]})


def test_every_track_is_heard_the_short_one_repeated(network, store):
    heard = hear_store(store, encoder="vgg-msd", n_jobs=2)
    assert heard.ids == ("long", "short", "two")
    assert [len(heard.windows(i)) for i in heard.ids] == [2, 1, 2]
    for track_id in ("long", "two"):
        alone = np.concatenate([as_rows(network.hear(m)) for m in store.mels(track_id)])
        assert np.allclose(heard.windows(track_id), alone, atol=1e-5)
    mel = store.mels("short")[0]
    repeated = np.concatenate([mel, mel[:, :87]], axis=1)
    assert np.allclose(heard.windows("short"), as_rows(network.hear(repeated)), atol=1e-5)
    with pytest.raises(NotFoundError, match="'none' was not heard by vgg-msd"):
        heard.windows("none")


def test_features_are_taken_over_all_windows(network, store):
    heard = hear_store(store, encoder="vgg-msd")
    clips = [network.hear(mel) for mel in store.mels("two")]
    units = np.concatenate([clip.penultimate for clip in clips])
    logits = np.concatenate([clip.logits for clip in clips])
    found = heard.features(["two"])["two"]
    expected = np.concatenate([units.mean(0), units.std(0), logits.mean(0)])
    assert np.allclose(found, expected, atol=1e-4)
    pooled = heard.features(["two"], parts=["mean_pool"])["two"]
    assert np.allclose(pooled, np.mean([c.mean_pool.mean(0) for c in clips], axis=0), atol=1e-4)
    with pytest.raises(ParameterError, match="at least one window"):
        track_features(np.empty((0, 5)), widths=(3, 1, 1))


def test_what_was_heard_is_kept(network, store, tmp_path):
    first = hear_store(store, encoder="vgg-msd", directory=tmp_path)
    again = hear_store(store, encoder="vgg-msd", directory=tmp_path)
    assert len(network.loads) == 1
    assert again.widths == first.widths
    for track_id in store.ids:
        assert np.array_equal(again.windows(track_id), first.windows(track_id))


def test_only_what_is_new_or_sounds_otherwise_is_heard(network, store, tmp_path, monkeypatch):
    hear_store(store, encoder="vgg-msd", directory=tmp_path)
    heard_now = []
    hear_all = TagEncoder.hear_all

    def counted(self, mels, *, n_jobs=None):
        for windows in hear_all(self, mels, n_jobs=n_jobs):
            heard_now.append(len(windows.tags))
            yield windows

    monkeypatch.setattr(TagEncoder, "hear_all", counted)
    store.frames["new"] = [600]
    store.hashes["new"] = "new"
    store.hashes["long"] = "another sound"
    found = hear_store(store, encoder="vgg-msd", directory=tmp_path)
    assert sorted(heard_now) == [2, 3]
    fresh = np.concatenate([as_rows(network.hear(m)) for m in store.mels("long")])
    assert np.allclose(found.windows("long"), fresh, atol=1e-5)
    del store.frames["two"]
    assert "two" not in hear_store(store, encoder="vgg-msd", directory=tmp_path)


def test_a_run_that_was_killed_goes_on(network, tmp_path, monkeypatch):
    monkeypatch.setattr("audiorec.pretrained.heard.CHUNK", 2)
    store = Store({f"t{n}": [187] for n in range(5)})
    hear = TagEncoder.hear
    count = []

    def killed(self, mel):
        count.append(1)
        if len(count) > 3:
            raise KeyboardInterrupt
        return hear(self, mel)

    monkeypatch.setattr(TagEncoder, "hear", killed)
    with pytest.raises(KeyboardInterrupt):
        hear_store(store, encoder="vgg-msd", directory=tmp_path, n_jobs=1)
    count[:] = [0] * -100
    again = []
    monkeypatch.setattr(TagEncoder, "hear", lambda self, mel: again.append(1) or hear(self, mel))
    assert len(hear_store(store, encoder="vgg-msd", directory=tmp_path, n_jobs=1)) == 5
    assert len(again) == 3


def test_other_spectrograms_are_refused_and_another_network_starts_anew(network, store, tmp_path):
    hear_store(store, encoder="vgg-msd", directory=tmp_path)
    hear_store(store, encoder="vgg-mtt", directory=tmp_path)
    assert network.loads == ["vgg-msd", "vgg-mtt"]
    store.config = MelConfig()
    with pytest.raises(ParameterError, match="run 'audiorec mel' again"):
        hear_store(store, encoder="vgg-msd", directory=tmp_path)


def test_other_processes_hear_the_same(network, monkeypatch):
    store = Store({"a": [400], "b": [200, 600], "c": [90]})
    expected = hear_store(store, encoder="vgg-msd")

    def elsewhere(engine, function, items, *, n_jobs):
        assert (engine, n_jobs) == ("ray", 2)
        return (Outcome(item, function(item), None) for item in items)

    store.directory = "somewhere"
    monkeypatch.setattr(heard_module, "run_on", elsewhere)
    monkeypatch.setattr(heard_module, "opened_store", {"somewhere": store}.__getitem__)
    heard_module._opened_network.cache_clear()
    found = hear_store(store, encoder="vgg-msd", n_jobs=2, engine="ray")
    assert found.ids == expected.ids and found.widths == expected.widths
    for track_id in expected.ids:
        np.testing.assert_array_equal(found.windows(track_id), expected.windows(track_id))

    def lost(engine, function, items, *, n_jobs):
        return (Outcome(item, None, "no network in the cache") for item in items)

    monkeypatch.setattr(heard_module, "run_on", lost)
    with pytest.raises(EngineError, match="track 'a' was not heard: no network in the cache"):
        hear_store(store, encoder="vgg-msd", engine="ray")
