"""The command ``forget-user``."""

from __future__ import annotations

import json

from ..conftest import call


def test_a_listener_under_two_names_is_forgotten(tmp_path):
    """What was stored under the name and under its pseudonym."""
    workspace = tmp_path / "ws"
    for track, how in (("x", []), ("y", ["--pseudonymise"])):
        file = tmp_path / f"{track}.csv"
        file.write_text(f"user_id,track_id,plays\nanna,{track},1\nben,{track},1\n")
        call("-w", workspace, "plays", file, *how)
    answer = call("-w", workspace, "forget-user", "anna", "--json")
    assert json.loads(answer.out)["rows"] == 2
    left = json.loads(call("-w", workspace, "status", "--json").out)
    assert left["listeners"] == 2, "ben, under two names"


def test_a_listener_is_forgotten_everywhere(listened_copy):
    answer = call("-w", listened_copy, "forget-user", "jellyfin", "--json")
    assert answer.code == 0, answer.err
    gone = json.loads(answer.out)
    assert gone["rows"] > 0 and gone["factors"]
    left = b"".join(path.read_bytes() for path in listened_copy.rglob("*") if path.is_file())
    assert "jellyfin".encode("utf-32-le") not in left, "in the ids of the factors"
    assert call("-w", listened_copy, "recommend", "jellyfin").code == 1
    assert call("-w", listened_copy, "forget-user", "jellyfin").code == 1
    again = call("-w", listened_copy, "recommend", "lastfm")
    assert again.code == 1 and "run 'audiorec run' again" in again.err, "it is to be learned anew"
