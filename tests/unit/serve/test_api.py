"""The HTTP API: the answers of the library, as JSON."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from audiorec.data import find_tracks
from audiorec.data.catalog import Catalog
from audiorec.data.server import ServerStore
from audiorec.exceptions import ArtifactError
from audiorec.playlist import PlaylistRequest, build_playlist, find_replacement
from audiorec.recommend import Library
from audiorec.serve import create_app
from audiorec.serve.api.upload import Upload, similar_to
from audiorec.serve.library import SharedLibrary
from audiorec.serve.similar_batch import SearchOptions, SimilarBatch

from ...waiting import wait_until
from .conftest import put_index

API = "/api/v1"


def ids(answer) -> list[str]:
    return [hit["track_id"] for hit in answer.json()["results"]]


def test_answers_are_those_of_the_library(client, workspace):
    found = client.get(f"{API}/similar", params={"seed": "t03", "k": 5})
    own = Library(workspace).similar(["t03"], k=5)
    assert ids(found) == [hit.track_id for hit in own]
    scores = [hit["score"] for hit in found.json()["results"]]
    assert scores == pytest.approx([hit.score for hit in own])
    assert found.json()["results"][0]["duration"] == 2.0 and found.json()["query"] == ["t03"]
    body = {"seeds": ["t03", "Song 04"], "against": ["t05"], "k": 7, "per_artist": 1,
            "filters": {"genre": ["jazz"], "year": "1990-2020"}}  # fmt: skip
    answer = client.post(f"{API}/similar", json=body).json()["results"]
    assert answer and all(int(hit["track_id"][1:]) % 2 for hit in answer)
    assert len({hit["artist"] for hit in answer}) == len(answer)


def test_listeners_get_what_the_library_recommends(client, workspace):
    found = client.get(f"{API}/recommend", params={"k": 4})
    assert ids(found) == [hit.track_id for hit in Library(workspace).recommend("me", k=4)]
    assert found.json()["user"] == "me"
    assert client.get(f"{API}/recommend", params={"user": "nobody"}).status_code == 404
    listeners = client.get(f"{API}/listeners").json()
    assert {row["user"] for row in listeners["results"]} == {"me", "ann"} and listeners["n"] == 2


def test_words_find_what_the_command_finds(client, workspace):
    library = Library(workspace)
    for words in ("song 3", "ARTIST 7", "son 1 alb", "artist", "wav 12", "nothing such"):
        answer = client.get(f"{API}/find", params={"q": words, "limit": 1000})
        wanted = [track.track_id for track in find_tracks(library.catalog, [words])]
        assert ids(answer) == wanted, words
        assert answer.json()["n"] == len(wanted)
    pages = [ids(client.get(f"{API}/find", params={"limit": 15, "offset": n})) for n in (0, 15, 30)]
    whole = [id_ for page in pages for id_ in page]
    assert len(whole) == len(set(whole)) == 40
    assert client.get(f"{API}/track", params={"id": "t07"}).json()["artist"] == "Artist 7"


def test_playlists_of_every_kind_and_as_files(client, workspace):
    for kind in ("near", "continue", "path", "radio", "listener", "reorder"):
        body = {"kind": kind, "seeds": [] if kind == "listener" else ["t01", "t02"]}
        made = client.post(
            f"{API}/playlist", json=body | ({} if kind == "reorder" else {"length": 6})
        )
        assert made.status_code == 200, made.text
        wanted = PlaylistRequest(
            kind=kind, seeds=tuple(body["seeds"]), length=None if kind == "reorder" else 6,
            users=("me",),
        )  # fmt: skip
        own = build_playlist(Library(workspace), wanted)
        assert ids(made) == [hit.track_id for hit in own.hits]
        assert all(entry["reason"] for entry in made.json()["results"])
    for form in ("m3u8", "xspf", "jspf", "csv", "json"):
        body = {"track_ids": ["t01", "t02"], "format": form, "name": 'Été "1"/2'}
        file = client.post(f"{API}/playlist/file", json=body)
        assert b"01.wav" in file.content and "attachment" in file.headers["content-disposition"]
    assert client.post(f"{API}/recipes", json={"name": "a", "request": {"seeds": ["t01"]}}).json()
    assert client.get(f"{API}/recipes").json() == {"saved": ["a"]}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("post", "recipes", {"name": "a", "request": {"seeds": ["t01"]}}),
        ("post", "exclusions", {"kind": "genre", "value": "rock"}),
        ("post", "listening", {"kind": "like", "id": "t01"}),
        ("post", "listening", {"kind": "play", "id": "t01"}),
    ],
)
def test_what_a_disk_refuses_to_write_is_503(client, workspace, monkeypatch, method, path, body):
    def refuses(name, flags: int, **_: object) -> bool:
        writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        return bool(writes) and str(name).startswith(str(workspace.root))

    def full(*_):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    opened, of_path = os.open, Path.open

    def os_open(name, flags, *more, **named):
        return full() if refuses(name, flags) else opened(name, flags, *more, **named)

    def path_open(self, mode="r", *more, **named):
        writes = os.O_WRONLY if set(mode) & set("wax+") else 0
        return full() if refuses(self, writes) else of_path(self, mode, *more, **named)

    monkeypatch.setattr(os, "open", os_open)
    monkeypatch.setattr(Path, "open", path_open)
    monkeypatch.setattr(ServerStore, "_open_writer", full)
    answer = getattr(client, method)(f"{API}/{path}", json=body)
    assert answer.status_code == 503, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert "cannot be written" in answer.json()["detail"].lower()
    assert client.get(f"{API}/similar", params={"seed": "t01"}).status_code == 200


def test_a_dropped_track_is_replaced_by_another(client, workspace):
    body = {"track_ids": ["t01", "t02", "t03"], "position": 1, "dropped": ["t09"]}
    hit = client.post(f"{API}/playlist/replacement", json=body).json()
    assert hit["track_id"] not in {"t01", "t02", "t03", "t09"} and hit["rank"] == 2
    library = Library(workspace)
    again = find_replacement(library, ["t01", "t02", "t03"], position=1, dropped=["t09"])
    assert again.track_id == hit["track_id"]
    artists = {library.track(id_).artist for id_ in body["track_ids"]}
    assert hit["artist"] not in artists
    body["position"] = 3
    assert client.post(f"{API}/playlist/replacement", json=body).status_code == 422


def test_no_name_is_a_path_of_this_machine(client, workspace, tmp_path):
    outside = tmp_path / "secret.wav"
    outside.write_bytes(Path(Library(workspace).catalog.get("t01").path).read_bytes())
    listed = tmp_path / "list.m3u8"
    listed.write_text(str(outside))
    for name in (str(outside), str(listed), str(tmp_path), "/etc/passwd", "../../etc/passwd"):
        assert client.get(f"{API}/similar", params={"seed": name}).status_code == 404
        for kind in ("near", "radio"):
            body = {"kind": kind, "seeds": [name], "length": 3}
            answer = client.post(f"{API}/playlist", json=body)
            assert answer.status_code == 404 and "folder" not in answer.text
        for what in ("audio", "cover", "preview", "track", "spectrogram"):
            assert client.get(f"{API}/{what}", params={"id": name}).status_code in (404, 409)


def test_errors_are_problems_of_one_line(client):
    unknown = client.get(f"{API}/similar", params={"seed": "nothing like it"})
    assert unknown.status_code == 404
    assert unknown.headers["content-type"] == "application/problem+json"
    assert (
        set(unknown.json()) >= {"title", "status", "detail"}
        and "\n" not in unknown.json()["detail"]
    )
    wrong = client.post(f"{API}/similar", json={"seeds": ["t01"], "k": 0, "kk": 1})
    assert wrong.status_code == 422 and wrong.json()["detail"].startswith("k:")
    assert client.get(f"{API}/nothing").headers["content-type"] == "application/problem+json"
    no_models = client.post(f"{API}/next", json={"tracks": ["t01"]})
    assert no_models.status_code == 409 and "audiorec sessions" in no_models.json()["detail"]


def test_exclusions_are_honoured_at_once(client):
    before = ids(client.get(f"{API}/similar", params={"seed": "t03", "k": 39}))
    assert any(int(id_[1:]) % 2 for id_ in before)
    added = client.post(f"{API}/exclusions", json={"kind": "genre", "value": "jazz"}).json()
    assert added["hidden"] == 20 and added["exclusions"][0]["tracks"] == 20
    after = ids(client.get(f"{API}/similar", params={"seed": "t03", "k": 39}))
    assert after and not any(int(id_[1:]) % 2 for id_ in after)
    gone = client.delete(f"{API}/exclusions", params={"kind": "genre", "value": "jazz"}).json()
    assert gone == {"exclusions": [], "hidden": 0}
    assert client.get(f"{API}/exclusions").json() == gone


def test_status_is_that_of_the_command(client, workspace):
    from audiorec.pipeline import describe_workspace

    assert client.get(f"{API}/status").json() == describe_workspace(workspace)
    assert client.get(f"{API}/failures").json() == []
    assert client.get("/healthz").json()["status"] == "ok"


def test_explain_says_why(client):
    said = client.get(f"{API}/explain", params={"a": "t00", "b": "t02"}).json()
    assert said["listeners"]["both"] == 2 and said["words_both"] == ["rock"]
    assert client.get(f"{API}/explain", params={"a": "t00", "b": "t00"}).status_code == 422


def test_the_description_names_every_route(client):
    table = client.get(f"{API}/openapi.json").json()
    wanted = {"find", "track", "similar", "similar/upload", "recommend", "next", "playlist",
              "explain", "exclusions", "listeners", "status", "jobs", "jobs/events", "audio",
              "cover", "spectrogram", "preview", "listening"}  # fmt: skip
    assert {f"{API}/{name}" for name in wanted} <= set(table["paths"])
    assert "HTTPValidationError" not in table["components"]["schemas"]
    assert table["components"]["securitySchemes"]["key"]["scheme"] == "bearer"


def test_a_new_index_is_taken_over(client, workspace):
    first = ids(client.get(f"{API}/similar", params={"seed": "t03"}))
    put_index(workspace, 1)
    wait_until(lambda: ids(client.get(f"{API}/similar", params={"seed": "t03"})) != first)
    own = Library(workspace).similar(["t03"])
    assert ids(client.get(f"{API}/similar", params={"seed": "t03"})) == [h.track_id for h in own]


def test_a_file_that_is_sent_is_listened_to(client, workspace, tmp_path, tune, write_audio):
    """Here it is a copy of a track in another place, which no network has to be asked of."""
    from dataclasses import replace

    from audiorec.audio import IDENTITY_CLIP, clip_hash, decode_clips

    copy = write_audio(tmp_path / "copy.wav", tune(8))
    sound = clip_hash(decode_clips(copy, config=IDENTITY_CLIP).clips[0])
    with Catalog(workspace.catalog) as catalog:
        catalog.upsert(replace(catalog.get("t03"), clip_hash=sound))
    answer = client.post(
        f"{API}/similar/upload", params={"k": 4}, files={"file": ("x/../a.wav", copy.read_bytes())}
    )
    own = Library(workspace).similar(["t03"], k=4)
    assert ids(answer) == [hit.track_id for hit in own]
    in_the_worker = similar_to(Upload(str(workspace.root), str(copy), 4))
    assert [hit.track_id for hit in in_the_worker] == [hit.track_id for hit in own]
    text = client.post(f"{API}/similar/upload", files={"other": ("a.wav", b"x")})
    assert text.status_code == 422 and text.json()["detail"].startswith("file: the form has no")
    broken = client.post(f"{API}/similar/upload", files={"file": ("a.wav", b"RIFF nothing")})
    assert broken.status_code == 422
    detail = broken.json()["detail"]
    assert "the file sent" in detail and tempfile.gettempdir() not in detail


def test_a_workspace_without_listening_has_no_listeners(workspace):
    shutil.rmtree(workspace.plays)
    with TestClient(create_app(workspace), base_url="http://127.0.0.1:8337") as client:
        assert client.get(f"{API}/listeners").json() == {"n": 0, "results": []}


def test_without_a_catalogue_an_answer_says_to_scan(workspace):
    workspace.catalog.unlink()
    with TestClient(create_app(workspace), base_url="http://127.0.0.1:8337") as client:
        answer = client.get(f"{API}/similar", params={"seed": "t03"})
        assert answer.status_code == 503 and "run 'audiorec scan' first" in answer.json()["detail"]
        assert client.get(f"{API}/find").json()["n"] == 0


def test_questions_that_come_together_are_each_answered(workspace):
    """Those beyond one search, those whom nobody waits for, and where there is no index."""
    options = SearchOptions(k=3)
    seeds = [f"t{number % 40:02d}" for number in range(70)]

    async def ask():
        library = SharedLibrary(workspace)
        batch = SimilarBatch(library)
        asked = [asyncio.create_task(batch.similar(seed, options=options)) for seed in seeds]
        await asyncio.sleep(0)
        asked[1].cancel()
        answers = await asyncio.gather(*asked, return_exceptions=True)
        library.close()
        return answers

    answers = asyncio.run(ask())
    assert isinstance(answers.pop(1), asyncio.CancelledError)
    own = Library(workspace)
    for seed, answer in zip([seeds[0], *seeds[2:]], answers, strict=True):
        assert [hit.track_id for hit in answer] == [h.track_id for h in own.similar([seed], k=3)]
    shutil.rmtree(workspace.index)
    answers = asyncio.run(ask())
    assert {type(answer) for answer in answers} == {asyncio.CancelledError, ArtifactError}


def test_a_catalogue_that_is_damaged_meanwhile_is_said_and_the_one_before_answers(
    client, workspace, caplog
):
    assert client.get(f"{API}/find").json()["n"] == 40
    workspace.catalog.write_bytes(b"no database" * 1000)

    def said():
        assert client.get(f"{API}/find").json()["n"] == 40
        return "the catalogue could not be read again" in caplog.text

    wait_until(said)
