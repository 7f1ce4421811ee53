"""A small library with sound, plays and an index, and a client of its server."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from audiorec.data import import_plays
from audiorec.data.catalog import Catalog, Track
from audiorec.embeddings import Embeddings
from audiorec.index import IndexConfig, build_index
from audiorec.workspace import Workspace

pytest.importorskip("fastapi", reason="no FastAPI: pip install 'audiorec-music[serve]'")
N_TRACKS, DIM = 40, 8
RATE = 8000


def put_index(workspace: Workspace, seed: int) -> np.ndarray:
    """An index of made-up vectors in the workspace's place for it, of sound alone."""
    vectors = np.random.default_rng(seed).standard_normal((N_TRACKS, DIM)).astype(np.float32)
    embeddings = Embeddings([f"t{row:02d}" for row in range(N_TRACKS)], vectors)
    made = embeddings.save(workspace.embeddings)
    index = build_index(embeddings, config=IndexConfig(kind="exact"))
    index.save(
        workspace.index, inputs={"embeddings": made.fingerprint}, extra={"target": "content"}
    )
    return vectors


def make_workspace(folder: Path, write_audio) -> Workspace:
    """Forty tracks of ten artists, each two seconds of a tone of its own."""
    workspace = Workspace(folder / "ws")
    workspace.create()
    music = folder / "music"
    tracks = []
    for row in range(N_TRACKS):
        path = music / f"artist {row % 10}" / f"{row:02d}.wav"
        t = np.arange(2 * RATE) / RATE
        write_audio(path, (0.3 * np.sin(2 * np.pi * (200 + 10 * row) * t)).astype("f4"), sr=RATE)
        tracks.append(
            Track(
                f"t{row:02d}", str(path), f"Artist {row % 10}", f"Song {row:02d}",
                f"Album {row % 10}", 1990 + row, "jazz" if row % 2 else "rock", 2.0, RATE, 1,
                "wav", f"hash{row}", number=row // 10 + 1,
            )
        )  # fmt: skip
    with Catalog(workspace.catalog) as catalog:
        catalog.upsert(tracks)
    put_index(workspace, 0)
    rows = [(user, f"t{row:02d}") for user in ("me", "ann") for row in range(0, 12, 2)]
    plays = folder / "plays.csv"
    pl.DataFrame(rows, schema=["user_id", "track_id"], orient="row").write_csv(plays)
    import_plays(workspace.plays, plays)
    return workspace


@pytest.fixture(scope="session")
def make_serve_workspace(write_audio):
    """``make_serve_workspace(folder)``: such a workspace for a module of tests."""
    return lambda folder: make_workspace(folder, write_audio)


@pytest.fixture
def workspace(tmp_path, write_audio) -> Workspace:
    return make_workspace(tmp_path, write_audio)


@pytest.fixture
def client(workspace):
    """Who asks on 127.0.0.1 where there are no users: a program, not a browser."""
    from starlette.testclient import TestClient

    from audiorec.serve import create_app

    with TestClient(create_app(workspace), base_url="http://127.0.0.1:8337") as client:
        yield client
