"""A workspace of sessions without any audio, and one with content vectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from audiorec.data import import_plays
from audiorec.data.catalog import Catalog, Track
from audiorec.embeddings import Embeddings
from audiorec.sessions import GRU4RecConfig, SessionsConfig, train_sessions
from audiorec.workspace import Workspace

N = 12
CONFIG = SessionsConfig()
GRU = GRU4RecConfig(
    layers=(12,), batch_size=8, n_epochs=4, n_sample=12, learning_rate=0.1, dropout_p_hidden=0.0
)


def ring_plays(n_sessions: int = 60, *, without: int | None = None) -> str:
    """Sessions that go round a ring of tracks, one way, an hour apart, as CSV."""
    rng = np.random.default_rng(0)
    lines = ["user_id,track_id,plays,timestamp,skipped"]
    for number in range(n_sessions):
        start, length = int(rng.integers(N)), int(rng.integers(3, 7))
        for step in range(length):
            track = (start + step) % N
            if track != without:
                lines.append(f"u{number % 5},t{track:02d},1,{number * 7200 + step * 200},0")
    return "\n".join(lines) + "\n"


def ring_vectors(*extra: str) -> Embeddings:
    """Content of the ring: an angle each, and of more tracks between them."""
    angle = 2 * np.pi * np.arange(N) / N
    more = 2 * np.pi * (np.arange(len(extra)) + 0.5) / N
    angles = np.concatenate([angle, more])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    return Embeddings([*(f"t{i:02d}" for i in range(N)), *extra], vectors)


def make_workspace(root: Path, plays: str) -> Workspace:
    """A workspace with these plays."""
    workspace = Workspace(root)
    workspace.create()
    file = root.with_suffix(".csv")
    file.write_text(plays)
    import_plays(workspace.plays, file)
    return workspace


@pytest.fixture(scope="session")
def silent_workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Plays and no audio at all, learned from."""
    workspace = make_workspace(tmp_path_factory.mktemp("silent") / "w", ring_plays())
    train_sessions(workspace, config=CONFIG, gru=GRU, inputs={})
    return workspace


@pytest.fixture(scope="session")
def content_workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Content vectors for every track, nobody having played t05; all but t11 are catalogued."""
    place = tmp_path_factory.mktemp("content") / "w"
    workspace = make_workspace(place, ring_plays(without=5))
    ring_vectors().save(workspace.embeddings, inputs={"model": "m"})
    with Catalog(workspace.catalog) as catalog:
        catalog.upsert(
            [Track(f"t{i:02d}", f"/music/{i}.flac", artist=f"A{i}", title=f"T{i}")
             for i in range(N - 1)]
        )  # fmt: skip
    train_sessions(workspace, config=CONFIG, gru=GRU, inputs={"model": "m"})
    return workspace
