"""The command ``explain``."""

from __future__ import annotations

from ..helpers import answer_json, call, failed


def test_a_pair_in_words_and_as_json(finished):
    first, second = "t000000", "t000001"
    answer = call("-w", finished, "explain", first, second)
    assert answer.code == 0, answer.err
    assert "listeners: " in answer.out and "neighbours: " in answer.out
    told = answer_json("-w", finished, "explain", first, second)
    turned = answer_json("-w", finished, "explain", second, first)
    assert told["listeners"]["both"] == turned["listeners"]["both"]


def test_seconds_are_those_of_the_recording(finished):
    pair = ["-w", finished, "explain", "t000000", "t000001", "--sound"]
    sounds, text = answer_json(*pair)["sound"], call(*pair).out
    n_named = 0
    for found in sounds:
        (start,) = found["clip_starts"]
        best = max(found["seconds"], key=lambda part: part["loss"])
        if best["loss"] > 0:
            n_named += 1
            assert f"{start + best['start']:.0f}-{start + best['end']:.0f} s (" in text
    assert n_named
    file = finished / "why.svg"
    assert call("-w", finished, "explain", "t000000", "t000001", "--picture", file).code == 0
    file.unlink()


def test_one_track_or_an_unknown_one(finished):
    assert call("-w", finished, "explain", "t000000").code == 2
    pair = ["-w", finished, "explain", "t000000", "t000001"]
    failed(call(*pair, "--popularity", "1"), "leave --popularity out", code=2)
    failed(call(*pair, "--picture", "why.doc"), "why.doc must end in one of", code=2)
    failed(call("-w", finished, "explain", "t000000", "no such track"), "no such track")
