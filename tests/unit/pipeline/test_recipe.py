import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiorec.audio import MelConfig
from audiorec.exceptions import DataError, ParameterError
from audiorec.factors import FactorsConfig
from audiorec.models import MUSICNN_MEL, PRETRAINED_ENCODERS, ModelConfig, TrainConfig
from audiorec.models.pretrained import PRETRAINED
from audiorec.models.pretrained.registry import ALIASES
from audiorec.pipeline import Recipe, load_shipped
from audiorec.pipeline.old_settings import RENAMED

PIPELINES = Path(__file__).parents[3] / "pipelines"

RECIPES_0_1 = Path(__file__).parents[2] / "data" / "recipes_0.1"


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
        ("[train]\nloss='hinge'\n", r"loss='hinge' must be 'mse', 'cosine' or 'contrastive'$"),
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
        ("[evaluate]\nfolds=1\n", r"folds=1 would leave nothing to learn from; take 0, or 2"),
        ("[mel]\nhop_length=2048\n", r"\[mel\] hop_length=2048 must be at most n_fft=1024"),
        ("[train]\nunit_norm=1\n", r"\[train\] unit_norm=1 must be a valid boolean$"),
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
    assert Recipe(model=ModelConfig(encoder="vgg-mtt")).mel == MelConfig(**MUSICNN_MEL)
    assert Recipe(**recipe.model_dump()) == recipe
    assert Recipe().mel == MelConfig()


def test_other_spectrograms_than_the_encoder_hears_are_refused(tmp_path):
    with pytest.raises(ParameterError, match=r"sr=22050 under \[mel\] .* write: sr = 16000, n_fft"):
        Recipe(model={"encoder": "musicnn"}, mel={"sr": 22050})
    path = tmp_path / "recipe.toml"
    path.write_text('[model]\nencoder = "musicn"\n')
    with pytest.raises(DataError, match="encoder='musicn' must be 'cnn', 'dieleman2014'"):
        Recipe.load(path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"target": "content"}, 'target="content" needs a pretrained encoder, and "cnn" is none'),
        ({"encoder": "cnn", "finetune": 1}, 'finetune=1 is for pretrained encoders, not for "cnn"'),
        (
            {"encoder": "musicnn", "finetune": 2, "target": "content"},
            "finetune=2 learns from listeners",
        ),
        ({"encoder": "shortchunk", "head": "ridge"}, 'head="ridge" is for encoders that stay as'),
    ],
)
def test_parts_of_a_model_that_do_not_go_together(settings, message):
    with pytest.raises(ParameterError, match=message):
        ModelConfig(**settings)


def test_which_head_an_encoder_has():
    assert ModelConfig(encoder="musicnn").linear
    assert ModelConfig(encoder="spectrogram-statistics").linear
    assert not ModelConfig(encoder="musicnn", head="mlp").linear
    assert not ModelConfig(encoder="cnn").linear
    assert ModelConfig(encoder="vgg-msd", finetune=3).linear  # begins with the ridge


def test_pretrained_encoders_are_those_that_can_be_fetched():
    assert set(PRETRAINED_ENCODERS) == {*PRETRAINED, *ALIASES}


def test_a_pretrained_encoder_takes_clips_shorter_than_a_crop():
    recipe = Recipe(model={"encoder": "musicnn"}, mel={"clip_seconds": 2.0})
    assert recipe.mel.clip_seconds < recipe.train.crop_seconds
    with pytest.raises(ParameterError, match="crop_seconds"):
        Recipe(mel={"clip_seconds": 2.0})


def test_settings_of_before_are_read_with_a_line(tmp_path):
    path = tmp_path / "old.toml"
    path.write_text(
        '[model]\narchitecture = "small1d"\nwords = 12\n[train]\nloss = "contrastive-all"\n'
        "ema_decay = 0.9\n"
    )
    notes = []
    recipe = Recipe.load(path, notify=notes.append)
    assert (recipe.model.encoder, recipe.train.loss) == ("cnn", "contrastive")
    assert [note.partition(": ")[2] for note in notes] == [
        '[model] architecture = "small1d" is now encoder = "cnn"',
        "[model] words is no longer a setting and is ignored",
        '[train] loss = "contrastive-all" is now "contrastive"',
        "[train] ema_decay is no longer a setting and is ignored",
    ]
    notes.clear()
    path.write_text('[model]\nencoder = "musicnn"\ntarget = "sound"\nhead = "linear"\n')
    model = Recipe.load(path, notify=notes.append).model
    assert model == ModelConfig(encoder="musicnn", target="content", head="ridge")
    assert len(notes) == 2
    notes.clear()
    path.write_text('[model]\nencoder = "descriptors"\nhead = "linear"\n')
    model = Recipe.load(path, notify=notes.append).model
    assert model == ModelConfig(encoder="spectrogram-statistics", head="ridge")
    assert notes[0].endswith('encoder = "descriptors" is now "spectrogram-statistics"')
    notes.clear()  # as 0.1 wrote it into the workspace, where it was not looked at
    path.write_text('[model]\nencoder = "cnn"\narchitecture = "paper2013"\nhead = "linear"\n')
    assert Recipe.load(path, notify=notes.append).model == ModelConfig(encoder="vandenoord2013")
    assert len(notes) == 2


@pytest.mark.parametrize("path", sorted(RECIPES_0_1.glob("*.toml")), ids=lambda path: path.stem)
def test_what_0_1_stored_is_read(path):
    """Every setting of its shipped recipes, as it wrote them into the workspace."""
    notes = []
    encoder = Recipe.load(path, notify=notes.append).model.encoder
    assert encoder == {"small1d": "cnn", "paper2013": "vandenoord2013", "library": "musicnn"}.get(
        path.stem, path.stem
    )
    assert notes


def test_recipes_of_before_name_their_successors():
    for name in ("small1d", "musicnn"):
        with pytest.raises(DataError, match="take (scratch|default)"):
            load_shipped(name)


OF_BEFORE = {"half_listeners": "4.5", "rank": '"tracks"', "test_share": "0.4"}


def load_text(tmp_path, text):
    """A recipe of this text, and the lines about its old settings."""
    path = tmp_path / "old.toml"
    path.write_text(text)
    notes = []
    recipe = Recipe.load(path, notify=notes.append)
    return recipe, [note.removeprefix(f"recipe {path}: ") for note in notes]


@pytest.mark.parametrize(("section", "old"), RENAMED)
def test_a_renamed_setting_keeps_its_value(tmp_path, section, old):
    recipe, notes = load_text(tmp_path, f"[{section}]\n{old} = {OF_BEFORE[old]}\n")
    new = RENAMED[section, old]
    assert notes == [f"[{section}] {old} is now {new}; the old name will be removed in 0.3"]
    assert getattr(getattr(recipe, section), new) == tomllib.loads(f"v = {OF_BEFORE[old]}")["v"]


@pytest.mark.parametrize(
    ("section", "key"),
    [(name, key) for name in Recipe.model_fields for key in sorted(getattr(Recipe(), name).former)],
)
def test_a_dropped_setting_is_ignored(tmp_path, section, key):
    recipe, notes = load_text(tmp_path, f"[{section}]\n{key} = 1\n")
    assert notes == [f"[{section}] {key} is no longer a setting and is ignored"]
    assert recipe == Recipe()


def test_the_section_of_listening_has_a_new_name(tmp_path):
    recipe, notes = load_text(tmp_path, '[listening]\nkeep = ["ann"]\nrepeat_plays = 3\n')
    assert recipe == Recipe(interactions={"keep": ("ann",)})
    assert notes == [
        "[listening] is now [interactions]; the old name will be removed in 0.3",
        "[interactions] repeat_plays is no longer a setting and is ignored",
    ]


def test_a_section_of_before_is_passed_over_with_a_line(tmp_path):
    path = tmp_path / "old.toml"
    path.write_text("[map]\nn_neighbors = 30\nseed = 1\n")
    notes = []
    assert Recipe.load(path, notify=notes.append) == Recipe()
    assert notes == [f"recipe {path}: [map] is no longer a section and is ignored"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[model]\narchitecture = "described"\n', 'architecture="described" was removed; take the'),
        ('[model]\narchitecture = "x"\n', "architecture='x' is none; write encoder instead"),
        ('[train]\nloss = "wpe"\n', 'loss="wpe" was removed; write loss = "mse"'),
    ],
)
def test_settings_without_a_successor_say_what_to_use(tmp_path, text, message):
    path = tmp_path / "old.toml"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        Recipe.load(path)


def test_settings_are_few():
    fields = {name: type(getattr(Recipe(), name)).model_fields for name in Recipe.model_fields}
    assert len(fields["model"]) + len(fields["train"]) <= 17
    assert sum(map(len, fields.values())) <= 45


@pytest.mark.parametrize("path", sorted(PIPELINES.glob("*.toml")), ids=lambda path: path.stem)
def test_shipped_recipes_load(path):
    notes = []
    Recipe.load(path, notify=notes.append)
    assert not notes


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 3000 + "]" * 3000,
        "[factors]\nfactors = " + "9" * 5000,
        "# " + "a" * (1 << 20),
    ],
)
def test_a_recipe_that_nests_without_end_is_refused_in_one_line(tmp_path, text):
    file = tmp_path / "recipe.toml"
    file.write_text(text)
    with pytest.raises(
        DataError, match=r"recipe .*recipe.toml (cannot be read|has more than)"
    ) as e:
        Recipe.load(file)
    assert len(str(e.value)) < 400 and "\n" not in str(e.value)
