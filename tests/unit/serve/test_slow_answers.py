"""Answers of the API by sessions and by sound: those of the command line."""

from __future__ import annotations

import json

import polars as pl
import pytest
from click.testing import CliRunner

from audiorec.cli import cli
from audiorec.data import import_plays
from audiorec.data.catalog import Catalog
from audiorec.exceptions import ArtifactError
from audiorec.mel import compute_mels
from audiorec.models import save_model
from audiorec.serve.api.recommendations import TrackPair, occluded_pair
from audiorec.sessions import GRU4RecConfig, SessionsConfig, train_sessions

from ..models.conftest import MEL, make_model
from .conftest import make_workspace

API = "/api/v1"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory, write_audio):
    """With a network that learned nothing, and sessions that go round a ring of twelve tracks."""
    made = make_workspace(tmp_path_factory.mktemp("slow"), write_audio)
    with Catalog(made.catalog) as catalog:
        compute_mels(made.mels, catalog, config=MEL, n_jobs=1)
    save_model(made.model, make_model(), inputs={})
    rows = [
        (("me", "ann")[session % 2], f"t{(session + step) % 12:02d}", 7200 * session + 200 * step)
        for session in range(40)
        for step in range(4)
        if session % 2 or (session + step) % 12 < 9
    ]
    plays = made.root.parent / "timed.csv"
    schema = ["user_id", "track_id", "timestamp"]
    pl.DataFrame(rows, schema=schema, orient="row").write_csv(plays)
    import_plays(made.plays, plays)
    gru = GRU4RecConfig(layers=(4,), batch_size=8, n_epochs=1, n_sample=4)
    train_sessions(made, config=SessionsConfig(), gru=gru, inputs={})
    return made


@pytest.fixture
def client(workspace):
    from starlette.testclient import TestClient

    from audiorec.serve import create_app

    with TestClient(create_app(workspace), base_url="http://127.0.0.1:8337") as client:
        yield client


def track_of(workspace, track_id):
    with Catalog(workspace.catalog, read_only=True) as catalog:
        return catalog.get(track_id)


def said(workspace, *arguments):
    done = CliRunner().invoke(cli, ["-w", str(workspace.root), *arguments, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.mark.parametrize("user", [None, "me"])
def test_recommend_by_session_is_that_of_the_command(client, workspace, user):
    body = {"session": ["t03", "Song 04"], "k": 5, **({"user": user} if user else {})}
    answer = client.post(f"{API}/recommend", json=body)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    names = ["--session", "t03", "--session", "Song 04", "-k", "5"]
    own = said(workspace, "recommend", *([user] if user else []), *names)
    ids = [hit["track_id"] for hit in told["results"]]
    assert ids == [hit["track_id"] for hit in own["results"]] and len(ids) == 5
    assert not {"t03", "t04"} & set(ids)
    assert (told["space"], told["session"]) == (own["space"], ["t03", "t04"])
    if user is None:
        assert ids == [
            hit["track_id"]
            for hit in client.post(
                f"{API}/next", json={"tracks": body["session"], "k": 5}
            ).json()["results"]
        ]  # fmt: skip
    else:
        alone = client.post(f"{API}/recommend", json={"user": user, "k": 5}).json()
        assert ids != [hit["track_id"] for hit in alone["results"]]


def test_a_session_with_filters_is_refused(client):
    for more in ({"per_artist": 1}, {"filters": {"genre": ["jazz"]}}):
        answer = client.post(f"{API}/recommend", json={"session": ["t03"], **more})
        assert answer.status_code == 422 and "leave session away" in answer.json()["detail"]


def test_explain_by_sound_is_that_of_the_command(client, workspace, tmp_path):
    asked = {"a": "t03", "b": "Song 20"}
    assert client.get(f"{API}/explain", params=asked).json()["sound"] is None
    answer = client.get(f"{API}/explain", params={**asked, "sound": True})
    assert answer.status_code == 200, answer.text
    assert answer.json()["sound"] == said(workspace, "explain", "t03", "t20", "--sound")["sound"]
    assert len(answer.json()["sound"][0]["seconds"]) == 10
    pair = TrackPair(str(workspace.root), *(track_of(workspace, id_) for id_ in ("t03", "t20")))
    assert str(pair) == "the match of t03 and t20"
    assert len(occluded_pair(pair)[0].seconds) == 10  # in the worker
    workspace.model.rename(tmp_path / "model")
    try:
        assert isinstance(occluded_pair(pair), ArtifactError)
        answer = client.get(f"{API}/explain", params={**asked, "sound": True})
    finally:
        (tmp_path / "model").rename(workspace.model)
    assert answer.status_code == 409 and "'audiorec train'" in answer.json()["detail"]
