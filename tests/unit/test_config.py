import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiorec.config import FactorsConfig, MelConfig, Recipe, TrainConfig
from audiorec.exceptions import DataError, ParameterError


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
    seeds=st.lists(st.integers(0, 99), min_size=1, max_size=4),
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
        ("[listening]\nkeep='ann'\n", r"keep='ann' must be a list"),
        ("[listening]\nkeep=['ann', 1]\n", r"1 in keep must be a valid string"),
        (
            "[evaluate]\nsplits=['cold']\n",
            r"\[evaluate\] 'cold' in splits must be 'artist-cold', 'track-cold' or 'time-cold'$",
        ),
        (
            "[mel]\nclip_seconds=2.0\n",
            r"crop_seconds=3 must be at most clip_seconds=2; lower \[train\] crop_seconds or raise",
        ),
        ("[mel]\nfmax=20000.0\n", r"fmax=20000\.0 must be at most half of sr=22050"),
        ("[train]\nloss='hinge'\n", r"loss='hinge' must be 'mse', 'cosine' or 'contrastive'$"),
        ("[factors]\nalpha=nan\n", r"alpha=nan"),
        ("[evaluate]\nseeds=[]\n", r"seeds and splits"),
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
