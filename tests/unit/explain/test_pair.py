"""Why two tracks match, where the reason is known."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from audiorec.cli import cli
from audiorec.data import import_plays
from audiorec.data.catalog import Catalog, Track, save_descriptors
from audiorec.embeddings import Embeddings
from audiorec.exceptions import NotFoundError, ParameterError
from audiorec.explain import OccludedPart, draw_pair, explain_pair, strongest
from audiorec.explain.occlusion import hide
from audiorec.index import IndexConfig, build_index
from audiorec.recommend import Library
from audiorec.workspace import Workspace


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """Tracks on a half circle; 0 and 1 share listeners, words, key and tempo."""
    path = tmp_path_factory.mktemp("explain")
    workspace = Workspace(path / "ws")
    workspace.create()
    ids = [f"t{row:02d}" for row in range(80)]
    with Catalog(workspace.catalog) as catalog:
        catalog.upsert(
            Track(id_, f"/m/{id_}.mp3", f"A{row}", "Yesterday" if row < 2 else f"T{row}",
                  genre="jazz" if row < 5 else "rock", clip_hash=id_)
            for row, id_ in enumerate(ids)
        )  # fmt: skip
    angles = np.linspace(0, np.pi, 80)
    embeddings = Embeddings(ids, np.stack([np.cos(angles), np.sin(angles)], axis=1))
    made = embeddings.save(workspace.embeddings)
    index = build_index(embeddings, config=IndexConfig(kind="exact"))
    index.save(workspace.index, inputs={"embeddings": made.fingerprint}, extra={"target": "sound"})
    rows = [
        ("u1", "t00"),
        ("u1", "t01"),
        ("u2", "t00"),
        ("u2", "t01"),
        ("u3", "t79"),
        ("u4", "t79"),
    ]
    plays = pl.DataFrame(rows, schema=["user_id", "track_id"], orient="row")
    plays.with_columns(plays=1.0).write_csv(path / "plays.csv")
    import_plays(workspace.plays, path / "plays.csv")
    values = {"t00": [120, 21, -14, 2000, 1], "t01": [121, 21, -9, 2000, 1]}
    save_descriptors(
        workspace.descriptors, {i: (i, np.array(v, np.float32)) for i, v in values.items()}
    )
    return workspace


def test_what_they_have_in_common_and_what_not(workspace):
    found = explain_pair(Library(workspace), "t00", "A1 - Yesterday")
    assert (found.first, found.second, found.other_version) == ("t00", "t01", True)
    assert found.listeners == (2, 2, 2, 4, 1.0)
    assert (found.shared_neighbours, found.n_neighbours) == (4, 5) and found.percentile > 95
    assert found.words_both == ("jazz",) and not found.words_first
    assert found.alike["key"] == ("Am", "Am") and found.alike["tempo"] == (120.0, 121.0)
    assert found.apart == {"loudness": (-14.0, -9.0)}
    far = explain_pair(Library(workspace), "t00", "t79")
    assert far.listeners.both == 0 and far.shared_neighbours == 0 and far.percentile < 5
    assert (far.words_first, far.words_second) == (("jazz",), ("rock",))


def test_questions_that_have_no_answer(workspace, tmp_path):
    library = Library(workspace)
    with pytest.raises(ParameterError, match="are the same track"):
        explain_pair(library, "t00", "t00")
    with pytest.raises(NotFoundError, match="no track is called 'nobody'"):
        explain_pair(library, "t00", "nobody")
    with pytest.raises(ParameterError, match="nothing to draw; explain the pair with sound=True"):
        draw_pair(library, explain_pair(library, "t00", "t01"), tmp_path / "pair.png")


def test_text_and_json(workspace):
    run = CliRunner().invoke
    text = run(cli, ["-w", str(workspace.root), "explain", "t00", "t01"])
    assert text.exit_code == 0, text.stderr
    assert "listeners: 2 played both, 1 expected by chance" in text.stdout
    assert "alike: key Am and Am" in text.stdout and "likely a version" in text.stdout
    done = run(cli, ["-w", str(workspace.root), "explain", "t00", "t01", "--json"])
    assert json.loads(done.stdout)["listeners"]["both"] == 2


def test_what_is_hidden_is_the_mean_of_its_band():
    mel = np.arange(12, dtype=np.float32).reshape(3, 4)
    hidden = hide(mel, time=(1, 3))
    assert (hidden[:, [0, 3]] == mel[:, [0, 3]]).all()
    assert (hidden[:, 1:3] == mel.mean(axis=1, keepdims=True)).all()
    assert (hide(mel, bands=(1, 2))[1] == mel[1].mean()).all() and mel[0, 1] == 1
    some = [OccludedPart(0, 1, 0.1), OccludedPart(1, 2, -0.1), OccludedPart(2, 3, 0.3)]
    assert [stretch.start for stretch in strongest(some)] == [2, 0]
