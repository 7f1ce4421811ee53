"""The command ``pretrained``."""

from __future__ import annotations

from audiorec.models.pretrained import PRETRAINED

from ..helpers import answer_json, call, failed


def test_every_network_is_listed_and_described():
    answer = call("pretrained", "list")
    assert answer.code == 0, answer.err
    for name in PRETRAINED:
        assert name in answer.out
        described = call("pretrained", "info", name)
        assert described.code == 0 and "licence" in described.out.lower()
        assert answer_json("pretrained", "info", name)["name"] == name
    listed = answer_json("pretrained", "list")
    assert [one["name"] for one in listed] == list(PRETRAINED)
    assert {one["fetched"] for one in listed} <= {True, False}


def test_a_network_that_there_is_not():
    failed(call("pretrained", "info", "no-such"), "no-such", "take one of")
