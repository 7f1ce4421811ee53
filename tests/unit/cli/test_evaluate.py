"""What `audiorec evaluate` takes."""

from __future__ import annotations

from types import SimpleNamespace

import click
import pytest

from audiorec.cli.evaluate import STUDIES, _check_together, _labels, _of_before, command
from audiorec.config import MAX_SEED
from audiorec.evaluation import Report
from audiorec.studies import STUDIES as KNOWN

NONE = dict.fromkeys(("thin", "reach", "neighbours", "losses", "networks"), False)


def test_seeds_are_those_that_a_recipe_takes():
    option = next(option for option in command.params if option.name == "seeds")
    assert (option.type.min, option.type.max) == (0, MAX_SEED)


def test_studies_are_those_that_there_are():
    """Written twice, so that --help loads no study."""
    assert tuple(KNOWN) == STUDIES
    assert all(name in (command.params[5].help or "") for name in STUDIES)


def test_several_splits_are_a_list_and_help_says_so():
    splits = [SimpleNamespace(to_json=lambda name=name: {"split": name}) for name in ("b", "a")]
    assert Report(tuple(splits[:1])).to_json() == {"split": "b"}
    assert Report(tuple(splits)).to_json() == [{"split": "b"}, {"split": "a"}]
    assert "several are a list of them, in the order" in " ".join((command.help or "").split())


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
    found, settings = _of_before(None, vary, labels=labels, former=NONE | former)
    assert found == study
    assert f"write --study {study}" in capsys.readouterr().err
    if former.get("losses"):
        assert settings == ("loss=mse", "loss=cosine", "loss=contrastive")
    again, _ = _of_before(study, vary, labels=labels, former=NONE)
    assert again == study and capsys.readouterr().err == ""


def test_two_studies_at_once_are_wrong_usage():
    with pytest.raises(click.UsageError, match="one study at a time"):
        _of_before("neighbours", (), labels=(), former=NONE | {"thin": True})


@pytest.mark.parametrize(
    ("study", "given", "said"),
    [
        ("neighbours", {"systems": ("cnn",)}, "--system has no place with --study neighbours"),
        ("neighbours", {"held_out": True}, "--folds and --rank has no place"),
        ("cold-to-warm", {"truth": "truth.npz"}, "--truth has no place"),
        ("cold-to-warm", {"vary": ("a=1",)}, "--vary has no place"),
        ("ablation", {"page": "page.html"}, "--report has no place"),
        (None, {"labels": (0.5,)}, "--labels has no place with the table"),
    ],
)
def test_options_that_would_not_be_looked_at_are_wrong_usage(study, given, said):
    nothing = dict.fromkeys(("vary", "labels", "systems", "truth", "page", "held_out"))
    with pytest.raises(click.UsageError, match=said):
        _check_together(study, **(nothing | given))


def test_labels_are_percentages_or_tracks():
    assert _labels(None, None, "5,10%") == (0.05, 0.1)
    assert _labels(None, None, "500t,50") == (500.0, 0.5)
    for wrong in ("few", "0,50", "120", "-3t"):
        with pytest.raises(click.BadParameter, match="must be percentages"):
            _labels(None, None, wrong)
