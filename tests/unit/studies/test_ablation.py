"""Settings of the model, changed."""

from __future__ import annotations

import pytest

from audiorec.evaluation.systems import name_of
from audiorec.evaluation.systems.content import changed
from audiorec.exceptions import ParameterError
from audiorec.pipeline import Recipe
from audiorec.studies.ablation import parse


def test_settings_are_read_as_toml_or_bare_words() -> None:
    assert parse("channels=32, train.mixup = 0.3,loss=mse,unit_norm=false") == {
        "channels": 32, "mixup": 0.3, "loss": "mse", "unit_norm": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("channels", "must be KEY=VALUE"),
        ("words=3", "unknown key words of the model; choose from encoder"),
        ("train.channels=3", "must be model.channels=3"),
        ("channels=3,channels=4", "given twice"),
        ("seed=3", "the hold-out's own"),
    ],
)
def test_what_is_no_setting(text, match) -> None:
    with pytest.raises(ParameterError, match=match) as caught:
        parse(text)
    assert "\n" not in str(caught.value)


def test_a_change_leaves_the_rest_and_another_encoder_its_own_head() -> None:
    recipe = Recipe(model={"encoder": "musicnn", "finetune": 2, "hidden": 64})
    other = changed(recipe, {"encoder": "cnn", "mixup": 0.5})
    assert (other.model.encoder, other.model.finetune, other.model.hidden) == ("cnn", 0, 64)
    assert other.train.mixup == 0.5 and other.factors == recipe.factors
    with pytest.raises(ParameterError, match="channels=-1"):
        changed(recipe, {"channels": -1})
    with pytest.raises(ParameterError, match="unknown key chanels of the model; choose from enc"):
        changed(recipe, {"chanels": 32})


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ({"encoder": "cnn"}, "cnn (from nothing)"),
        ({"encoder": "musicnn-msd"}, "musicnn + ridge"),
        ({"encoder": "musicnn", "head": "mlp"}, "musicnn + mlp (cosine)"),
        ({"encoder": "vgg-msd", "finetune": 1}, "vgg-msd fine-tuned"),
        ({"encoder": "musicnn", "target": "content"}, "musicnn + ridge"),
        ({"encoder": "spectrogram-statistics"}, "spectrogram-statistics + ridge"),
    ],
)
def test_a_system_is_named_by_what_it_is(model, name) -> None:
    assert name_of(Recipe(model=model)) == name
