"""The command ``playlists``."""

from __future__ import annotations

from ..helpers import call, failed


def test_a_template_is_saved_listed_and_refreshed(workspace):
    assert call("-w", workspace, "playlists", "add", "clusters").code == 0
    assert "clusters" in call("-w", workspace, "playlists", "list").out
    answer = call("-w", workspace, "playlists", "refresh")
    assert answer.code == 0, answer.err


def test_a_template_that_there_is_not(workspace):
    failed(call("-w", workspace, "playlists", "add", "no-such"), "no-such")
