"""The map: neighbours lie near each other, old points stay, regions have names that tell."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

from audiorec import artifacts
from audiorec.data.catalog import Catalog, Track
from audiorec.embeddings import Embeddings
from audiorec.exceptions import ArtifactError, ParameterError
from audiorec.index import IndexConfig, build_index
from audiorec.pipeline import Pipeline, Recipe, describe_workspace
from audiorec.pipeline.map import missing_map
from audiorec.track_map import extend_layout, fit_layout, load_map
from audiorec.track_map.layout import _positions_of_new_tracks, _principal_plane
from audiorec.workspace import Workspace

GENRES = ("Jazz", "Metal", "Folk")
N, DIM = 150, 16


def genre_of(row: int) -> int:
    return row % len(GENRES)


def vectors(n: int = N) -> np.ndarray:
    """Three clusters, wide apart."""
    rng = np.random.default_rng(0)
    centres = 3 * np.eye(len(GENRES), DIM)
    return np.stack(
        [centres[genre_of(row)] + 0.3 * rng.standard_normal(DIM) for row in range(n)]
    ).astype(np.float32)


def ids(n: int = N) -> list[str]:
    return [f"t{row:03d}" for row in range(n)]


def index_of(found: Embeddings):
    return build_index(found, config=IndexConfig(kind="exact"))


def fill(workspace: Workspace, n: int, *, model: str = "one", genres: bool = True) -> None:
    """Catalogue, embeddings and index of the first `n` tracks."""
    with Catalog(workspace.catalog) as catalog:
        catalog.upsert(
            Track(
                id_, f"/m/{id_}.mp3", f"Artist {genre_of(row)}", f"Title {row}",
                genre=GENRES[genre_of(row)] if genres else "", clip_hash=str(row),
            )
            for row, id_ in enumerate(ids(n))
        )  # fmt: skip
    embeddings = Embeddings(ids(n), vectors(n))
    made = embeddings.save(workspace.embeddings, inputs={"model": model})
    index_of(embeddings).save(workspace.index, inputs={"embeddings": made.fingerprint})


def run(workspace: Workspace):
    return Pipeline(workspace, recipe=Recipe(), n_jobs=1).run(("map",))[0]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    workspace = Workspace(tmp_path_factory.mktemp("map") / "w")
    workspace.create()
    fill(workspace, 120)
    assert run(workspace).worked
    return workspace


@pytest.fixture
def workspace(made, tmp_path):
    shutil.copytree(made.root, tmp_path / "w")
    return Workspace(tmp_path / "w")


def positions_of(workspace: Workspace) -> dict[str, tuple[float, ...]]:
    layout = load_map(workspace.map).layout
    return {id_: tuple(at) for id_, at in zip(layout.ids, layout.positions.tolist(), strict=True)}


def test_neighbours_lie_near_each_other_and_one_seed_gives_one_map():
    index = index_of(Embeddings(ids(), vectors()))
    layout = fit_layout(index, seed=3)
    assert layout.positions.dtype == np.float32 and layout.ids == index.ids
    apart = np.linalg.norm(layout.positions[:, None] - layout.positions[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    genres = np.array([genre_of(row) for row in range(N)])
    nearest = np.argsort(apart, axis=1)[:, :5]
    assert (genres[nearest] == genres[:, None]).mean() > 0.98
    assert layout.positions.std(axis=0).min() > 0.2 * layout.positions.std(axis=0).max()
    np.testing.assert_array_equal(layout.positions, fit_layout(index, seed=3).positions)


@pytest.mark.parametrize("n", [1, 2, 7, 8, 9])
def test_libraries_of_a_few_tracks_and_of_one_sound(n):
    one_sound = np.ones((n, 4), dtype=np.float32)
    for matrix in (vectors(n), one_sound):
        layout = fit_layout(index_of(Embeddings(ids(n), matrix)))
        assert layout.positions.shape == (n, 2)
        assert np.isfinite(layout.positions).all()


def test_new_tracks_are_put_among_the_old_which_stay():
    old = fit_layout(index_of(Embeddings(ids(120), vectors(120))))
    layout = extend_layout(old, index_of(Embeddings(ids()[3:], vectors()[3:])))
    assert layout.ids == tuple(ids()[3:])
    np.testing.assert_array_equal(layout.positions[:117], old.positions[3:])
    assert layout.fitted.tolist() == [True] * 117 + [False] * 30
    middle = [old.positions[genre::3].mean(axis=0) for genre in range(3)]
    for row in range(117, 147):
        away = np.linalg.norm(layout.positions[row] - middle, axis=1)
        assert away.argmin() == genre_of(row + 3)
    assert len({tuple(at) for at in layout.positions[117:].tolist()}) == 30
    with pytest.raises(ParameterError, match="no track in common"):
        extend_layout(old, index_of(Embeddings(["x"], vectors(1))))


def test_many_points_by_the_fast_gradient_lie_as_few_do(monkeypatch):
    index = index_of(Embeddings(ids(), vectors()))
    for name, value in {"FFT_FROM": 10, "EARLY_STEPS": 100, "STEPS": 20}.items():
        monkeypatch.setattr(f"audiorec.track_map.layout.{name}", value)
    layout = fit_layout(index)
    middle = [layout.positions[genre::3].mean(axis=0) for genre in range(3)]
    away = np.linalg.norm(layout.positions[:, None] - np.array(middle), axis=2)
    assert (away.argmin(axis=1) == np.arange(N) % 3).all()


def test_new_points_are_put_amid_their_neighbours():
    grid = 3 * np.stack(np.meshgrid(np.arange(6.0), np.arange(6.0)), axis=-1).reshape(-1, 2)
    placed = _positions_of_new_tracks(
        grid.astype(np.float32), np.array([[14, 15, 20, 21], [0, 1, 6, 7]]), n_jobs=1
    )
    np.testing.assert_allclose(placed[0], 7.5, atol=1e-3)  # as many repel it from every side
    assert (placed[1] < 1.5).all() and (placed[1] > 0).all()  # the others all from one


def test_the_stage_names_regions_by_genre_and_does_nothing_twice(workspace):
    stored = load_map(workspace.map)
    assert {region.name for region in stored.regions} <= set(GENRES)
    assert len({region.name for region in stored.regions}) == 3
    assert sum(region.n_tracks for region in stored.regions) == 120
    for row, id_ in enumerate(stored.layout.ids):
        name = stored.regions[stored.members[row]].name
        assert name == GENRES[genre_of(int(id_[1:]))]
    assert not run(workspace).worked


def test_names_of_artists_where_no_track_has_a_genre(workspace):
    before = positions_of(workspace)
    fill(workspace, 120, genres=False)
    assert run(workspace).worked
    names = {region.name for region in load_map(workspace.map).regions}
    assert names == {"Artist 0", "Artist 1", "Artist 2"}
    assert positions_of(workspace) == before


def test_added_tracks_move_no_other_until_they_are_most(workspace):
    before = positions_of(workspace)
    fill(workspace, 150)
    assert run(workspace).summary.startswith("150 tracks, 30 placed")
    after = positions_of(workspace)
    assert {id_: after[id_] for id_ in before} == before
    fill(workspace, 260)
    assert run(workspace).summary.startswith("260 tracks, 260 placed")
    assert load_map(workspace.map).layout.fitted.all()


def test_another_space_is_laid_out_anew_from_the_map_before(workspace):
    before = positions_of(workspace)
    fill(workspace, 120, model="two")
    assert "120 placed" in run(workspace).summary
    assert positions_of(workspace) != before


@pytest.mark.parametrize(("n_neighbors", "stays"), [(15, True), (9, False)])
def test_a_map_of_before_with_a_setting_stays_where_it_was_the_constant(
    workspace, n_neighbors, stays
):
    manifest = artifacts.load_manifest(workspace.map, kind="map")
    given = {"n_neighbors": n_neighbors, "seed": 0}
    again = {"files": manifest.files, "inputs": manifest.inputs, "extra": manifest.extra}
    artifacts.commit(workspace.map, kind="map", config=given, **again)
    assert run(workspace).worked != stays


def test_a_damaged_map_is_made_again(workspace):
    manifest = artifacts.load_manifest(workspace.map, kind="map")
    file = workspace.map / manifest.files["positions"].file
    file.write_bytes(file.read_bytes()[:-1] + b"\x77")
    assert run(workspace).worked
    shutil.rmtree(workspace.map)
    with pytest.raises(ArtifactError, match="or 'audiorec map' alone"):
        load_map(workspace.map)


def test_without_the_library_a_run_passes_the_map_over(workspace, monkeypatch):
    monkeypatch.setattr("audiorec.pipeline.map.can_lay_out", lambda: False)
    assert "extra 'serve'" in missing_map(workspace)
    shutil.rmtree(workspace.map)
    monkeypatch.setattr("audiorec.track_map.layout.can_lay_out", lambda: False)
    with pytest.raises(ArtifactError, match=r"pip install 'audiorec-music\[serve\]'"):
        Pipeline(workspace, recipe=Recipe(), n_jobs=1)._map()


def test_status_says_whether_there_is_a_map_and_what_makes_it_stale(workspace, monkeypatch):
    def said() -> tuple[str, str]:
        held = describe_workspace(workspace)
        return held["artifacts"]["map"], held["stale"].get("map", "")

    assert " MB in " in said()[0] and said()[1] == ""
    with Catalog(workspace.catalog) as catalog:
        track = catalog.get("t000")
        catalog.upsert([replace(track, artist="Somebody else")])
    assert said()[1] == "words or artists of the tracks are newer: run 'audiorec run'"
    assert run(workspace).worked and said()[1] == ""
    fill(workspace, 60)
    assert said()[1] == "the index is newer: run 'audiorec run'"
    shutil.rmtree(workspace.map)
    assert said() == ("none yet: run 'audiorec map'", "")
    monkeypatch.setattr("audiorec.pipeline.status.can_lay_out", lambda: False)
    assert said()[0] == "none: it is for 'audiorec serve', and needs the extra 'serve'"


@pytest.mark.parametrize("most", [90, 50])
def test_of_many_tracks_a_sample_is_laid_out_and_the_others_are_put_among_it(monkeypatch, most):
    monkeypatch.setattr("audiorec.track_map.layout.MOST_TOGETHER", most)
    index = index_of(Embeddings(ids(), vectors()))
    listed = []
    every = type(index).ids.fget
    monkeypatch.setattr(type(index), "ids", property(lambda self: listed.append(1) or every(self)))
    layout = fit_layout(index, seed=0)
    assert len(listed) < 10  # each makes all of them anew
    assert sorted(layout.ids) == sorted(index.ids) and layout.fitted.all()
    assert np.isfinite(layout.positions).all()
    genres = np.array([genre_of(ids().index(id_)) for id_ in layout.ids])
    apart = np.linalg.norm(layout.positions[:, None] - layout.positions[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    nearest = np.argsort(apart, axis=1)[:, :5]
    assert (genres[nearest] == genres[:, None]).mean() > 0.9  # a third by chance


def test_a_map_that_lacks_what_it_should_say(workspace):
    made = artifacts.load_manifest(workspace.map, kind="map")
    for files, extra, lacking in (
        (made.files, {"space": made.extra["space"]}, "regions"),
        ({k: v for k, v in made.files.items() if k != "fitted"}, made.extra, "fitted"),
    ):
        artifacts.commit(
            workspace.map, kind="map", config=made.config, inputs=made.inputs, files=files,
            extra=extra,
        )  # fmt: skip
        with pytest.raises(ArtifactError, match=f"lacks '{lacking}'; run 'audiorec map'"):
            load_map(workspace.map)


def test_tracks_in_one_dimension_lie_on_a_line():
    plane = _principal_plane(np.arange(5.0, dtype=np.float32)[:, None])
    assert plane.shape == (5, 2) and (plane[:, 1] == 0).all()
    assert (np.abs(np.diff(plane[:, 0])) == 1).all()


def test_new_points_among_few():
    """Too few for forces between them: each in the middle of its neighbours."""
    corners = np.array([[0, 0], [2, 0], [0, 2], [2, 2]], dtype=np.float32)
    placed = _positions_of_new_tracks(corners, np.array([[0, 1, 2, 3], [0, 0, 1, 1]]), n_jobs=1)
    assert placed.tolist() == [[1, 1], [1, 0]]


def test_an_empty_library_has_no_map(workspace):
    with Catalog(workspace.catalog) as catalog:
        catalog.remove(ids(120))
    empty = Embeddings([], np.zeros((0, 3), np.float32))
    made = empty.save(workspace.embeddings)
    index_of(empty).save(workspace.index, inputs={"embeddings": made.fingerprint})
    with pytest.raises(ArtifactError, match="the index holds no tracks; scan some, and run"):
        run(workspace)
