"""Every recipe that is shipped can be read and begun, and the default one is the default."""

from pathlib import Path

import pytest
import torch

from audiorec.models import build_network, training_crop
from audiorec.models.content_model import no_scale
from audiorec.pipeline import Recipe
from audiorec.training.losses import LOSSES

RECIPES = sorted((Path(__file__).parents[2] / "pipelines").glob("*.toml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipe_can_be_read(path):
    assert isinstance(Recipe.load(path), Recipe)
    assert path.read_text().startswith("# "), "a recipe says what it is"


def test_there_are_few_and_each_has_its_purpose():
    names = [path.stem for path in RECIPES]
    assert names == ["default", "dieleman2014", "library", "paper2013", "scratch"]
    assert recipe("default").model.encoder == recipe("library").model.encoder == "musicnn"
    assert recipe("library").model.target == "content"
    assert not recipe("scratch").model.pretrained  # no download


def recipe(name):
    return Recipe.load(next(path for path in RECIPES if path.stem == name))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_what_a_recipe_names_fits_together(path):
    asked = Recipe.load(path)
    network = build_network(
        asked.model,
        mel=asked.mel,
        n_outputs=asked.factors.factors,
        scale=no_scale(asked.mel.n_mels),
        published=False,
    ).eval()
    frames = training_crop(asked.model, mel=asked.mel, train=asked.train)
    out = network(torch.zeros(1, asked.mel.n_mels, frames))
    assert out.shape == (1, asked.factors.factors)
    assert asked.train.loss in LOSSES


def test_the_published_recipes_have_what_is_published():
    paper = recipe("paper2013")
    assert (paper.mel.n_mels, paper.mel.n_fft, paper.mel.hop_length) == (128, 1024, 512)
    assert (paper.mel.clip_seconds, paper.train.crop_seconds) == (29.0, 3.0)
    assert (paper.factors.factors, paper.train.loss, paper.train.unit_norm) == (50, "mse", False)
    spotify = recipe("dieleman2014")
    assert training_crop(spotify.model, mel=spotify.mel, train=spotify.train) == 599
    assert (spotify.mel.n_mels, spotify.factors.factors, spotify.model.hidden) == (128, 40, 2048)
    assert (spotify.train.loss, spotify.train.unit_norm) == ("mse", True)
    for plain in (paper, spotify):
        assert plain.train.mixup == 0
