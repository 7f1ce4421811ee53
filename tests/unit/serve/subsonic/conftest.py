"""A small library with tags and a server on it, for players to call."""

from __future__ import annotations

import io
import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import httpx
import numpy as np
import pytest
import schemathesis
import soundfile
import uvicorn
from mutagen.flac import FLAC, Picture
from PIL import Image
from starlette.testclient import TestClient

from audiorec.data import file_of
from audiorec.data.catalog import Catalog, FileRow, Track
from audiorec.embeddings import Embeddings
from audiorec.index import IndexConfig, build_index
from audiorec.serve import ServeSettings, add_key, add_user, create_app, users_file
from audiorec.workspace import Workspace

from ....waiting import wait_until

SPECIFICATION = Path(__file__).parents[3] / "data" / "opensubsonic" / "openapi.json"
NAME, PASSWORD = "ann", "sesame-öffne"
OTHER, OTHER_PASSWORD = "bob", "correct-horse"
HOSTILE = """<script>alert("x")</script> & 'quotes' ]]> \u0007"""
N_ARTISTS, N_ALBUMS, N_SONGS = 12, 2, 5
GENRES = ("Rock; Indie", "Jazz", "Folk", "")


class Served(NamedTuple):
    """A running server: where, on what, and how to come in."""

    url: str
    port: int
    workspace: Workspace
    music: Path
    key: str


def tracks_of(music) -> list[Track]:
    """120 songs by 12 artists, and some that are filed oddly."""
    tracks = [
        Track(
            f"a{artist:02d}-{album}-{song}",
            str(music / f"Artist {artist:02d}" / f"Album {album}" / f"{song}.flac"),
            artist=("The " if artist == 3 else "") + f"Artist {artist:02d}",
            title=f"Song {song} of {artist:02d}-{album}",
            album=f"Album {album}",
            year=1970 + 2 * artist + album,
            genre=GENRES[artist % 4],
            number=song,
        )
        for artist in range(N_ARTISTS)
        for album in range(N_ALBUMS)
        for song in range(1, N_SONGS + 1)
    ]
    for song, artist in enumerate(("Artist 00", "Artist 01", "Guest feat. Artist 02"), start=1):
        path = str(music / "Compilations" / "Best of All" / f"{song}.flac")
        tracks.append(Track(f"va-{song}", path, artist=artist, title=f"Hit {song}",
                            album="Best of All", number=song))  # fmt: skip
    for disc in (1, 2):
        path = str(music / "Long" / f"CD {disc}" / "1.flac")
        tracks.append(Track(f"long-{disc}", path, artist="Björk Ünsal", title=f"Part {disc}",
                            album="Long", number=1))  # fmt: skip
    for number, times in enumerate(("0.000,0.040", "0.040,"), start=1):
        path = str(music / "Sheet" / f"album.flac#t={times}")
        tracks.append(Track(f"cue-{number}", path, artist="Cutter", title=f"Cut {number}",
                            album="Sheet", number=number))  # fmt: skip
    tracks.append(Track("odd/1", str(music / "loose.flac"), title=HOSTILE, genre="R&B"))
    return tracks


def make_workspace(folder, *, index: bool = True) -> Workspace:
    """A workspace with the songs as files, and with vectors by artist and album."""
    workspace = Workspace(folder / "ws")
    workspace.create()
    music = folder / "music"
    tracks = tracks_of(music)
    cover = io.BytesIO()
    Image.new("RGB", (640, 640), "red").save(cover, "PNG")
    sound, y = io.BytesIO(), 0.1 * np.sin(np.outer(np.arange(4410), [0.1, 0.2]))
    soundfile.write(sound, y, 44100, format="FLAC")
    with Catalog(workspace.catalog) as catalog:
        rows = []
        for number, track in enumerate(tracks):
            path = Path(file_of(track.path))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(sound.getvalue())
            if track.track_id.startswith("a00-0"):
                tagged, picture = FLAC(path), Picture()
                picture.type, picture.mime, picture.data = 3, "image/png", cover.getvalue()
                tagged.add_picture(picture)
                tagged.save()
            state = path.stat()
            full = replace(
                track, duration=180.0 + number, sr=44100, channels=1, format="flac",
                clip_hash=str(number),
            )  # fmt: skip
            rows.append(FileRow(full, state.st_size, state.st_mtime_ns - number * 10**9))
        catalog.upsert(rows)
    if index:
        save_index(workspace, [track.track_id for track in tracks])
    return workspace


def save_index(workspace: Workspace, ids: list[str]) -> None:
    """Vectors in which an album's songs lie nearest each other, then the artist's."""
    rng = np.random.default_rng(0)
    parts = {}
    for id_ in ids:
        for length in (3, 5):
            parts.setdefault(id_[:length], rng.standard_normal(16))
    vectors = [
        parts[i[:3]] + 0.4 * parts[i[:5]] + 0.2 * rng.standard_normal(16) for i in ids
    ]  # fmt: skip
    embeddings = Embeddings(ids, np.array(vectors, dtype=np.float32))
    made = embeddings.save(workspace.embeddings)
    built = build_index(embeddings, config=IndexConfig(kind="exact"))
    built.save(workspace.index, inputs={"embeddings": made.fingerprint})


def run_server(workspace: Workspace, music):
    """A server in a thread, as `audiorec serve` runs it; yields where."""
    app = create_app(workspace, settings=ServeSettings(music=(music,)))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started or not thread.is_alive())
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield port
    finally:
        server.should_exit = True
        thread.join(timeout=60)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A server with two users."""
    folder = tmp_path_factory.mktemp("served")
    workspace = make_workspace(folder)
    file = users_file(workspace)
    add_user(file, NAME, PASSWORD)
    add_user(file, OTHER, OTHER_PASSWORD)
    key = add_key(file, NAME)
    for port in run_server(workspace, folder / "music"):
        yield Served(f"http://127.0.0.1:{port}", port, workspace, folder / "music", key)


@pytest.fixture(scope="module")
def client(served):
    """A connection that is kept open."""
    with httpx.Client(base_url=served.url, timeout=60) as http:
        yield http


class Small(NamedTuple):
    """A server in this process, on four songs in two folders, without files or an index."""

    client: TestClient
    workspace: Workspace

    def ask(self, method, **parameters):
        """The content of the envelope."""
        login = {"u": NAME, "p": PASSWORD, "f": "json", "c": "tests", "v": "1.16.1"}
        response = self.client.get(f"/rest/{method}", params=login | parameters)
        assert response.status_code == 200
        return response.json()["subsonic-response"]

    def message(self, method, **parameters):
        """The code and the message of what must fail."""
        answer = self.ask(method, **parameters)
        assert answer["status"] == "failed", answer
        return answer["error"]["code"], answer["error"]["message"]


@pytest.fixture
def small(tmp_path):
    """Ann's server on the folders "one" and "two", each with two songs."""
    workspace = Workspace(tmp_path / "ws")
    workspace.create()
    roots = tmp_path / "one", tmp_path / "two"
    for root in roots:
        root.mkdir()
    with Catalog(workspace.catalog) as catalog:
        for root in roots:
            for disc in (1, 2):
                id_ = f"{root.name}-{disc}"
                catalog.upsert(Track(id_, str(root / "Album" / f"CD {disc}" / "1.flac"), "Ann",
                                     f"Song {id_}", f"Album {root.name}", genre="Rock",
                                     number=1, disc=disc))  # fmt: skip
    app = create_app(workspace, settings=ServeSettings(music=roots))
    with TestClient(app, base_url="http://127.0.0.1:8337") as http:
        add_user(users_file(workspace), NAME, PASSWORD)
        yield Small(http, workspace)


def specification():
    """The specification's description; a login is put in by the tests."""
    return schemathesis.openapi.from_dict(json.loads(SPECIFICATION.read_text()))


@pytest.fixture(scope="session")
def described():
    """How the specification describes each method that is called by GET."""
    found = (result.ok() for result in specification().get_all_operations())
    return {each.path.removeprefix("/rest/"): each for each in found if each.method == "get"}


@pytest.fixture(scope="module")
def ask(served, client, described):
    """Call a method as Ann, by her key; returns the envelope's content, which fits its schema."""

    def asked(method, *, user=NAME, **parameters):
        login = {"apiKey": served.key} if user == NAME else {"u": OTHER, "p": OTHER_PASSWORD}
        parameters = {"f": "json", "c": "tests", "v": "1.16.1"} | login | parameters
        response = client.get(f"/rest/{method}", params=parameters)
        assert response.status_code == 200
        assert response.headers["content-type"] == "application/json"
        if method in described:
            described[method].validate_response(response)
        return response.json()["subsonic-response"]

    return asked


@pytest.fixture(scope="module")
def done(ask):
    """The same of what must succeed."""

    def asked(method, **parameters):
        answer = ask(method, **parameters)
        assert answer["status"] == "ok", answer
        return answer

    return asked


@pytest.fixture(scope="module")
def error(ask):
    """The code of what must fail."""

    def asked(method, **parameters):
        answer = ask(method, **parameters)
        assert answer["status"] == "failed" and answer["error"]["message"], answer
        return answer["error"]["code"]

    return asked
