"""From cold to warm and who comes up at all, on the planted world."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from audiorec.data.config import EvaluateConfig
from audiorec.embeddings import Embeddings, unit_norm
from audiorec.evaluate import Report, evaluate_reach, evaluate_thin
from audiorec.evaluate.answers import Answer, Vectors
from audiorec.evaluate.material import gather
from audiorec.evaluate.placed import Sound, from_sound
from audiorec.evaluate.protocol import cells, prepare
from audiorec.evaluate.reach import HIDDEN, SETTINGS, Setting, hide
from audiorec.evaluate.systems import RIDGE, SYSTEMS
from audiorec.evaluate.thin import (
    PLAYS,
    SPACES,
    _first,
    _half_a,
    _ranks,
    score_thinned,
    summarise,
)
from audiorec.exceptions import ParameterError
from audiorec.factors import PriorDecay, fold_in_tracks
from audiorec.pipeline.recipe import Recipe
from audiorec.progress import silent


@pytest.fixture(scope="module")
def recipe(planted):
    """In this world sound tells nearly everything, and plays come by the dozen."""
    factors = planted.recipe.factors.model_copy(update={"regularization": 10.0})
    evaluate = EvaluateConfig(seeds=(0, 1), test_fraction=0.25, n_bootstrap=200)
    return Recipe(factors=factors, evaluate=evaluate)


@pytest.fixture(scope="module")
def world(planted, recipe):
    material = gather(planted.store, planted.plays, planted.tracks, recipe=recipe)
    return prepare(material, next(iter(cells(material, split="artist-cold"))))


@pytest.fixture(scope="module")
def thin(planted, recipe):
    return evaluate_thin(planted.store, planted.plays, planted.tracks, recipe=recipe, system=RIDGE)[
        0
    ]


@pytest.fixture(scope="module")
def reach(planted, recipe):
    return evaluate_reach(
        planted.store, planted.plays, planted.tracks, recipe=recipe, system=RIDGE
    )[0]


def test_dislikes_alone_place_nothing_but_move_what_sound_places(world):
    """Half A dislikes every held-out track, as in a catalogue that nobody wants."""
    plays = world.material.plays.with_columns(-pl.col("plays").abs())
    sour = replace(world, material=replace(world.material, plays=plays))
    full = _half_a(sour)
    assert full.user_items.nnz and full.user_items.max() <= 0
    assert full.tracks.ids == world.cold
    sound = from_sound(world, RIDGE, work_directory=None, progress=silent)
    how = {"config": world.factors_config, "among": world.folding}
    assert not fold_in_tracks(world.factors, full, **how).vectors.any()
    both = fold_in_tracks(world.factors, full, prior=sound.tracks, decay=PriorDecay(7), **how)
    against = world.factors.users.take(full.users.ids)
    met = full.user_items.toarray() < 0
    moved = against.vectors @ (both.vectors - sound.tracks.vectors).T
    assert moved[met].mean() < 0
    none = _half_a(replace(world, material=replace(world.material, plays=plays.clear())))
    assert none.user_items.nnz == 0 and none.tracks.ids == world.cold


def agreement(world, sound):
    """Mean cosine of the predictions and of what all listeners of half A say."""
    truth = fold_in_tracks(world.factors, _half_a(world), config=world.factors_config)
    return float((unit_norm(truth.vectors) * unit_norm(sound.vectors)).sum(axis=1).mean())


@pytest.mark.parametrize("noise", [0.0, 0.3, 1.0, 20.0])
def test_the_blend_is_never_worse_than_the_better_of_the_two(world, noise):
    """However much sound tells: noise is added to where it places the tracks."""
    heard = from_sound(world, RIDGE, work_directory=None, progress=silent).tracks
    drawn = unit_norm(np.random.default_rng(0).standard_normal(heard.vectors.shape))
    length = np.linalg.norm(heard.vectors, axis=1, keepdims=True)
    blurred = unit_norm(heard.vectors / length + noise * drawn) * length
    sound = Sound(Embeddings(heard.ids, blurred), agreement(world, Embeddings(heard.ids, blurred)))
    for row in summarise([score_thinned(world, sound)], n_resamples=200):
        ends = row.intervals["inner product"]
        assert ends.low <= row.gain["inner product"] <= ends.high
        assert ends.high >= 0, (row.plays, row.values)
        pair = row.values["inner product"]
        assert row.better["inner product"] == max(("content", "listening"), key=pair.get)


def test_content_knows_no_plays_and_listening_none_at_first(thin):
    assert [row.plays for row in thin.rows] == [*PLAYS]
    scored = {space: [row.values["inner product"][space] for row in thin.rows] for space in SPACES}
    assert len(set(scored["content"])) == 1
    assert scored["blend"][0] == scored["content"][0]
    assert scored["listening"][0] < scored["listening"][1] < scored["listening"][-1]
    assert scored["blend"][3] > scored["listening"][3]


def test_plays_come_back_by_listeners_of_half_a_and_stay(world):
    full = _half_a(world)
    assert set(full.users) <= set(world.folding)
    assert full.tracks.ids == world.cold
    order = _ranks(full, rng=np.random.default_rng(0))
    before = _first(full, order, 0).user_items
    assert before.nnz == 0
    for n in (1, 2, 5, 50):
        now = _first(full, order, n).user_items
        of_each = np.diff(now.tocsc().indptr)
        assert np.array_equal(of_each, np.minimum(np.diff(full.user_items.tocsc().indptr), n))
        assert (now - before).min() >= 0 and now.multiply(full.user_items).nnz == now.nnz
        before = now


def test_reports_are_plain_json_and_tables(thin, reach):
    report = Report((thin, reach))
    json.dumps(report.to_json(), allow_nan=False)
    text = report.to_text()
    assert "plays, by inner product" in text and "listeners, reach, +0.0" in text
    assert text.count("\n") == len(text.splitlines()) - 1


def test_sound_is_placed_as_long_as_factors_and_kept(world, tmp_path):
    made = from_sound(world, RIDGE, work_directory=tmp_path, progress=silent).tracks
    assert made.ids == world.cold
    mean = np.linalg.norm(world.targets.vectors, axis=1).mean()
    assert np.allclose(np.linalg.norm(made.vectors, axis=1), mean, rtol=1e-4)
    kept = from_sound(world, RIDGE, work_directory=tmp_path, progress=silent)
    assert np.array_equal(made.vectors, kept.tracks.vectors)
    assert kept.earlier > 0
    with pytest.raises(ParameterError, match="'random' does not place tracks; choose from"):
        from_sound(world, "random", work_directory=None, progress=silent)


def test_a_network_is_placed_as_long_as_an_index_serves_it(world, monkeypatch):
    said = np.random.default_rng(0).normal(size=(len(world.cold), world.targets.dim))
    answer = Answer([Vectors(said.astype("f4"))], scale=2.5)
    network = replace(SYSTEMS["cnn"], answer=lambda world, desk: answer)
    monkeypatch.setitem(SYSTEMS, "cnn", network)
    made = from_sound(world, "cnn", work_directory=None, progress=silent).tracks
    np.testing.assert_allclose(made.vectors, 2.5 * said, rtol=1e-5)


def test_hidden_plays_are_of_training_tracks_alone(planted, recipe):
    material = gather(planted.store, planted.plays, planted.tracks, recipe=recipe)
    cell = next(iter(cells(material, split="artist-cold")))
    held_out = sorted(prepare(material, cell).held_out)
    left = hide(material, cell).plays
    assert len(left) < len(material.plays)
    gone = material.plays.join(left, on=["user_id", "track_id"], how="anti")
    assert not gone["track_id"].is_in(held_out).any()
    n_training = (~material.plays["track_id"].is_in(held_out)).sum()
    assert len(gone) == pytest.approx(HIDDEN * n_training, rel=0.1)


def test_reach_and_accuracy_of_every_setting(reach):
    rows = {row.setting: row for row in reach.rows}
    assert tuple(rows) == SETTINGS
    for asked_by in ("listeners", "tracks"):
        plain = rows[Setting(asked_by, "none", 0.0)]
        assert plain.change == {"cold": 0.0, "mixed": 0.0}
        lifted = rows[Setting(asked_by, "reach", 0.0)]
        assert lifted.figures["never"] <= 0.01
        assert lifted.figures["never"] <= plain.figures["never"]
        assert lifted.change["mixed"] > -0.02
        assert rows[Setting(asked_by, "csls", 0.0)].figures["never"] <= plain.figures["never"]
    dialled = [rows[Setting("listeners", "none", p)].figures for p in (-1.0, 0.0, 1.0)]
    bits = [figures["self-information"] for figures in dialled]
    assert bits == sorted(bits, reverse=True)
