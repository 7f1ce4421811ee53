"""The network under other settings: what is asked for, what comes of it, and under which name."""

from __future__ import annotations

import json

import pytest

from audiorec.data.config import EvaluateConfig
from audiorec.evaluate import evaluate, systems
from audiorec.evaluate.systems import RIDGE, find_system, variant
from audiorec.evaluate.variants import EACH_LOSS, EACH_NETWORK, named, parse, varied
from audiorec.exceptions import ParameterError
from audiorec.pipeline.recipe import Recipe


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("hidden=8", {"hidden": 8}),
        ("model.hidden = 8,channels=4", {"hidden": 8, "channels": 4}),
        ("train.mixup=0.5, loss=mse", {"mixup": 0.5, "loss": "mse"}),
        ("unit_norm=false", {"unit_norm": False}),
        ('encoder="shortchunk"', {"encoder": "shortchunk"}),
        ("head=mlp", {"head": "mlp"}),
    ],
)
def test_settings_are_read_as_in_a_recipe(text, settings) -> None:
    assert parse(text) == settings
    assert parse(named(settings)) == settings
    assert find_system(variant(text)).settings(Recipe()) == varied(Recipe(), settings)


def test_a_name_tells_what_is_changed() -> None:
    assert variant("model.hidden=8,train.mixup=0.0") == "cnn, hidden = 8, mixup = 0"
    assert variant("unit_norm=false") == "cnn, unit_norm = false"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hidden", "'hidden' must be KEY=VALUE"),
        ("hidden=", "'hidden=' must be KEY=VALUE"),
        ("", "'' must be KEY=VALUE"),
        ("hiden=0", "unknown key hiden of the network; choose from encoder, .*, hidden, .*, mixup"),
        ("factors.factors=8", "unknown key factors.factors of the network"),
        ("train.hidden=8", "train.hidden=8 must be model.hidden=8"),
        ("hidden=8,hidden=9", "hidden is given twice"),
        ("seed=3", "seed is the hold-out's own; give evaluate --seed"),
    ],
)
def test_what_is_no_setting_is_said_in_one_line(text, said) -> None:
    with pytest.raises(ParameterError, match=said) as caught:
        variant(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["hidden=-1", "dropout=1", "loss=mean", "channels=few"])
def test_an_impossible_value_is_found_before_anything_is_scored(planted, text) -> None:
    key, value = text.split("=")
    with pytest.raises(ParameterError, match=f"system 'cnn, {key} = {value}': .*{key}=.*must be"):
        run(planted, text)


def test_only_what_is_asked_for_changes() -> None:
    recipe = Recipe()
    other = varied(recipe, {"hidden": 8, "loss": "mse"})
    assert recipe == Recipe()
    assert other.model == recipe.model.model_copy(update={"hidden": 8})
    assert other.train == recipe.train.model_copy(update={"loss": "mse"})
    assert {section: getattr(other, section) for section in ("mel", "factors", "evaluate")} == {
        section: getattr(recipe, section) for section in ("mel", "factors", "evaluate")
    }


def test_losses_and_networks_are_variants_by_another_name() -> None:
    recipe = Recipe()
    assert EACH_LOSS["mse loss"](recipe) == varied(recipe, {"loss": "mse"})
    assert EACH_NETWORK["cnn network"](recipe) is recipe
    other = EACH_NETWORK["shortchunk network"](recipe)
    assert (other.model.encoder, other.model.channels) == ("shortchunk", 16)
    paper = EACH_NETWORK["vandenoord2013 network"](recipe)
    assert (paper.model.encoder, paper.train) == ("vandenoord2013", recipe.train)


def run(planted, *texts, work_directory=None):
    section = EvaluateConfig(**(planted.recipe.evaluate.model_dump() | {"seeds": (0,)}))
    return evaluate(
        planted.store,
        planted.plays,
        planted.tracks,
        recipe=planted.recipe.model_copy(update={"evaluate": section}),
        systems=(RIDGE, "cnn", *map(variant, texts)),
        work_directory=work_directory,
    ).to_json()


@pytest.fixture
def asked(monkeypatch):
    """Settings of every network asked for; a ridge answers in its place."""
    recipes = []

    def answer(world, desk, *, recipe, **how):
        recipes.append(recipe)
        return systems.mel_statistics(world, desk)

    monkeypatch.setattr(systems, "_trained", answer)
    return recipes


def test_variants_stand_beside_the_network(planted, asked) -> None:
    body = run(planted, "hidden=8", "channels=4,mixup=0")
    names = [RIDGE, "cnn", "cnn, hidden = 8", "cnn, channels = 4, mixup = 0"]
    assert [name for name in body["systems"] if name in names] == names
    assert [r.model.hidden for r in asked] == [32, 8, 32]
    assert [(r.model.channels, r.train.mixup) for r in asked] == [(16, 0.3), (16, 0.3), (4, 0.0)]
    # All three were answered alike, so that nothing was gained, and the interval says so.
    gaps = body["intervals"]["differences"]
    assert gaps["cnn, hidden = 8 - cnn"]["nDCG@50"] == [0.0, 0.0]
    assert "cnn, channels = 4, mixup = 0 - mel statistics + ridge" in gaps
    json.dumps(body, allow_nan=False)


def test_the_recipes_own_settings_are_not_learned_twice(planted, asked, tmp_path) -> None:
    first = run(planted, "hidden=32", work_directory=tmp_path)
    assert len(asked) == 1
    assert first["systems"]["cnn, hidden = 32"] == first["systems"]["cnn"]
    run(planted, "model.hidden = 32", "hidden=8", work_directory=tmp_path)
    assert [r.model.hidden for r in asked] == [32, 8]
