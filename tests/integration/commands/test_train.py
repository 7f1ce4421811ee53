"""The command ``train``."""

from __future__ import annotations

import polars as pl
import pytest

from ..conftest import call
from ..helpers import asked, failed, made, tracks_csv


@pytest.mark.parametrize("encoder", ["cnn", "spectrogram-statistics"])
def test_another_artist_makes_a_model_stale(encoder, workspace, world, recipe, tmp_path):
    other, tracks = tmp_path / "other.toml", tracks_csv(world)
    other.write_text(recipe.read_text().replace("[model]\n", f'[model]\nencoder = "{encoder}"\n'))
    assert call("-w", workspace, "train", "--recipe", other).code == 0
    assert "up to date" in call("-w", workspace, "train").out
    folder = str(world.tracks_csv.parent)
    renamed = tracks.with_columns(
        pl.concat_str(pl.lit(folder + "/"), "path").alias("path"),
        pl.when(pl.col("track_id") == tracks["track_id"][0])
        .then(pl.lit(tracks["artist"][-1]))
        .otherwise(pl.col("artist"))
        .alias("artist"),
    )
    assert tracks["artist"][0] != renamed["artist"][0]
    renamed.write_csv(tmp_path / "renamed.csv")
    told = "the model was learned before artists' names changed; run 'audiorec train'"
    assert told not in call("-w", workspace, "doctor").out
    assert call("-w", workspace, "scan", "--manifest", tmp_path / "renamed.csv").code == 0
    assert told in call("-w", workspace, "doctor").out
    assert "up to date" not in call("-w", workspace, "train").out
    assert "up to date" in call("-w", workspace, "train").out
    assert told not in call("-w", workspace, "doctor").out


def test_a_diverging_loss(workspace, recipe, tmp_path):
    """Steps so large that the network's answers grow without bound."""
    wild = 'loss = "mse"\nlearning_rate = 10.0\nmixup = 0.0'
    other = asked(recipe, tmp_path, train=wild, model='encoder = "dieleman2014"')
    before = made(workspace)
    message = failed(call("-w", workspace, "train", "--recipe", other), "diverged", "10")
    assert "lower learning_rate=10" in message
    assert made(workspace) == before
