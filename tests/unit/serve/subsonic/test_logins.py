"""Who may not come in, on servers of their own."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from audiorec.data.catalog import Catalog
from audiorec.serve import add_user, create_app, users_file
from audiorec.serve.subsonic.service import METHODS
from audiorec.workspace import Workspace


@pytest.fixture
def workspace(tmp_path):
    workspace = Workspace(tmp_path / "ws")
    workspace.create()
    Catalog(workspace.catalog).close()
    return workspace


def answer(client, method="ping", **parameters):
    response = client.get(f"/rest/{method}", params={"f": "json"} | parameters)
    assert response.status_code == 200
    return response.json()["subsonic-response"]


def test_off_until_there_is_a_user(workspace):
    with TestClient(create_app(workspace), base_url="http://127.0.0.1") as client:
        for method in ("ping", "getOpenSubsonicExtensions", "getArtists"):
            found = answer(client, method, u="me", p="x")
            assert found["error"]["code"] == 50 and "serve user add" in found["error"]["message"]
        add_user(users_file(workspace), "ann", "password1")
        assert answer(client, u="ann", p="password1")["status"] == "ok"
        # Without tracks nothing is similar, and no client is told that anything were.
        extensions = answer(client, "getOpenSubsonicExtensions")["openSubsonicExtensions"]
        assert {"name": "formPost", "versions": [1]} in extensions
        assert "sonicSimilarity" not in [each["name"] for each in extensions]
        found = answer(client, "search3", u="ann", p="password1", query="")
        assert found["searchResult3"] == {"artist": [], "album": [], "song": []}
        for method in ("getIndexes", "getArtists", "getMusicFolders", "getAlbumList2"):
            found = answer(client, method, u="ann", p="password1", type="newest")
            assert found["status"] == "ok"


def test_nobody_guesses_on_and_on(workspace):
    add_user(users_file(workspace), "ann", "password1")
    with TestClient(create_app(workspace), base_url="http://127.0.0.1") as client:
        codes = [answer(client, u="ann", p=f"wrong{n}")["error"]["code"] for n in range(6)]
        assert codes == [40] * 6
        blocked = answer(client, u="ann", p="password1")
        assert blocked["error"]["code"] == 40 and "too many" in blocked["error"]["message"]
        assert answer(client, apiKey="wrong")["error"]["code"] == 44


def test_an_unknown_user_is_as_wrong_as_a_password(workspace):
    add_user(users_file(workspace), "ann", "password1")
    with TestClient(create_app(workspace), base_url="http://127.0.0.1") as client:
        first, second = answer(client, u="ann", p="x"), answer(client, u="nobody", p="x")
        assert first["error"] == second["error"]
        token = hashlib.md5(b"salt").hexdigest()  # of no password at all
        assert answer(client, u="nobody", t=token, s="salt")["error"]["code"] == 40
        assert answer(client, apiKey="nobody's")["error"]["code"] == 44


def test_the_documents_name_every_method():
    text = (Path(__file__).parents[4] / "docs" / "serving.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\b[a-z]+[A-Za-z0-9]*\b", text))
    empty = {"getInternetRadioStations", "getPodcasts", "getNewestPodcasts", "getShares",
             "getVideos", "getLyrics", "getLyricsBySongId", "getAvatar"}  # fmt: skip
    assert set(METHODS) - empty <= named
