"""Systems that hear with a pretrained network; here it hears what the world was planted with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from audiorec.audio.config import MelConfig
from audiorec.data.catalog import Catalog
from audiorec.data.config import EvaluateConfig
from audiorec.embeddings import Embeddings, unit_norm
from audiorec.evaluate import evaluate, evaluate_labels
from audiorec.evaluate.ears import NO_EAR, Ear, blended, head_of, listen
from audiorec.exceptions import DataError, ParameterError
from audiorec.models.config import ModelConfig
from audiorec.models.musicnn import MEL
from audiorec.pipeline.recipe import Recipe
from audiorec.pretrained.heard import Heard

MUSICNN, BOTH, RIDGE = "musicnn + head", "cnn + musicnn", "mel statistics + ridge"


@pytest.fixture(scope="module")
def ear(planted):
    """Every band's level, in two windows on either side of it."""
    windows = {}
    for track_id in planted.store.ids:
        level = np.asarray(planted.store.mels(track_id)[0], dtype="f4").mean(axis=1)
        windows[track_id] = np.stack([level - 1, level + 1])
    return Ear(Heard("musicnn-msd", MEL, windows=windows, widths=(8, 4, 0)))


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
    deaf = Ear(Heard("musicnn-msd", MEL, windows=noise, widths=(8, 4, 0)))
    split = scored(planted, deaf, MUSICNN)
    assert split.shares["cosine"][MUSICNN]["AUC"] == pytest.approx(0, abs=0.25)


def test_the_two_together_are_in_shares_that_training_artists_decide(planted, ear):
    rng = np.random.default_rng(0)
    noise = {i: rng.standard_normal((2, 12)).astype("f4") for i in ear.heard.ids}
    deaf = Ear(Heard("musicnn-msd", MEL, windows=noise, widths=(8, 4, 0)))
    shares = []
    for one in (ear, deaf):
        split = scored(planted, one, BOTH)
        (note,) = (n for n in split.notes if n.startswith(f"{BOTH}: share of the cnn"))
        shares.append(float(note.rstrip(".").split()[-1]))
    assert shares[0] < shares[1]


def test_systems_without_an_ear_are_left_out(planted, ear):
    split = scored(planted, NO_EAR, MUSICNN, RIDGE)
    assert MUSICNN not in split.means["cosine"]
    assert any(note.startswith(f"{MUSICNN} is left out") for note in split.notes)
    some = Heard(
        "musicnn-msd", MEL, windows={"a00-0": ear.heard.windows("a00-0")}, widths=(8, 4, 0)
    )
    assert Ear(some).missing(("a00-0", "a00-1")) == (
        "1 of 2 tracks could not be heard by musicnn-msd"
    )


def test_shares_of_two_directions():
    one = Embeddings(["a"], np.array([[2.0, 0.0]]))
    two = Embeddings(["a"], np.array([[0.0, 5.0]]))
    assert np.allclose(blended(one, two, share=0.0), [[0, 1]])
    assert np.allclose(blended(one, two, share=1.0), [[1, 0]])
    assert np.allclose(blended(one, two, share=0.5), unit_norm(np.array([[1.0, 1.0]])))


def test_the_head_is_the_recipes_where_its_encoder_is_pretrained():
    dense = ModelConfig(encoder="musicnn-mtt", head="dense")
    assert head_of(Recipe(model=dense)) == dense
    assert head_of(Recipe()) == ModelConfig(encoder="musicnn")
    sound = ModelConfig(encoder="musicnn", target="sound")
    assert head_of(Recipe(model=sound)).target == "listeners"


def test_weights_that_are_not_there_are_named(planted, tmp_path, monkeypatch):
    monkeypatch.setenv("AUDIOREC_CACHE", str(tmp_path / "cache"))
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        ear = listen(catalog, planted.store, recipe=Recipe(), directory=tmp_path)
    assert ear.heard is None and "run 'audiorec pretrained fetch musicnn'" in ear.reason
    assert planted.store.config != MelConfig(**MEL.model_dump())
