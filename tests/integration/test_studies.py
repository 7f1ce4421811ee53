"""From the command line: the evaluation's studies."""

from __future__ import annotations

import json

import pytest

from .conftest import call
from .test_bad_input import failed

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


def test_options_of_before_are_taken_with_a_line(workspace) -> None:
    answer = call("-w", workspace, "evaluate", "--neighbours")
    assert answer.code == 0, answer.err
    assert "--neighbours goes with the next release: write --study neighbours" in answer.err
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
        (("--study", "cold-to-warm", "--vary", "hidden=3"), "--vary has no place"),
        (("--study", "neighbours", "--rank", "artists"), "--rank has no place"),
    ],
)
def test_wrong_usage(workspace, arguments, said) -> None:
    answer = call("-w", workspace, "evaluate", *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err
