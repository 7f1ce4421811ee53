import tomllib
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiorec.audio.config import MelConfig
from audiorec.exceptions import DataError, ParameterError
from audiorec.factors.config import FactorsConfig
from audiorec.front_ends import FRONT_ENDS, MUSICNN_FRONT_END, EncoderName
from audiorec.models.config import ModelConfig, TrainConfig
from audiorec.pipeline.recipe import Recipe
from audiorec.pretrained.registry import ALIASES, PRETRAINED


def test_defaults_are_the_papers_spectrogram():
    config = MelConfig()
    assert (config.sr, config.n_fft, config.hop_length, config.n_mels) == (22050, 1024, 512, 128)
    assert config.n_samples == 661500
    assert config.n_frames == 1292
    assert config.frames(3.0) == 129


@given(
    sr=st.sampled_from([8000, 16000, 22050, 44100]),
    factors=st.integers(1, 512),
    loss=st.sampled_from(["mse", "cosine"]),
    seeds=st.lists(st.integers(0, 99), min_size=1, max_size=4, unique=True),
)
def test_recipe_survives_toml(tmp_path_factory, sr, factors, loss, seeds):
    recipe = Recipe(
        mel={"sr": sr}, factors={"factors": factors}, train={"loss": loss},
        evaluate={"seeds": seeds},
    )  # fmt: skip
    path = tmp_path_factory.mktemp("recipe") / "r.toml"
    path.write_text(recipe.to_toml(), encoding="utf-8")
    assert Recipe.load(path) == recipe
    assert tomllib.loads(recipe.to_toml())["factors"]["factors"] == factors


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[mel]\nhop=512\n", r"unknown key.*hop"),
        ("[mels]\n", r"unknown key mels"),
        ("[mel]\nhop_length=0\n", r"\[mel\] hop_length=0 must be greater than or equal to 16$"),
        ("[mel]\nhop_length=2.5\n", r"hop_length=2.5 must be a valid integer$"),
        ("[mel]\nhop_length='a'\n", r"hop_length='a' must be a valid integer$"),
        ("mel=3\n", r"mel=3 must be a table: put settings under \[mel\]"),
        ("[interactions]\nkeep='ann'\n", r"keep='ann' must be a list"),
        ("[interactions]\nkeep=['ann', 1]\n", r"1 in keep must be a valid string"),
        (
            "[evaluate]\nsplits=['cold']\n",
            r"\[evaluate\] 'cold' in splits must be 'artist-cold', 'track-cold' or 'time-cold'$",
        ),
        (
            "[mel]\nclip_seconds=2.0\n",
            r"crop_seconds=10 must be at most clip_seconds=2; lower \[train\] crop_seconds or ",
        ),
        ("[mel]\nfmax=20000.0\n", r"fmax=20000\.0 must be at most half of sr=22050"),
        ("[train]\nloss='hinge'\n", r"loss='hinge' must be 'mse', .*, 'contrastive-all' or 'wpe'$"),
        ("[factors]\nalpha=nan\n", r"alpha=nan"),
        ("[evaluate]\nseeds=[]\n", r"seeds and splits"),
        ("[evaluate]\nseeds=[1, 2, 1]\n", r"seeds=\[1, 2, 1\] names one twice; name each once"),
        (
            "[evaluate]\nseeds=[-1]\n",
            r"\[evaluate\] -1 in seeds must be greater than or equal to 0$",
        ),
        (
            "[evaluate]\nseeds=[2147483648]\n",
            r"2147483648 in seeds must be less than or equal to 2",
        ),
        (
            "[train]\nshrinkage='Auto'\n",
            r"\[train\] shrinkage='Auto' must be true, false or \"auto\"",
        ),
        ("[train]\nlevel_popularity=1\n", r": \[train\] level_popularity=1 must be true, false"),
        ("[model]\nmusical=1\n", r"\[model\] musical=1 must be a valid boolean$"),
        ("mel = [", r"is not TOML: .*; correct it there"),
    ],
)
def test_bad_recipe_is_one_line_that_names_the_file(tmp_path, text, message):
    path = tmp_path / "bad.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message) as caught:
        Recipe.load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_recipe_that_is_missing_or_not_text(tmp_path):
    with pytest.raises(
        DataError, match=r"none\.toml cannot be read: no such file .*; check its path"
    ):
        Recipe.load(tmp_path / "none.toml")
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="not UTF-8"):
        Recipe.load(binary)


def test_sections_are_frozen_and_validated():
    with pytest.raises(ParameterError, match="factors=0"):
        FactorsConfig(factors=0)
    with pytest.raises(Exception, match="frozen"):
        TrainConfig().loss = "mse"  # type: ignore[misc]


def test_mel_follows_from_a_pretrained_encoder():
    recipe = Recipe(model={"encoder": "musicnn"}, mel={"n_clips": 3})
    assert (recipe.mel.sr, recipe.mel.n_mels, recipe.mel.n_clips) == (16000, 96, 3)
    assert Recipe(model=ModelConfig(encoder="vgg-mtt")).mel == MelConfig(**MUSICNN_FRONT_END)
    assert Recipe(**recipe.model_dump()) == recipe
    assert Recipe().mel == MelConfig()


def test_other_spectrograms_than_the_encoder_hears_are_refused(tmp_path):
    with pytest.raises(ParameterError, match=r"sr=22050 under \[mel\] .* write: sr = 16000, n_fft"):
        Recipe(model={"encoder": "musicnn"}, mel={"sr": 22050})
    path = tmp_path / "recipe.toml"
    path.write_text('[model]\nencoder = "musicn"\n')
    with pytest.raises(DataError, match="encoder='musicn' must be 'cnn', 'musicnn'"):
        Recipe.load(path)


def test_parts_of_a_model_that_do_not_go_together():
    with pytest.raises(ParameterError, match='target="sound" needs a pretrained encoder'):
        ModelConfig(target="sound")
    with pytest.raises(ParameterError, match='finetune=1 is for musicnn, not for "vgg-msd"'):
        ModelConfig(encoder="vgg-msd", finetune=1)
    with pytest.raises(ParameterError, match="finetune=2 learns with a linear head"):
        ModelConfig(encoder="musicnn", finetune=2, target="sound")


def test_encoders_are_those_of_the_registry():
    assert set(FRONT_ENDS) == {*PRETRAINED, *ALIASES}
    assert set(get_args(EncoderName)) == {"cnn", *FRONT_ENDS}


def test_a_pretrained_encoder_takes_clips_shorter_than_a_crop():
    recipe = Recipe(model={"encoder": "musicnn"}, mel={"clip_seconds": 2.0})
    assert recipe.mel.clip_seconds < recipe.train.crop_seconds
    with pytest.raises(ParameterError, match="crop_seconds"):
        Recipe(mel={"clip_seconds": 2.0})


def test_the_default_recipe_spells_every_setting_out():
    text = (Path(__file__).parents[2] / "pipelines" / "default.toml").read_text()
    comments, _, settings = text.partition("\n\n")
    assert all(line.startswith("#") for line in comments.splitlines())
    assert settings == Recipe().to_toml()
