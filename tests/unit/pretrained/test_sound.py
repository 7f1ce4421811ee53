from __future__ import annotations

import numpy as np
import pytest

from audiorec.embeddings import Embeddings, unit_norm
from audiorec.exceptions import ParameterError
from audiorec.pretrained.sound import _nearer, fit_sound_space


def world(*, n_artists=40, per_artist=5, within=3.0, seed=0):
    """Artists differ in six directions; tracks of one scatter in six others, more widely."""
    rng = np.random.default_rng(seed)
    n = n_artists * per_artist
    between = np.repeat(rng.standard_normal((n_artists, 6)), per_artist, axis=0)
    scatter = within * rng.standard_normal((n, 6))
    mixed = np.concatenate([between, scatter], axis=1) @ rng.standard_normal((12, 30))
    ids = [f"t{i:03}" for i in range(n)]
    return Embeddings(ids, mixed), {i: f"a{k // per_artist}" for k, i in enumerate(ids)}


def nearest_is_own(space, features, groups, ids):
    unit = unit_norm(space.predict(features.vectors))
    rows = features.id_map.rows(ids)
    scores = unit[rows] @ unit.T
    scores[np.arange(len(rows)), rows] = -2
    best = [features.ids[n] for n in scores.argmax(axis=1)]
    return np.mean([groups[a] == groups[b] for a, b in zip(ids, best, strict=True)])


def test_what_scatters_within_artists_is_held_back_for_unseen_ones():
    features, groups = world()
    seen = features.take(features.ids[:150])
    space = fit_sound_space(seen, groups=groups)
    assert space.uses_artists and space.n_artists == 30
    assert space.learned > space.plain + 0.02
    plain = fit_sound_space(seen, groups={})
    assert not plain.uses_artists and plain.n_artists == 0
    unseen = features.ids[150:]
    with_artists, without = (nearest_is_own(s, features, groups, unseen) for s in (space, plain))
    assert with_artists > without
    assert "used" in space.summary() and "no artist has several" in plain.summary()


def test_artists_that_say_nothing_are_left_out():
    features, groups = world()
    names = list(groups.values())
    np.random.default_rng(1).shuffle(names)
    space = fit_sound_space(features, groups=dict(zip(groups, names, strict=True)))
    assert not space.uses_artists
    assert space.plain == pytest.approx(0.5, abs=0.05)
    assert "left out" in space.summary()


def test_a_few_artists_decide_nothing():
    features, groups = world(n_artists=4)
    space = fit_sound_space(features, groups=groups)
    assert not space.uses_artists and np.isnan(space.plain)
    assert "too few" in space.summary()


def test_strong_features_do_not_drown_the_others():
    """Two groups differ in one feature; twenty copies of a common tone are louder."""
    rng = np.random.default_rng(0)
    side = np.repeat([-1.0, 1.0], 50)
    tone = rng.standard_normal(100)
    x = np.concatenate([np.tile(tone[:, None], 20), side[:, None]], axis=1)
    x += 0.05 * rng.standard_normal(x.shape)
    features = Embeddings([str(i) for i in range(100)], x)
    space = fit_sound_space(features, groups={})
    raw, placed = unit_norm((x - x.mean(0)) / x.std(0)), unit_norm(space.predict(x))
    before, after = (_nearer(unit, side, np.arange(100)).mean() for unit in (raw, placed))
    assert after > before + 0.1


def test_constant_features_and_lone_tracks():
    x = np.random.default_rng(0).standard_normal((5, 8))
    x[:, 3] = 7.0
    space = fit_sound_space(Embeddings(list("abcde"), x), groups={})
    found = space.predict(x)
    assert np.isfinite(found).all() and found.shape == (5, space.dim)
    other = x.copy()
    other[:, 3] = 9.0
    assert np.array_equal(space.predict(other), found)
    with pytest.raises(ParameterError, match="needs two tracks and there are 1"):
        fit_sound_space(Embeddings(["a"], x[:1]), groups={})
