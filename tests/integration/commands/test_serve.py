"""The command ``serve``; what it serves is tested in ``tests/unit/serve``."""

from __future__ import annotations

import re

import polars as pl
import pytest

from ..helpers import call, failed


def test_users_have_commands_of_their_own():
    answer = call("serve", "user", "--help")
    assert answer.code == 0
    assert all(name in answer.out for name in ("add", "key", "list", "remove"))


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_a_port_that_is_none(tmp_path, port):
    assert call("-w", tmp_path, "serve", "--port", port).code == 2


def test_an_address_of_others_needs_a_user(finished):
    pytest.importorskip("uvicorn", reason="no uvicorn: pip install 'audiorec-music[serve]'")
    failed(call("-w", finished, "serve", "--host", "0.0.0.0", "--port", "0"), "user")


def test_pages_of_a_library_with_listening_and_copies(finished, world):
    pytest.importorskip("fastapi", reason="no FastAPI: pip install 'audiorec-music[serve]'")
    from starlette.testclient import TestClient

    from audiorec.recommend import Library
    from audiorec.serve import create_app
    from audiorec.workspace import Workspace

    workspace = Workspace(finished)
    user = pl.read_csv(world.plays_csv)["user_id"][0]
    with TestClient(create_app(workspace), base_url="http://127.0.0.1:8337") as client:
        gems = client.get(f"/listener?user={user}").text.split(">Hidden gems</h2>")[1]
        library = client.get("/library").text
    hits = Library(workspace).recommend(user, k=20, popularity=-1.0, per_artist=3)
    assert re.findall(r'class="track" data-id="(.+?)"', gems.split("</section>")[0]) == [
        hit.track_id for hit in hits
    ]
    groups = set(Library(workspace).duplicates.values())
    assert f"One recording, several files: {len(groups)}" in library and groups
