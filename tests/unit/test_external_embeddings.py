"""Vectors from elsewhere: what comes in comes out, and what cannot be used is named."""

from __future__ import annotations

import json
import os
import re

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from audiorec import artifacts
from audiorec.cli import cli
from audiorec.data.catalog import Catalog, Track
from audiorec.embeddings import Embeddings
from audiorec.exceptions import ArtifactError, DataError, NotFoundError, WorkspaceError
from audiorec.external_embeddings import import_embeddings, read_details, read_vectors
from audiorec.index import IndexConfig
from audiorec.pipeline import STAGES, Pipeline, diagnose
from audiorec.recommend import Library, export_vectors
from audiorec.workspace import Workspace

N, DIM = 40, 6
IDS = [f"id-{number:02d}" for number in range(N)]
VECTORS = np.random.default_rng(0).standard_normal((N, DIM)).astype(np.float32)


def parquet(path, ids=IDS, vectors=VECTORS, **columns):
    given = {"track_id": list(ids), "vector": [list(map(float, v)) for v in vectors], **columns}
    pl.DataFrame(given, strict=False).write_parquet(path)
    return path


@pytest.fixture
def file(tmp_path):
    return parquet(tmp_path / "vectors.parquet", IDS[::-1], VECTORS[::-1])


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "ws")


def test_what_is_exported_can_be_imported_and_answers_alike(tmp_path, file, workspace):
    done = import_embeddings(workspace, file)
    assert done == (N, DIM, 0, 0, "exact")
    library = Library(workspace)
    cosines = VECTORS @ VECTORS[7] / np.linalg.norm(VECTORS, axis=1)
    cosines[7] = -np.inf
    hits = library.similar(["id-07"], k=5)
    assert [hit.track_id for hit in hits] == [IDS[row] for row in np.argsort(-cosines)[:5]]
    assert {(hit.artist, hit.title, hit.path) for hit in hits} == {("", "", "")}
    assert export_vectors(library, "embeddings", tmp_path / "out.parquet") == N
    again = Workspace(tmp_path / "again")
    import_embeddings(again, tmp_path / "out.parquet")
    assert Library(again).similar(["id-07"], k=5) == hits
    made, twice = (artifacts.load_manifest(w.index, kind="index") for w in (workspace, again))
    assert made.files["vectors"] == twice.files["vectors"]
    with pytest.raises(NotFoundError, match="no track is called 'nobody'"):
        library.similar(["nobody"])


@pytest.mark.parametrize(
    "dtype", [pl.List(pl.Float64), pl.Array(pl.Float32, DIM), pl.List(pl.Float32)]
)
def test_any_list_of_numbers(tmp_path, dtype):
    frame = pl.DataFrame({"track_id": IDS, "vector": pl.Series(VECTORS.tolist(), dtype=dtype)})
    frame.with_columns(pl.lit(1).alias("other")).write_parquet(tmp_path / "v.parquet")
    read = read_vectors(tmp_path / "v.parquet")
    assert read.ids == tuple(IDS)
    np.testing.assert_array_equal(read.vectors, VECTORS)
    numbers = pl.DataFrame({"track_id": range(N), "vector": VECTORS.tolist()})
    numbers.write_parquet(tmp_path / "n.parquet")
    assert set(read_vectors(tmp_path / "n.parquet").ids) == {str(number) for number in range(N)}


def test_names_and_paths_from_a_table(tmp_path, file, workspace):
    table = tmp_path / "tracks.csv"
    table.write_text(
        "track_id,artist,title,path,year\nid-01,Björk,Jóga,music/joga.mp3,1997-05\n"
        "id-02,Björk,Hunter,,\nunknown,A,B,b.mp3,\n",
        encoding="utf-8",
    )
    done = import_embeddings(workspace, file, tracks=table)
    assert (done.named, done.passed_over) == (2, 1)
    library = Library(workspace)
    assert library.similar(["Bjork - Jogaa"], k=3) == library.similar(["id-01"], k=3)
    hits = {hit.track_id: hit for hit in library.similar(["id-03"], k=N)}
    assert hits["id-01"][3:6] == ("Björk", "Jóga", str(tmp_path / "music/joga.mp3"))
    assert hits["id-02"][3:6] == ("Björk", "Hunter", "")
    assert library.catalog.get("id-01").year == 1997
    table.write_text("track_id,title\nid-01,Other\n", encoding="utf-8")
    import_embeddings(workspace, file, tracks=table, replace=True)
    assert Library(workspace).catalog.get("id-01").title == "Other"


def test_vectors_that_stand_there_give_way_only_when_told(tmp_path, file, workspace):
    import_embeddings(workspace, file)
    before = (workspace.index / "manifest.json").read_bytes()
    other = parquet(tmp_path / "other.parquet", ["x", "y"], VECTORS[:2])
    with pytest.raises(WorkspaceError, match="holds imported vectors already; add --replace"):
        import_embeddings(workspace, other)
    assert (workspace.index / "manifest.json").read_bytes() == before
    import_embeddings(workspace, other, replace=True)
    assert Library(workspace).index.ids == ("x", "y")


def catalogued(workspace):
    with Catalog(workspace.catalog, read_only=True) as catalog:
        return [track.track_id for track in catalog.tracks(include_missing=True)]


def two_then_one(tmp_path, workspace):
    """Import tracks with names beside one that a scan heard; what to import with fewer of them."""
    workspace.create()
    with Catalog(workspace.catalog) as catalog:
        catalog.upsert(Track("heard", "/m/h.mp3", "Heard", "Name", clip_hash="abc"))
    tracks = tmp_path / "tracks.csv"
    (tmp_path / "there.mp3").write_bytes(b"")
    tracks.write_text("track_id,title,path\nid-01,One,there.mp3\nid-02,Two,\nid-03,Three,\n")
    ids = ["heard", "id-01", "id-02", "id-03"]
    import_embeddings(workspace, parquet(tmp_path / "a.parquet", ids, VECTORS[:4]), tracks=tracks)
    assert catalogued(workspace) == ids
    return parquet(tmp_path / "b.parquet", ["id-02", "x"], VECTORS[:2])


def test_tracks_go_with_the_vectors_that_they_came_with(tmp_path, workspace):
    fewer = two_then_one(tmp_path, workspace)
    import_embeddings(workspace, fewer, replace=True)
    assert catalogued(workspace) == ["heard", "id-02"]
    library = Library(workspace)
    assert library.similar(["Two"], k=1)
    with pytest.raises(NotFoundError, match="no track is called 'Three'"):
        library.similar(["Three"], k=1)


@pytest.mark.parametrize("at", ["embeddings", "index", None])
def test_tracks_stay_as_long_as_their_vectors(tmp_path, workspace, monkeypatch, at):
    """An import that is stopped loses no name; who ends it takes out those that are gone."""
    fewer = two_then_one(tmp_path, workspace)

    def stop(_catalog, _ids):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        if at is None:
            patch.setattr(Catalog, "remove", stop)
        else:
            interrupted(patch, at)
        import_embeddings(workspace, fewer, replace=True)
    assert catalogued(workspace) == ["heard", "id-01", "id-02", "id-03"]
    (report,) = Pipeline(workspace).run(("index",))
    assert report.worked == (at == "index")
    left = ["heard", "id-02"] if at != "embeddings" else ["heard", "id-01", "id-02", "id-03"]
    assert catalogued(workspace) == left


def test_vectors_made_from_music_never_give_way(tmp_path, file, workspace):
    workspace.create()
    Embeddings(IDS, VECTORS).save(workspace.factors, kind="factors")
    with pytest.raises(WorkspaceError, match=r"from music of its own \(it has factors\)"):
        import_embeddings(workspace, file, replace=True)
    assert not artifacts.exists(workspace.embeddings)


def test_what_a_scan_heard_stays(tmp_path, file, workspace):
    workspace.create()
    heard = Track("id-01", "/m/1.mp3", "Right", "Name", clip_hash="abc")
    with Catalog(workspace.catalog) as catalog:
        catalog.upsert(heard)
    table = tmp_path / "tracks.csv"
    table.write_text("track_id,artist,title\nid-01,Wrong,Name\nid-02,New,One\n")
    import_embeddings(workspace, file, tracks=table)
    library = Library(workspace)
    assert library.catalog.get("id-01") == heard
    assert library.similar(["New - One"], k=1)


@pytest.mark.parametrize(
    ("last", "message"),
    [
        ("id-03,A,Ti", "is cut off in line 4: it has 3 of the 4 columns that the first line names"),
        ("id-0", "is cut off in line 4: it has 1 of the 4 columns that the first line names"),
        ('id-03,A,Title,"An alb', r"is not CSV from line 4 on \(unexpected end of data\)"),
    ],
)
def test_a_table_that_is_cut_off_changes_nothing(tmp_path, file, workspace, last, message):
    table = tmp_path / "tracks.csv"
    whole = "track_id,artist,title,album\nid-01,A,One,\nid-02,A,Two,B\n"
    table.write_text(whole)
    import_embeddings(workspace, file, tracks=table)
    before = {path: path.read_bytes() for path in workspace.root.rglob("*") if path.is_file()}
    table.write_text(whole.replace("A", "B") + last)
    with pytest.raises(DataError, match=message) as caught:
        import_embeddings(workspace, file, tracks=table, replace=True)
    assert str(caught.value).startswith(f"{table} is") and "\n" not in str(caught.value)
    assert {path: path.read_bytes() for path in before} == before


def bad(tmp_path, **columns):
    path = tmp_path / "bad.parquet"
    pl.DataFrame(columns).write_parquet(path)
    return path


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"id": ["a"], "vector": [[1.0]]}, "lacks the column track_id: it has id, vector"),
        ({"track_id": ["a"], "vec": [[1.0]]}, "lacks the column vector: it has track_id, vec"),
        ({"track_id": ["a", "a"], "vector": [[1.0], [2.0]]}, "'a' appears twice"),
        ({"track_id": ["a", None], "vector": [[1.0], [2.0]]}, "no track_id in row 2"),
        ({"track_id": ["a", ""], "vector": [[1.0], [2.0]]}, "empty track_id in row 2"),
        ({"track_id": [1.5], "vector": [[1.0]]}, "track_id of type Float64"),
        ({"track_id": ["a"], "vector": ["x"]}, "vectors of type String"),
        ({"track_id": ["a"], "vector": [["x"]]}, r"vectors of type List\(String\)"),
        (
            {"track_id": ["a", "b", "c"], "vector": [[1.0, 2.0], [1.0, 2.0], [3.0]]},
            "a vector of 1 dimensions for 'c', and of 2 for most",
        ),
        ({"track_id": ["a", "b"], "vector": [[1.0], None]}, "of 0 dimensions for 'b'"),
        ({"track_id": ["a", "b"], "vector": [[1.0], [float("nan")]]}, "'b' holds NaN"),
        ({"track_id": ["a", "b"], "vector": [[1.0], [1e300]]}, "'b' holds NaN or infinity"),
        ({"track_id": ["a", "b"], "vector": [[1.0, 2.0], [1.0, None]]}, "'b' holds NaN"),
        ({"track_id": pl.Series([], dtype=pl.String), "vector": []}, "has no rows"),
    ],
)
def test_vectors_that_cannot_be_used_are_named(tmp_path, workspace, columns, message):
    path = bad(tmp_path, **columns)
    with pytest.raises(DataError, match=message) as caught:
        import_embeddings(workspace, path)
    assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)
    assert not workspace.root.exists()


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(DataError, match="none.parquet cannot be opened: no such file"):
        read_vectors(tmp_path / "none.parquet")
    (tmp_path / "text.parquet").write_text("track_id,vector\n" * 99)
    with pytest.raises(DataError, match="text.parquet is not Parquet"):
        read_vectors(tmp_path / "text.parquet")
    for content, message in (
        ("track,title\na,b\n", "lacks the column track_id"),
        ("track_id\n", "has no rows"),
        ("track_id,title\n,b\n", "no track_id in line 2"),
        ("track_id,year\na,soon\n", "year 'soon' in line 2"),
        ("track_id\na\nb\na\n", "'a' twice, again in line 4"),
        ("track_id,path\na,x\nb,x\n", "names '.*/x' twice, again in line 3"),
    ):
        (tmp_path / "tracks.csv").write_text(content)
        with pytest.raises(DataError, match=message):
            read_details(tmp_path / "tracks.csv")


def test_the_command(tmp_path, file):
    def call(*args):
        return CliRunner().invoke(cli, ["-w", str(tmp_path / "ws"), *map(str, args)])

    done = call("import", "embeddings", file, "--json", "--memory", "500M")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == {
        "vectors": N,
        "dim": DIM,
        "named": 0,
        "passed_over": 0,
        "kind": "exact",
    }
    assert (
        json.loads(call("similar", "id-01", "-k", "3", "--json").stdout)["results"][2]["rank"] == 3
    )
    assert call("status").exit_code == 0
    told = call("status").stdout
    assert "exact search of 40 vectors" in told and "none yet: run 'audiorec mel'" not in told
    assert told.count("not needed: the vectors were imported") == 4
    assert call("doctor").exit_code == 0, call("doctor").output


def test_an_approximate_index_when_there_are_many(file, workspace, monkeypatch):
    monkeypatch.setattr("audiorec.index.plan.EXACT_BELOW", 10)
    done = import_embeddings(workspace, file, config=IndexConfig())
    assert done.kind == "hnsw"
    assert Library(workspace).index.recall == 1.0


def table(path, *, seed, scale=1.0):
    """Other vectors of the same tracks."""
    return parquet(path, vectors=np.random.default_rng(seed + 9).normal(size=(N, DIM)) * scale)


def interrupted(monkeypatch, at):
    """Let the import stop where it puts the artifact of that kind into its place."""
    move_into_place = artifacts.move_into_place

    def stop(source, directory, *, kind):
        if kind == at:
            raise KeyboardInterrupt
        return move_into_place(source, directory, kind=kind)

    monkeypatch.setattr(artifacts, "move_into_place", stop)


@pytest.mark.parametrize("first", [True, False])
def test_an_import_that_is_stopped_at_its_end_is_ended(tmp_path, monkeypatch, first):
    """Between the two renames, whichever way one goes on."""
    workspace = Workspace(tmp_path / "w")
    old, new = table(tmp_path / "old.parquet", seed=0), table(tmp_path / "new.parquet", seed=1)
    if not first:
        import_embeddings(workspace, old)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupted(patch, "index")
        import_embeddings(workspace, new, replace=not first)
    (report,) = Pipeline(workspace).run(("index",))
    assert report.worked
    asked = Embeddings.load(workspace.embeddings)
    assert Library(workspace).similar([asked.ids[0]], k=3)
    assert not Pipeline(workspace).run(("index",))[0].worked
    assert not list(workspace.root.glob(".import-*"))


def test_the_same_import_goes_on(tmp_path, monkeypatch):
    workspace = Workspace(tmp_path / "w")
    file = table(tmp_path / "new.parquet", seed=1)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupted(patch, "index")
        import_embeddings(workspace, file)
    with pytest.raises(WorkspaceError, match="holds imported vectors already"):
        import_embeddings(workspace, table(tmp_path / "other.parquet", seed=2))
    import_embeddings(workspace, file)
    with pytest.raises(WorkspaceError, match="holds imported vectors already"):
        import_embeddings(workspace, file)


def test_a_full_disk_leaves_what_answers(tmp_path, monkeypatch):
    workspace = Workspace(tmp_path / "w")
    import_embeddings(workspace, table(tmp_path / "old.parquet", seed=0))
    asked = Embeddings.load(workspace.embeddings).ids[0]
    before = Library(workspace).similar([asked], k=3)
    put = artifacts.put_array

    def full(directory, name, array):
        if directory.name == "index" and name == "vectors":
            raise artifacts.write_error(directory / name, OSError(28, "No space left on device"))
        return put(directory, name, array)

    with monkeypatch.context() as patch, pytest.raises(ArtifactError, match="No space left"):
        patch.setattr(artifacts, "put_array", full)
        import_embeddings(workspace, table(tmp_path / "new.parquet", seed=1), replace=True)
    assert Library(workspace).similar([asked], k=3) == before


def test_a_damaged_index_is_made_again(tmp_path):
    workspace = Workspace(tmp_path / "w")
    import_embeddings(workspace, table(tmp_path / "old.parquet", seed=0))
    asked = Embeddings.load(workspace.embeddings).ids[0]
    before = Library(workspace).similar([asked], k=3)
    (file,) = workspace.index.glob("vectors*.npy")
    file.write_bytes(file.read_bytes()[:-1] + b"\x7f")
    reports = Pipeline(workspace).run()
    assert [report.stage for report in reports if report.worked and report.stage != "map"] == [
        "index"
    ]
    assert reports[0].summary == "not needed: the vectors were imported from old.parquet"
    assert Library(workspace).similar([asked], k=3) == before


@pytest.mark.parametrize(
    ("harm", "index_too"),
    [
        ("{", False),
        ("{", True),
        ('{"fingerprint": "0", "format_version": 1}', False),
        (None, False),  # taken away
    ],
)
def test_a_damaged_manifest_of_imported_vectors_names_what_mends_it(
    tmp_path, file, workspace, harm, index_too
):
    """Whoever meets it: no stage begins, which would be in the way of the import."""
    import_embeddings(workspace, file)
    manifests = [workspace.embeddings / "manifest.json"]
    manifests += [workspace.index / "manifest.json"] if index_too else []
    for manifest in manifests:
        if harm is None:
            manifest.unlink()
        else:
            manifest.write_text(harm)
    again = "run 'audiorec import embeddings FILE --replace'"
    with pytest.raises(ArtifactError, match=re.escape(again)):
        Embeddings.load(workspace.embeddings)
    for stages in (STAGES, ("mel",), ("embed",), ("index",)):
        with pytest.raises(ArtifactError, match=re.escape(again)):
            Pipeline(workspace).run(stages)
    if harm is not None:
        assert any(again in problem for problem in diagnose(workspace).problems)
    import_embeddings(workspace, file, replace=True)
    assert not diagnose(workspace).problems
    assert Library(workspace).similar(["id-01"], k=3)


def test_vectors_of_our_own_are_made_by_their_stage(workspace):
    """With a model beside them, or an index that was made from more than vectors."""
    workspace.create()
    index = {"kind": "flat", "n": 0, "effort": 0, "recall_at_10": 1.0, "built_rows": 0}
    extras = {"model": {}, "index": index}
    for kind, inputs in (("model", {}), ("index", {"embeddings": "e", "mels": "m"})):
        root = workspace.root / kind
        artifacts.save(
            root / kind, kind=kind, arrays={}, config={}, inputs=inputs, extra=extras[kind]
        )
        (root / "embeddings").mkdir()
        (root / "embeddings" / "manifest.json").write_text("{")
        with pytest.raises(ArtifactError, match="damaged; run 'audiorec embed' to make it again"):
            Embeddings.load(root / "embeddings")


def test_vectors_too_long_to_compare_are_refused(tmp_path):
    file = table(tmp_path / "far.parquet", seed=0, scale=1e30)
    with pytest.raises(DataError, match=r"as large as \de\+30"):
        import_embeddings(Workspace(tmp_path / "w"), file)


@pytest.mark.parametrize(("id_", "words"), [("a" * 600, "600 characters"), ("b\0", "zero byte")])
def test_ids_that_no_array_keeps_are_refused(tmp_path, id_, words):
    file = tmp_path / "v.parquet"
    pl.DataFrame({"track_id": ["a", id_], "vector": [[1.0, 0.0], [0.0, 1.0]]}).write_parquet(file)
    with pytest.raises(DataError, match=f"{words}.* in row 2"):
        read_vectors(file)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "v.parquet")
    with pytest.raises(DataError, match="is no regular file"):
        read_vectors(tmp_path / "v.parquet")


def test_ids_of_a_table_are_bounded(tmp_path, file, workspace):
    table = tmp_path / "tracks.csv"
    table.write_text(f"track_id,title\nid-01,One\n{'x' * 600},Two\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"tracks.csv has track_id .* in line 3; "):
        import_embeddings(workspace, file, tracks=table)
