"""The command ``feedback``."""

from __future__ import annotations

from ..conftest import call


def test_likes_and_dislikes(listened_copy):
    answer = call("-w", listened_copy, "feedback", "dislike", "Nina Simone - Feeling Good")
    assert answer.code == 0 and answer.out.startswith("me: dislike Nina Simone - Feeling Good")
    assert "feedback" in call("-w", listened_copy, "plays", "list").out
    assert call("-w", listened_copy, "feedback", "clear", "song-0", "--user", "me").code == 0
    assert call("-w", listened_copy, "feedback", "clear", "song-0").code == 1
    assert call("-w", listened_copy, "feedback", "like", "nothing like it at all").code == 1
