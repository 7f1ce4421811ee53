"""A library of made-up vectors on which what is right is known."""

from __future__ import annotations

import numpy as np
import pytest

from audiorec.data.catalog import Catalog, Track
from audiorec.embeddings import Embeddings
from audiorec.index import IndexConfig, build_index
from audiorec.recommend import Library
from audiorec.workspace import Workspace

N, DIM = 240, 8
SEEDS = {  # what a playlist of each kind can start from
    "near": {"seeds": ("t000", "t100")},
    "continue": {"seeds": ("t000", "t001", "t002")},
    "path": {"seeds": ("t000", "t100")},
    "arc": {"seeds": ("t005",)},
    "radio": {"seeds": ("t007",)},
    "listener": {"users": ("me",)},
    "mix": {"users": ("me", "you")},
}


def make_workspace(path, vectors, *, n_artists=40, durations=None):
    """A workspace that places tracks by sound alone; `t000` and on, artists in turn."""
    workspace = Workspace(path)
    workspace.create()
    ids = [f"t{row:03d}" for row in range(len(vectors))]
    with Catalog(workspace.catalog) as catalog:
        catalog.upsert(
            Track(
                id_, f"/m/{id_}.mp3", f"Artist {row % n_artists}", f"Title {row:03d}",
                album=f"Album {row % (2 * n_artists)}", year=1960 + row % 50,
                genre=("jazz", "rock", "deep house")[row % 3], clip_hash=str(row),
                duration=180.0 + (row * 37) % 120 if durations is None else durations[row],
            )
            for row, id_ in enumerate(ids)
        )  # fmt: skip
    embeddings = Embeddings(ids, vectors)
    made = embeddings.save(workspace.embeddings)
    index = build_index(embeddings, config=IndexConfig(kind="exact"))
    index.save(workspace.index, inputs={"embeddings": made.fingerprint}, extra={"target": "sound"})
    return workspace


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    vectors = np.random.default_rng(0).standard_normal((N, DIM)).astype(np.float32)
    return make_workspace(tmp_path_factory.mktemp("playlists") / "ws", vectors)


@pytest.fixture(scope="module")
def library(workspace):
    return Library(workspace)
