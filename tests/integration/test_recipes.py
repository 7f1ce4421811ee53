"""Every recipe that is shipped can be read and begun, and the default one is the default."""

from pathlib import Path

import pytest
import torch

from audiorec.models.checkpoint import crop_frames
from audiorec.models.losses import LOSSES
from audiorec.models.networks import build_network
from audiorec.pipeline.recipe import Recipe
from audiorec.training.augment import check_augmentation

RECIPES = sorted((Path(__file__).parents[2] / "pipelines").glob("*.toml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipe_can_be_read(path):
    assert isinstance(Recipe.load(path), Recipe)
    assert path.read_text().startswith("# "), "a recipe says what it is"


def test_the_default_recipe_spells_out_the_defaults():
    default = next(path for path in RECIPES if path.stem == "default")
    assert Recipe.load(default) == Recipe()


def recipe(name):
    return Recipe.load(next(path for path in RECIPES if path.stem == name))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_what_a_recipe_names_fits_together(path):
    asked = Recipe.load(path)
    network = build_network(
        asked.model, n_mels=asked.mel.n_mels, n_outputs=asked.factors.factors
    ).eval()
    frames = crop_frames(asked.mel, asked.model, asked.train)
    out = network(torch.zeros(1, asked.mel.n_mels, frames))
    assert out.shape == (1, asked.factors.factors)
    assert asked.train.loss in LOSSES
    check_augmentation(asked.mel, asked.train)


def test_the_published_recipes_have_what_is_published():
    paper = recipe("paper2013")
    assert (paper.mel.n_mels, paper.mel.n_fft, paper.mel.hop_length) == (128, 1024, 512)
    assert (paper.mel.clip_seconds, paper.train.crop_seconds) == (29.0, 3.0)
    assert (paper.factors.factors, paper.train.loss, paper.train.unit_norm) == (50, "mse", False)
    spotify = recipe("dieleman2014")
    assert crop_frames(spotify.mel, spotify.model, spotify.train) == 599
    assert (spotify.mel.n_mels, spotify.factors.factors, spotify.model.hidden) == (128, 40, 2048)
    assert (spotify.train.loss, spotify.train.unit_norm) == ("mse", True)
    for plain in (paper, spotify):
        assert (plain.train.mixup, plain.train.ema_decay) == (0, 0)
