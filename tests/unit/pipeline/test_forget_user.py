"""A listener removed from everything that is stored of listeners."""

from __future__ import annotations

import numpy as np
import pytest

from audiorec import artifacts
from audiorec.data import import_plays
from audiorec.data.plays import load_plays
from audiorec.embeddings import Embeddings
from audiorec.exceptions import NewerError, NotFoundError
from audiorec.factors import Factors, load_factors, save_factors
from audiorec.pipeline import forget
from audiorec.workspace import Workspace


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    """Plays, factors and sessions of two listeners."""
    workspace = Workspace(tmp_path / "w")
    workspace.create()
    table = tmp_path / "plays.csv"
    table.write_text("user_id,track_id,plays\nanna,a,1\nanna,b,1\nben,a,2\n")
    import_plays(workspace.plays, table)
    vectors = np.eye(2, dtype=np.float32)
    factors = Factors(Embeddings(["anna", "ben"], vectors), Embeddings(["a", "b"], vectors))
    save_factors(workspace.factors, factors, inputs={"plays": "before"})
    arrays = {"x": np.zeros(1)}
    artifacts.save(workspace.sessions, kind="sessions", arrays=arrays, config={}, inputs={})
    return workspace


def test_nothing_is_left_of_them(workspace):
    assert forget(workspace, "anna") == (2, True, True)
    assert load_plays(workspace.plays)["user_id"].to_list() == ["ben"]
    factors = load_factors(workspace.factors)
    assert factors.users.ids == ("ben",) and factors.users["ben"].tolist() == [0.0, 1.0]
    assert factors.tracks.ids == ("a", "b")
    manifest = artifacts.load_manifest(workspace.factors, kind="factors")
    assert manifest.inputs["plays"] != "before", "the next run learns them anew"
    assert not workspace.sessions.exists()
    for form in ("utf-8", "utf-32-le"):
        name = "anna".encode(form)
        assert not any(name in p.read_bytes() for p in workspace.root.rglob("*") if p.is_file())
    with pytest.raises(NotFoundError, match="unknown listener 'anna': nothing of them is stored"):
        forget(workspace, "anna")


def test_where_there_are_plays_alone(tmp_path):
    workspace = Workspace(tmp_path)
    table = tmp_path / "plays.csv"
    table.write_text("user_id,track_id,plays\nanna,a,1\n")
    import_plays(workspace.plays, table)
    assert forget(workspace, "anna") == (1, False, False)
    assert not artifacts.exists(workspace.plays)


def test_damaged_factors_keep_no_name(workspace):
    manifest = artifacts.load_manifest(workspace.factors, kind="factors")
    torn = workspace.factors / manifest.files["user_factors"].file
    torn.write_bytes(torn.read_bytes()[:-1])
    assert forget(workspace, "anna") == (2, True, True)
    assert not workspace.factors.exists()
    for form in ("utf-8", "utf-32-le"):
        name = "anna".encode(form)
        assert not any(name in p.read_bytes() for p in workspace.root.rglob("*") if p.is_file())
    assert forget(workspace, "ben") == (1, False, False)


def test_sessions_go_though_a_newer_version_wrote_the_factors(workspace, monkeypatch):
    def newer(directory):
        raise NewerError(f"{directory} is of a newer version; upgrade audiorec")

    monkeypatch.setattr("audiorec.pipeline.forget_user.load_factors", newer)
    with pytest.raises(NewerError, match="upgrade audiorec"):
        forget(workspace, "anna")
    assert load_plays(workspace.plays)["user_id"].to_list() == ["ben"]
    assert not workspace.sessions.exists() and artifacts.exists(workspace.factors)
