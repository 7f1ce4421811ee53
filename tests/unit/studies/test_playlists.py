"""The study of playlists on worlds of which the outcome is known."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

from audiorec.data.catalog import Catalog, Track, save_descriptors
from audiorec.embeddings import Embeddings
from audiorec.exceptions import DataError, ParameterError
from audiorec.index import IndexConfig, build_index
from audiorec.pipeline import Recipe
from audiorec.studies import StudyInputs, playlists
from audiorec.workspace import Workspace


def make_world(path, *, n_artists):
    """A made world of music that lies by style alone, and whose tempi are known.

    An artist has a style of their own.
    """
    path.mkdir()
    (path / "world.json").write_text(
        json.dumps({"n_tracks": 120, "n_artists": n_artists, "seed": 3})
    )
    study = StudyInputs(Workspace(path / "ws"), Recipe(), truth=path / "truth.npz")
    plans = playlists.plan_of_world(study)
    workspace = study.workspace
    workspace.create()
    with Catalog(workspace.catalog) as catalog:
        catalog.upsert(
            Track(id_, f"/m/{id_}.mp3", f"Artist {n % 40}", f"Title {n}", clip_hash=id_)
            for n, id_ in enumerate(plans)
        )
    axes = np.eye(20)[[plan.style for plan in plans.values()]]
    noise = 0.1 * np.random.default_rng(0).standard_normal(axes.shape)
    embeddings = Embeddings(list(plans), (axes + noise).astype(np.float32))
    made = embeddings.save(workspace.embeddings)
    index = build_index(embeddings, config=IndexConfig(kind="exact"))
    index.save(workspace.index, inputs={"embeddings": made.fingerprint}, extra={"target": "sound"})
    tempi = {
        id_: (id_, np.array([plan.tempo, 0, -14, 2000, 1, 1], np.float32))
        for id_, plan in plans.items()
    }
    save_descriptors(workspace.descriptors, tempi)
    return study


def test_a_world_whose_styles_and_tempi_are_plain_gives_the_best_figures(tmp_path, monkeypatch):
    monkeypatch.setattr(playlists, "N_LOOKUPS", 30)
    monkeypatch.setattr(playlists, "N_LISTS", 5)
    report = playlists.run(make_world(tmp_path / "world", n_artists=4))
    lookups, arcs, paths = (table.to_json()["rows"] for table in report.tables)
    by_way = {row["way"]: row for row in lookups}
    assert by_way["agreement"]["within the styles"] == 1
    assert by_way["agreement"]["agreement less this"] == [0, 0]
    assert by_way["mean of the vectors"]["within the styles"] == 1
    chance = by_way["random"]["within the styles"]
    low, high = by_way["random"]["agreement less this"]
    assert 0.4 < chance < 0.8 and 0.2 < low < 1 - chance < high < 0.6
    assert (arcs[0]["lists"], arcs[0]["steps that rise"]) == (5, 1)
    assert 0 < arcs[0]["cosine to the seed"] <= 1
    assert (paths[0]["lists"], paths[0]["steps that lead on"]) == (5, 1)
    assert paths[0]["longest over even step"] >= 1
    text = report.to_text()
    assert "30 lookups of two tracks of different styles, 10 answers each" in text
    assert "Arcs of 15 by tempo" in text and "Paths of 15 between random tracks" in text


def test_a_world_of_one_style_has_no_two_to_look_up(tmp_path):
    with pytest.raises(DataError, match="are of one style; make a larger world"):
        playlists.run(make_world(tmp_path / "world", n_artists=1))


def test_a_world_is_needed_and_must_say_how_it_was_made(tmp_path):
    with pytest.raises(ParameterError, match="--truth"):
        playlists.run(SimpleNamespace(truth=None))
    study = SimpleNamespace(truth=tmp_path / "truth.npz")
    with pytest.raises(DataError, match="make it again"):
        playlists.plan_of_world(study)
    (tmp_path / "world.json").write_text(json.dumps({"n_tracks": 12, "n_artists": 4, "seed": 3}))
    plans = playlists.plan_of_world(study)
    assert len(plans) >= 12 and all(54 <= plan.tempo <= 200 for plan in plans.values())


def test_an_interval_holds_the_mean():
    values = np.random.default_rng(0).normal(1, 1, 500)
    low, high = playlists.interval_of(values, np.random.default_rng(1))
    assert low < values.mean() < high and high - low < 0.3
