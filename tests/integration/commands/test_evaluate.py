"""The command ``evaluate``."""

from __future__ import annotations

import json
import shutil
from importlib import import_module
from types import SimpleNamespace

import click
import pytest

from audiorec.cli.evaluate import command
from audiorec.cli.study_options import check_options, parse_labels, study_of_former_options
from audiorec.config_base import MAX_SEED
from audiorec.evaluation import Report
from audiorec.studies import STUDIES

from ...loaded_modules import modules_loaded_by
from ..conftest import call
from ..helpers import failed, made


def test_a_page_that_cannot_be_written_is_told_before_anything_is_scored(workspace, tmp_path):
    shutil.rmtree(workspace / ".evaluation", ignore_errors=True)
    (tmp_path / "file").touch()
    page = tmp_path / "file" / "page.html"
    answer = call("-w", workspace, "evaluate", "--system", "random", "--report", page)
    failed(answer, page, "cannot be written", "check its permissions")
    assert not (workspace / ".evaluation").exists()


def test_a_split_with_no_cold_tracks(workspace, world, tmp_path):
    """Nothing was played first later than the rest: all were heard first on one day."""
    rows = [row.split(",")[:3] for row in world.plays_csv.read_text().splitlines()[1:]]
    plays = tmp_path / "plays.csv"
    lines = [",".join([*row, "1000000000"]) for row in rows]
    plays.write_text("\n".join(["user_id,track_id,plays,timestamp", *lines]))
    shutil.rmtree(workspace / "plays")
    assert call("-w", workspace, "plays", plays).code == 0
    before = made(workspace)
    ridge = ("--system", "mel statistics + ridge")
    answer = call("-w", workspace, "evaluate", "--split", "time-cold", *ridge)
    failed(answer, "time-cold", "1 day of first plays", "another split")
    assert made(workspace) == before


RIDGE = "mel statistics + ridge"


NETWORK = "cnn (from nothing)"


def test_a_variant_stands_beside_the_model(workspace) -> None:
    answer = call(
        "-w", workspace, "evaluate", "--study", "ablation", "--vary", "hidden=16", "--json"
    )
    assert answer.code == 0, answer.err
    body = json.loads(answer.out)
    assert list(body["systems"]) == [
        "random",
        RIDGE,
        NETWORK,
        "ALS fold-in",
        f"{NETWORK}, hidden=16",
    ]
    assert f"{NETWORK} - {NETWORK}, hidden=16" in body["intervals"]["differences"]


def test_the_label_curve(workspace, world) -> None:
    systems = (RIDGE, "ridge on true attributes")
    named = [word for name in systems for word in ("--system", name)]
    study = ("evaluate", "--study", "label-efficiency")
    asked = (*study, "--labels", "50%", "--truth", world.truth, *named)
    answer = call("-w", workspace, *asked, "--json")
    assert answer.code == 0, answer.err
    body = json.loads(answer.out)
    assert [row["system"] for row in body["rows"]] == [*systems, *systems]
    labelled = [int(row["labelled"]) for row in body["rows"]]
    assert labelled[0] == labelled[1] == round(labelled[2] / 2)
    reports = workspace / "reports"
    assert body == json.loads((reports / "study-label-efficiency.json").read_text())
    again = call("-w", workspace, *asked)
    assert again.code == 0, again.err
    assert again.out == (reports / "study-label-efficiency.txt").read_text() + "\n"


def test_from_cold_to_warm_and_who_comes_up(workspace) -> None:
    for study, said in (("cold-to-warm", "hybrid"), ("popularity-and-hubs", "never")):
        answer = call("-w", workspace, "evaluate", "--study", study, "--system", RIDGE)
        assert answer.code == 0, answer.err
        assert said in answer.out and RIDGE in answer.out


def test_flags_of_studies_of_before_are_taken_with_a_line(workspace) -> None:
    answer = call("-w", workspace, "evaluate", "--neighbours")
    assert answer.code == 0, answer.err
    assert "--neighbours will be removed in the next release: write --study neigh" in answer.err
    assert "same artist" in answer.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--study", "ablation", "--vary", "word=0"), "unknown key word"),
        (("--study", "ablation", "--vary", "channels=-1"), "channels=-1"),
        (("--study", "ablation"), "give --vary KEY=VALUE"),
        (
            ("--study", "label-efficiency", "--labels", "50", "--system", "random", "--system",
             "shuffled"),
            "'shuffled' learns nothing from labels",
        ),
        (("--study", "cold-to-warm", "--system", "random"), "'random' does not place tracks"),
        (("--system", "no such"), "unknown system 'no such'; choose from 'random'"),
    ],
)  # fmt: skip
def test_what_cannot_be_studied(workspace, arguments, said) -> None:
    failed(call("-w", workspace, "evaluate", *arguments), said)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--study", "label-efficiency", "--labels", "few"), "must be percentages"),
        (("--labels", "--thin"), "ask for one study at a time"),
        (("--study", "cold-to-warm", "--vary", "hidden=3"), "--vary cannot be combined"),
        (("--study", "neighbours", "--rank", "artists"), "--rank cannot be combined"),
    ],
)
def test_wrong_usage(workspace, arguments, said) -> None:
    answer = call("-w", workspace, "evaluate", *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err


NONE = dict.fromkeys(("thin", "reach", "neighbours", "losses", "networks"), False)


def test_seeds_are_those_that_a_recipe_takes():
    option = next(option for option in command.params if option.name == "seeds")
    assert (option.type.min, option.type.max) == (0, MAX_SEED)


def test_every_study_is_a_module_that_runs_and_help_says_what_it_asks():
    (option,) = (option for option in command.params if option.name == "study")
    for name, study in STUDIES.items():
        assert callable(import_module(f"audiorec.studies.{name.replace('-', '_')}").run)
        assert f"{name}: {study.asks}" in (option.help or "")


def test_help_loads_no_study():
    loaded = modules_loaded_by("import audiorec.cli.evaluate")
    assert {name for name in loaded if "studies." in name} == {"audiorec.studies.registry"}


def test_several_splits_are_a_list_and_help_says_so():
    splits = [SimpleNamespace(to_json=lambda name=name: {"split": name}) for name in ("b", "a")]
    assert Report(tuple(splits[:1])).to_json() == {"split": "b"}
    assert Report(tuple(splits)).to_json() == [{"split": "b"}, {"split": "a"}]
    assert "several give a list in the order" in " ".join((command.help or "").split())


@pytest.mark.parametrize(
    ("former", "vary", "labels", "study"),
    [
        ({"thin": True}, (), (), "cold-to-warm"),
        ({"reach": True}, (), (), "popularity-and-hubs"),
        ({"neighbours": True}, (), (), "neighbours"),
        ({"losses": True}, (), (), "ablation"),
        ({"networks": True}, (), (), "ablation"),
        ({}, ("channels=32",), (), "ablation"),
        ({}, (), (0.1, 1.0), "label-efficiency"),
    ],
)
def test_options_of_before_are_taken_with_a_line(former, vary, labels, study, capsys):
    found, settings = study_of_former_options(None, vary, labels=labels, former=NONE | former)
    assert found == study
    assert f"write --study {study}" in capsys.readouterr().err
    if former.get("losses"):
        assert settings == ("loss=mse", "loss=cosine", "loss=contrastive")
    again, _ = study_of_former_options(study, vary, labels=labels, former=NONE)
    assert again == study and capsys.readouterr().err == ""


def test_two_studies_at_once_are_wrong_usage():
    with pytest.raises(click.UsageError, match="one study at a time"):
        study_of_former_options("neighbours", (), labels=(), former=NONE | {"thin": True})


@pytest.mark.parametrize(
    ("study", "given", "said"),
    [
        (
            "neighbours",
            {"systems": ("cnn",)},
            "--system cannot be combined with --study neighbours",
        ),
        ("neighbours", {"held_out": True}, "--folds and --rank cannot be combined"),
        ("cold-to-warm", {"truth": "truth.npz"}, "--truth cannot be combined"),
        ("cold-to-warm", {"vary": ("a=1",)}, "--vary cannot be combined"),
        ("ablation", {"page": "page.html"}, "--report cannot be combined"),
        (None, {"labels": (0.5,)}, "--labels cannot be combined with the table"),
    ],
)
def test_options_that_would_not_be_looked_at_are_wrong_usage(study, given, said):
    nothing = dict.fromkeys(("vary", "labels", "systems", "truth", "page", "held_out"))
    with pytest.raises(click.UsageError, match=said):
        check_options(study, **(nothing | given))


def test_labels_are_percentages_or_tracks():
    assert parse_labels(None, None, "5,10%") == (0.05, 0.1)
    assert parse_labels(None, None, "500t,50") == (500.0, 0.5)
    for wrong in ("few", "0,50", "120", "-3t"):
        with pytest.raises(click.BadParameter, match="must be percentages"):
            parse_labels(None, None, wrong)
