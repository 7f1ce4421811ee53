"""From the command line: the network varied, and the label curve."""

from __future__ import annotations

import json

import pytest

from .conftest import call
from .test_bad_input import failed


def test_a_variant_stands_beside_the_network(workspace) -> None:
    answer = call("-w", workspace, "evaluate", "--vary", "hidden=8,mixup=0", "--json")
    assert answer.code == 0, answer.err
    names = list(json.loads(answer.out)["systems"])
    assert names == [
        "random", "mel statistics + ridge", "cnn", "cnn, hidden = 8, mixup = 0", "oracle (honest)"
    ]  # fmt: skip


def test_the_label_curve(workspace, world) -> None:
    systems = ("cnn", "mel statistics + ridge", "perception ceiling")
    named = [word for name in systems for word in ("--system", name)]
    asked = ("evaluate", "--labels", "50%", "--truth", world.truth, *named)
    answer = call("-w", workspace, *asked, "--json")
    assert answer.code == 0, answer.err
    body = json.loads(answer.out)
    rows = {(row["system"], row["labels"]): row["share"] for row in body["rows"]}
    assert list(rows) == [(name, share) for name in systems for share in (0.5, 1.0)]
    assert rows["cnn", 1.0] != rows["cnn", 0.5]
    reports = workspace / "reports"
    assert body == json.loads((reports / "evaluation-labels.json").read_text())
    assert "<img " in (reports / "evaluation-labels.html").read_text()
    again = call("-w", workspace, *asked)
    assert again.code == 0, again.err
    assert again.out == (reports / "evaluation-labels.txt").read_text() + "\n"
    kept = json.loads((reports / "evaluation-labels.json").read_text())
    assert kept["rows"] == body["rows"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--vary", "hiden=0"), "unknown key hiden"),
        (("--vary", "hidden=-1"), "hidden=-1"),
        (("--labels", "50", "--system", "random"), "'random' learns nothing from labels"),
    ],
)
def test_what_the_recipe_would_not_take(workspace, arguments, said) -> None:
    failed(call("-w", workspace, "evaluate", *arguments), said)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--labels", "few"), "must be percentages"),
        (("--labels", "0,50"), "must be percentages"),
        (("--labels", "--thin"), "--labels has no place with --thin"),
        (("--vary", "hidden=8", "--reach"), "--vary has no place with --reach"),
        (("--losses", "--thin"), "--losses has no place with --thin"),
        (("--neighbours", "--rank", "artists"), "--rank has no place with --neighbours"),
        (("--neighbours", "--seed", "0"), "--seed has no place with --neighbours"),
    ],
)
def test_wrong_usage(workspace, arguments, said) -> None:
    answer = call("-w", workspace, "evaluate", *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err
