"""The command ``forget-user``."""

from __future__ import annotations

import json

from ..conftest import call


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
