"""Systems that hear with a pretrained network; here it hears what the world was planted with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from audiorec.audio.config import MelConfig
from audiorec.data.catalog import Catalog
from audiorec.data.config import EvaluateConfig
from audiorec.evaluate import evaluate, evaluate_labels
from audiorec.evaluate.ears import NO_EAR, Ear, head_of, listen
from audiorec.exceptions import DataError, ParameterError
from audiorec.models.config import ModelConfig
from audiorec.models.encoders.musicnn import MEL
from audiorec.models.features import FeatureStore
from audiorec.pipeline.recipe import Recipe

MUSICNN, RIDGE = "musicnn + head", "mel statistics + ridge"
BLOCKS = {"mean": 6, "std": 2, "logits": 4}


@pytest.fixture(scope="module")
def ear(planted):
    """Every band's level, of two clips on either side of it."""
    rows = {}
    for track_id in planted.store.ids:
        level = np.asarray(planted.store.mels(track_id)[0], dtype="f4").mean(axis=1)
        rows[track_id] = np.stack([level - 1, level + 1])
    return Ear(FeatureStore("musicnn-msd", MEL, rows=rows, blocks=BLOCKS))


def scored(planted, ear, *systems):
    section = EvaluateConfig(**(planted.recipe.evaluate.model_dump() | {"seeds": (0,)}))
    recipe = planted.recipe.model_copy(update={"evaluate": section})
    report = evaluate(
        planted.store, planted.plays, planted.tracks, recipe=recipe, systems=systems, ear=ear
    )
    return report.splits[0]


def test_a_head_places_unseen_artists(planted, ear):
    split = scored(planted, ear, MUSICNN)
    assert split.shares["cosine"][MUSICNN]["nDCG@50"] > 0.8
    assert any(note.startswith(f"{MUSICNN}: agreement") for note in split.notes)


def test_nobody_listens_before_it_is_known_that_tracks_can_be_held_out(planted, ear):
    def never():
        raise AssertionError("it was asked to hear")

    one = [replace(track, artist="The Only One") for track in planted.tracks]
    nobody = planted.plays.filter(pl.col("user_id") == planted.plays["user_id"][0])
    for evaluated in (evaluate, evaluate_labels):
        for plays, tracks, error in (
            (planted.plays, one, ParameterError),
            (nobody, planted.tracks, DataError),
        ):
            with pytest.raises(error):
                evaluated(planted.store, plays, tracks, recipe=planted.recipe, ear=never)
    at_once, asked = (scored(planted, given, MUSICNN) for given in (ear, lambda: ear))
    assert str(at_once.shares) == str(asked.shares)  # NaN is one of them


def test_what_says_nothing_is_chance(planted, ear):
    rng = np.random.default_rng(0)
    noise = {i: rng.standard_normal((2, 12)).astype("f4") for i in ear.heard.ids}
    deaf = Ear(FeatureStore("musicnn-msd", MEL, rows=noise, blocks=BLOCKS))
    split = scored(planted, deaf, MUSICNN)
    assert split.shares["cosine"][MUSICNN]["AUC"] == pytest.approx(0, abs=0.25)


def test_systems_without_an_ear_are_left_out(planted, ear):
    split = scored(planted, NO_EAR, MUSICNN, RIDGE)
    assert MUSICNN not in split.means["cosine"]
    assert any(note.startswith(f"{MUSICNN} is left out") for note in split.notes)
    rows = {"a00-0": ear.heard.rows("a00-0")}
    some = FeatureStore("musicnn-msd", MEL, rows=rows, blocks=BLOCKS)
    assert Ear(some).missing(("a00-0", "a00-1")) == (
        "1 of 2 tracks could not be heard by musicnn-msd"
    )


def test_the_head_is_the_recipes_where_its_encoder_is_pretrained():
    dense = ModelConfig(encoder="musicnn-mtt", head="mlp")
    assert head_of(Recipe(model=dense)) == dense
    assert head_of(Recipe()) == ModelConfig(encoder="musicnn")
    sound = ModelConfig(encoder="musicnn", target="content")
    assert head_of(Recipe(model=sound)).target == "factors"


def test_weights_that_are_not_there_are_named(planted, tmp_path, monkeypatch):
    monkeypatch.setenv("AUDIOREC_CACHE", str(tmp_path / "cache"))
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        ear = listen(catalog, planted.store, recipe=Recipe(), directory=tmp_path)
    assert ear.heard is None and "run 'audiorec pretrained fetch musicnn'" in ear.reason
    assert planted.store.config != MelConfig(**MEL.model_dump())
