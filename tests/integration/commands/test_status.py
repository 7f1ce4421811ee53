"""The command ``status``."""

from __future__ import annotations

import json

from ..conftest import call


def test_status_counts_listening(listened):
    held = json.loads(call("-w", listened, "status", "--json").out)
    assert held["tracks"] < held["tracks_with_listening"], "some of it has no audio"
    assert held["listeners"] > 150 and held["plays"] > held["listeners"]


def test_status_tells_who_said_words(tagged, words, finished):
    told = call("-w", tagged, "status").out
    heard = sum(bool(own) for own in words.values())
    assert f"words      {heard} tracks by musicnn-msd\n" in told
    assert "words      none yet: run 'audiorec tags --all'\n" in call("-w", finished, "status").out
