from __future__ import annotations

import numpy as np
import pytest

from audiorec.config import MelConfig
from audiorec.embeddings import Embeddings, unit_norm
from audiorec.exceptions import ArtifactError, ParameterError
from audiorec.models.musicnn import MEL
from audiorec.pretrained import load
from audiorec.pretrained.encoder import Windows
from audiorec.pretrained.transfer import (
    fit_head,
    load_head,
    save_head,
    store_features,
    track_features,
)


def windows(n, seed=0):
    rng = np.random.default_rng(seed)
    return Windows(*(rng.standard_normal((n, d)).astype("f4") for d in (5, 3, 3, 7, 7)))


def test_features_are_taken_over_all_windows():
    a, b = windows(4), windows(2, seed=1)
    all_of = np.concatenate([a.penultimate, b.penultimate])
    found = track_features([a, b])
    assert found.shape == (13,)
    assert np.allclose(found[:5], all_of.mean(0)) and np.allclose(found[5:10], all_of.std(0))
    assert np.allclose(found[10:], np.concatenate([a.logits, b.logits]).mean(0), atol=1e-6)
    assert track_features([a], parts=["max_pool", "mean_pool"]).shape == (14,)
    with pytest.raises(ParameterError, match="at least one clip"):
        track_features([])


@pytest.fixture
def world():
    """Taste that is linear in three of twenty features, and an artist for every five tracks."""
    rng = np.random.default_rng(0)
    ids = [f"t{n:03}" for n in range(200)]
    x = rng.standard_normal((200, 20)).astype("f4")
    y = x[:, :3] @ rng.standard_normal((3, 8)) + 0.1 * rng.standard_normal((200, 8))
    groups = {track_id: f"a{n // 5}" for n, track_id in enumerate(ids)}
    return Embeddings(ids, x), Embeddings(ids, y * 7), groups


def test_a_head_learns_directions(world):
    features, targets, groups = world
    head = fit_head(
        features.take(features.ids[:150]), targets, encoder="musicnn-msd", groups=groups
    )
    found = head.predict(features.take(features.ids[150:]))
    assert found.ids == features.ids[150:]
    assert np.allclose(np.linalg.norm(found.vectors, axis=1), 1, atol=1e-5)
    cosines = (found.vectors * unit_norm(targets.take(found.ids).vectors)).sum(1)
    assert cosines.mean() > 0.9
    mixed = Embeddings(features.ids, targets.vectors[::-1])
    wrong = fit_head(features, mixed, encoder="musicnn-msd", groups=groups).predict(features)
    assert (wrong.vectors * unit_norm(targets.vectors)).sum(1).mean() < 0.5


def test_a_head_is_kept(world, tmp_path):
    features, targets, groups = world
    head = fit_head(features, targets, encoder="musicnn-msd", groups=groups, space="abc")
    save_head(tmp_path, head, inputs={"factors": "abc"})
    again = load_head(tmp_path)
    assert (again.predict(features).vectors == head.predict(features).vectors).all()
    assert (again.encoder, again.parts, again.space) == (head.encoder, head.parts, "abc")
    with pytest.raises(ArtifactError, match="there is no head"):
        load_head(tmp_path / "none")


def test_what_does_not_fit(world):
    features, targets, groups = world
    head = fit_head(features, targets, encoder="musicnn-msd", groups=groups)
    with pytest.raises(ParameterError, match="features of 3 numbers do not fit .* takes 20"):
        head.predict(Embeddings(["a"], np.ones((1, 3))))
    others = Embeddings(["x"], np.ones((1, 8)))
    with pytest.raises(ParameterError, match="no track has both sound and listening"):
        fit_head(features, others, encoder="musicnn-msd", groups={})


class Store:
    """Two tracks, one of two clips, and one that is too short to be heard."""

    config = MEL
    ids = ("long", "short", "two")

    def mels(self, track_id):
        rng = np.random.default_rng(len(track_id))
        frames = {"long": [400], "short": [100], "two": [200, 190]}[track_id]
        return [rng.uniform(0, 4, (96, n)).astype("f2") for n in frames]


def test_a_store_is_heard_track_by_track(weights):
    encoder, store = load(device="cpu"), Store()
    found = store_features(encoder, store, n_jobs=2)
    assert found.ids == ("long", "two")
    assert found.dim == 200 + 200 + 50
    for track_id in found.ids:
        alone = track_features([encoder.hear(mel) for mel in store.mels(track_id)])
        assert np.allclose(found[track_id], alone, atol=1e-5)
    assert store_features(encoder, store, ids=["two"]).ids == ("two",)
    store.config = MelConfig()
    with pytest.raises(ParameterError, match="run 'audiorec mel' again"):
        store_features(encoder, store)
