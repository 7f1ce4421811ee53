"""The specification's OpenAPI drives a running server: no 5xx, no answer outside its schema."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

SPECIFICATION = Path(__file__).parents[3] / "data" / "opensubsonic" / "openapi.json"
# How many requests of each of the 170 operations; the whole run was made with 100.
EXAMPLES = int(os.environ.get("AUDIOREC_SUBSONIC_EXAMPLES", "3"))
LOGIN = {"f": "json", "c": "schemathesis", "v": "1.16.1"}
# Their MIME type is that of the file, which the specification cannot name.
BINARY = (
    "getTranscodeStream",
    "stream",
    "download",
    "getCoverArt",
    "getAvatar",
    "getCaptions",
    "hls.m3u8",
)


OPERATIONS = [
    result.ok() for result in schemathesis.openapi.from_path(SPECIFICATION).get_all_operations()
]


@pytest.fixture(scope="module")
def known(ask):
    """Ids of things that are there, by the parameters that name them."""
    albums = [
        each["id"] for each in ask("getAlbumList2", type="newest", size=5)["albumList2"]["album"]
    ]
    songs = ["a00-0-1", "a05-1-2", "odd/1"]
    artist = ask("getSong", id="a00-0-1")["song"]["artistId"]
    playlist = ask("createPlaylist", name="kept", songId=songs)["playlist"]["id"]
    ids = [*songs, *albums, artist, playlist]
    return {
        "id": ids, "songId": songs, "albumId": albums, "artistId": [artist], "mediaId": songs,
        "startSongId": songs, "endSongId": songs, "playlistId": [playlist], "songIdToAdd": songs,
        "username": ["ann"], "current": songs, "genre": ["Rock", "Jazz"], "artist": ["Artist 01"],
        "query": ["", '""', "song"], "musicFolderId": ["1"],
    }  # fmt: skip


@pytest.fixture(scope="module")
def session():
    """A connection that is kept open."""
    with requests.Session() as opened:
        yield opened


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: f"{o.method} {o.path}")
def test_every_operation_answers_within_its_schema(operation, served, session, known):
    name = operation.path.removeprefix("/rest/")
    by_query = operation.method.upper() == "GET"

    @settings(
        max_examples=EXAMPLES, database=None, derandomize=EXAMPLES < 10, deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(), data=st.data())
    def check(case, data):
        sent = case.query if by_query else case.body
        for key in sent if isinstance(sent, dict) else ():
            if key in known and data.draw(st.booleans()):
                value = data.draw(st.sampled_from(known[key]))
                sent[key] = [value] if isinstance(sent[key], list) else value
        response = case.call(served.url, session=session, params=LOGIN | {"apiKey": served.key})
        checks = [not_a_server_error, status_code_conformance]
        if name in BINARY:
            if response.headers["content-type"] == ["application/json"]:
                assert response.json()["subsonic-response"]["status"] == "failed"
        else:
            checks += [content_type_conformance, response_schema_conformance]
        case.validate_response(response, checks=checks)

    check()
