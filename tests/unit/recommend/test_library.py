"""A library that stays open: many questions at once, and an index that is replaced meanwhile."""

from __future__ import annotations

import io
import json
import threading
import time

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from audiorec import artifacts
from audiorec.cli import cli
from audiorec.data import Exclusion, import_plays, save_exclusions
from audiorec.data.catalog import Catalog, Track
from audiorec.embeddings import Embeddings
from audiorec.exceptions import ArtifactError, NotFoundError, ParameterError, WorkspaceError
from audiorec.factors import Factors, save_factors
from audiorec.index import IndexConfig, build_index, open_index
from audiorec.index.reload import index_signature
from audiorec.pipeline import diagnose
from audiorec.playlist import PlaylistRequest, build_playlist
from audiorec.recommend import Library, TrackFilter, export_vectors, similar, similar_many
from audiorec.recommend.score_percentiles import PairScores
from audiorec.recommend.user_profile import mean_vector, user_factor
from audiorec.workspace import Workspace

from ...waiting import wait_until

N, DIM = 300, 8


def serve(workspace: Workspace, seed: int, *, kind: str = "exact", duplicates=None) -> np.ndarray:
    """Put an index of made-up vectors in the workspace's place for it."""
    vectors = np.random.default_rng(seed).standard_normal((N, DIM)).astype(np.float32)
    embeddings = Embeddings([f"t{row:03d}" for row in range(N)], vectors)
    made = embeddings.save(workspace.embeddings)
    index = build_index(embeddings, config=IndexConfig(kind=kind))
    index.save(workspace.index, inputs={"embeddings": made.fingerprint}, duplicates=duplicates)
    return vectors


@pytest.fixture
def workspace(tmp_path):
    workspace = Workspace(tmp_path / "ws")
    workspace.create()
    with Catalog(workspace.catalog) as catalog:
        catalog.upsert(
            Track(f"t{row:03d}", f"/m/{row}.mp3", "Artist", f"Title {row:03d}", clip_hash=str(row))
            for row in range(N)
        )
    serve(workspace, 0, duplicates={"t001": 5, "t002": 5, "t003": 7, "t004": 7, "t005": 7})
    return workspace


def nearest(vectors, row):
    cosines = vectors @ vectors[row] / np.linalg.norm(vectors, axis=1)
    cosines[row] = -np.inf
    return f"t{int(cosines.argmax()):03d}"


def test_one_and_many_agree(workspace):
    library = Library(workspace)
    questions = [[f"t{row:03d}"] for row in range(60)] + [["t001", "Artist - Title 009"]]
    for k in (1, 7, N):
        many = library.similar_many(questions, k=k)
        assert many == [library.similar(names, k=k) for names in questions]
    assert library.similar_many([]) == []


def test_groups_of_many_are_filled_up(workspace):
    """So many duplicates stand in front that more has to be asked for."""
    serve(workspace, 0, duplicates={f"t{row:03d}": row % 4 for row in range(N)})
    index = Library(workspace).index
    questions = [["t000"], ["t001", "t002"]]
    found = similar_many(index, None, questions, k=3, duplicates=index.duplicates)
    for asked, matches in zip(questions, found, strict=True):
        assert matches == similar(index, None, asked, k=3, duplicates=index.duplicates)
    assert len(found[0]) == 3 and len(found[1]) == 2


def test_a_name_that_fits_nothing_spoils_no_other(workspace):
    answers = Library(workspace).similar_many([["t001"], ["nobody"], ["t002"]], k=2)
    assert isinstance(answers[1], NotFoundError)
    assert [len(answer) for answer in (answers[0], answers[2])] == [2, 2]


def test_a_workspace_without_a_catalogue_answers_no_question(workspace):
    workspace.catalog.unlink()
    with pytest.raises(WorkspaceError, match="run 'audiorec scan' first"):
        Library(workspace).similar_many([["t001"], ["t002"]])


def test_parameters_that_are_none(workspace):
    library = Library(workspace)
    with pytest.raises(ParameterError, match="min_score=101 must lie between 0 and 100"):
        library.similar(["t001"], min_score=101)
    for name in ("per_artist", "per_album"):
        with pytest.raises(ParameterError, match=f"{name}=-1 must be 0, for any, or more"):
            library.similar(["t001"], **{name: -1})
    with pytest.raises(ParameterError, match="space='sound' must be one of blend, "):
        library.similar(["t001"], space="sound")


def test_where_everything_is_excluded_nothing_is_near(workspace):
    save_exclusions(workspace.exclusions, [Exclusion("artist", "Artist")])
    assert Library(workspace).similar(["t001"], min_score=50) == []


def test_a_track_that_is_not_catalogued_is_called_by_its_path(workspace):
    assert Library(workspace).track("/m/new song.mp3").name == "new song"


def test_a_score_among_no_pairs_is_higher_than_all(tmp_path):
    index = build_index(Embeddings(["a"], np.ones((1, 2), np.float32)), config=IndexConfig())
    assert PairScores(index).percentile([0.3, -0.2]).tolist() == [100.0, 100.0]


def test_listeners_without_times_or_tracks_or_factors_are_told_why(workspace, tmp_path):
    rows = ["user_id,track_id,plays", *(f"me,t{n:03d},3" for n in range(5)), "ann,elsewhere,3"]
    (tmp_path / "plays.csv").write_text("\n".join(rows))
    import_plays(workspace.plays, tmp_path / "plays.csv")
    library = Library(workspace)
    wishes = TrackFilter(unplayed_since="7d", unplayed_by="me")
    with pytest.raises(NotFoundError, match="no play of listener 'me' has a time"):
        library.similar(["t001"], filters=wishes)
    with pytest.raises(NotFoundError, match="no track that listener 'ann' has played is in the"):
        mean_vector(library.index, {"elsewhere"}, "ann")
    some = Embeddings(["t000"], np.eye(1, DIM, dtype=np.float32))
    plays = artifacts.load_manifest(workspace.plays, kind="plays").fingerprint
    save_factors(workspace.factors, Factors(some, some), inputs={"plays": plays})
    with pytest.raises(NotFoundError, match="'me' has played too little .*min_tracks_per_user"):
        user_factor(workspace, library.factors(), "me")


def test_tracks_whose_files_are_gone_are_no_answer(workspace, tmp_path):
    library = Library(workspace)
    before = library.similar(["t000"], k=20)
    # Every other neighbour, and the recording that stands for the group of three.
    gone = {hit.track_id for hit in before[::2]} | {"t003"}
    with Catalog(workspace.catalog) as catalog:
        catalog.mark_missing(gone)
        assert catalog.missing() == gone
    after = library.similar(["t000"], k=20)
    assert len(after) == 20 and not gone & {hit.track_id for hit in after}
    assert [hit.track_id for hit in after][:5] == [hit.track_id for hit in before[1:11:2]]
    assert [hit.rank for hit in after] == list(range(1, 21))
    # Nobody else is lost with them; of a group one who is there stands for all.
    groups = [{"t001", "t002"} - gone, {"t003", "t004", "t005"} - gone]
    everyone = {hit.track_id for hit in library.similar(["t000"], k=N)}
    alone = {f"t{row:03d}" for row in range(6, N)} - gone
    assert everyone - set().union(*groups) == alone
    assert [len(everyone & group) for group in groups] == [1 if group else 0 for group in groups]
    questions = [["t000"], [next(iter(gone - {"t003"}))], ["nobody"]]
    one, other, _ = library.similar_many(questions, k=20)
    assert one == after and len(other) == 20  # who is gone may still be asked about
    assert not gone & {hit.track_id for hit in other}
    seed = before[0].track_id
    request = PlaylistRequest(seeds=(seed,), length=20, artist_window=1)
    playlist = build_playlist(library, request).hits
    assert playlist[0].track_id == seed and len(playlist) == 20
    assert gone & {hit.track_id for hit in playlist} == {seed}


def test_an_answer_that_misses_nobody_looks_for_nobody(workspace, monkeypatch):
    def look(_self):
        raise AssertionError("the whole catalogue was looked through")

    with Catalog(workspace.catalog) as catalog:
        far = Library(workspace).similar(["t000"], k=N)[-1]
        catalog.mark_missing([far.track_id])
    monkeypatch.setattr(Catalog, "missing", look)
    assert len(Library(workspace).similar(["t000"], k=5)) == 5


def test_a_track_that_is_gone_is_said_to_be(workspace):
    with Catalog(workspace.catalog) as catalog:
        catalog.upsert(Track("late", "/m/late.mp3", "Artist", "Late", clip_hash="l"))
    with pytest.raises(NotFoundError, match="not in the index; run 'audiorec run'"):
        Library(workspace).similar(["late"])
    with Catalog(workspace.catalog) as catalog:
        catalog.mark_missing(["late"])
    with pytest.raises(NotFoundError, match=r"'late' is gone: there was no file /m/late\.mp3"):
        Library(workspace).similar(["late"])


def run(workspace, *args, **how):
    return CliRunner().invoke(cli, ["-w", str(workspace.root), "similar", *args], **how)


def test_a_line_of_json_for_every_line(workspace, tmp_path):
    names = ["t001", "Title 007", "", "nobody", *[f"t{row:03d}" for row in range(40)]]
    (tmp_path / "names.txt").write_text("\n".join(names), encoding="utf-8")
    done = run(workspace, "--batch", str(tmp_path / "names.txt"), "-k", "3")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.exit_code == 1  # one of them could not be answered
    assert [line["query"] for line in lines] == [[name] for name in names]
    assert lines[2]["results"] == []  # an empty line asks nothing, and keeps its place
    assert "no track is called 'nobody'" in lines[3]["error"]
    alone = json.loads(run(workspace, "t001", "-k", "3", "--json").stdout)
    for row in alone["results"]:
        del row["preview"]  # a look at every spectrogram, which lines by the thousand go without
    assert lines[0] == alone
    piped = run(workspace, "--batch", "-", "-k", "3", input="t001\n")
    assert (piped.exit_code, json.loads(piped.stdout)) == (0, alone)


def test_fewer_tracks_than_asked_for_are_told_of_once(workspace):
    """Once for all lines, and in the end as of a single question."""

    def asked(k, *names):
        return run(workspace, "--batch", "-", "-k", str(k), input="\n".join(names))

    there = N - 2 - 1 - 1  # of each recording one, and not the one that was asked about
    done = asked(N, "t001", "", "t000", "t003")
    rows = [len(json.loads(line)["results"]) for line in done.stdout.splitlines()]
    assert rows == [there, 0, there, there]
    said = f"-k {N} is more than there are: 3 lines have fewer matching tracks, at least {there}"
    assert done.stderr == said + "\n"
    beyond = asked(N + 1, "t001")
    said = f"-k {N + 1} is more than there are: 1 line has fewer matching tracks, at least {there}"
    assert beyond.stderr == f"{said}; ask for -k {there} or fewer\n"
    for k, batch in ((N, done), (N + 1, beyond)):
        assert batch.exit_code == run(workspace, "t001", "-k", str(k)).exit_code == int(k > N)
    few = asked(there, "t001", "", "t000", "t003")
    assert (few.exit_code, few.stderr) == (0, "")
    assert asked(5, "", "", "").stdout.count('"results": []') == 2


def test_a_batch_is_instead_of_names(workspace):
    for args in ((), ("t001", "--batch", "-")):
        done = run(workspace, *args)
        assert done.exit_code == 2
        assert "Name a track, or give --batch FILE" in done.stderr


def test_lines_are_answered_as_they_come(workspace):
    from audiorec.cli.batch_queries import chunks

    stream = io.StringIO("\n".join(map(str, range(1000))))
    assert [len(some) for some in chunks(stream)][:10] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 256]


def answer_of(library):
    return library.similar(["t050"], k=1)[0].track_id


def answers_until(library, wanted):
    """Ask on and on until the answer is the one wanted."""
    wait_until(lambda: answer_of(library) == wanted, every=0.001)


@pytest.mark.parametrize("kind", ["exact", "hnsw", "ivf"])
def test_an_index_that_is_replaced_is_noticed_without_a_pause(workspace, kind, monkeypatch):
    first = serve(workspace, 1, kind=kind)
    library = Library(workspace)
    assert answer_of(library) == nearest(first, 50)
    second = serve(workspace, 2, kind=kind)
    # However long it takes to open, whoever asks meanwhile has the answer of before at once.
    from audiorec.index import reload

    may_open, opened = threading.Event(), []

    def slow(workspace):
        may_open.wait(60)
        opened.append(open_index(workspace))
        return opened[-1]

    monkeypatch.setattr(reload, "open_index", slow)
    for _ in range(20):
        assert answer_of(library) == nearest(first, 50) and not opened
        time.sleep(0.005)
    may_open.set()
    answers_until(library, nearest(second, 50))
    third = serve(workspace, 3, kind=kind)
    answers_until(library, nearest(third, 50))


def test_an_index_that_was_never_asked_is_exchanged_at_once(workspace):
    serve(workspace, 1, kind="hnsw")
    library = Library(workspace)
    assert library.index.kind == "hnsw" and not library.index.is_open
    second = serve(workspace, 2, kind="hnsw")
    assert answer_of(library) == nearest(second, 50)


def test_what_does_not_fit_is_passed_over(workspace):
    """Other stages run: the vectors are new, and the index is not yet."""
    library = Library(workspace)
    before = library.similar(["t050"], k=3)
    Embeddings(["x"], np.ones((1, DIM))).save(workspace.embeddings)
    for _ in range(20):
        assert library.similar(["t050"], k=3) == before
        time.sleep(0.005)
    with pytest.raises(ArtifactError, match="made from other vectors"):
        _ = Library(workspace).index
    second = serve(workspace, 2)
    answers_until(library, nearest(second, 50))


def test_an_index_replaced_while_it_is_opened(workspace, monkeypatch):
    """Its files are gone between reading what they are called and opening them."""
    from audiorec.index import Index

    load = Index.load
    calls = []

    def replaced(directory):
        calls.append(directory)
        if len(calls) == 1:
            serve(workspace, 2)
            raise ArtifactError("vectors.npy is missing")
        return load(directory)

    monkeypatch.setattr(Index, "load", replaced)
    assert open_index(workspace).signature == index_signature(workspace)
    assert len(calls) == 2
    monkeypatch.setattr(Index, "load", lambda directory: calls.missing)
    with pytest.raises(AttributeError):
        open_index(workspace)


def test_a_worn_index_is_told_of(workspace):
    serve(workspace, 0, kind="ivf")
    library = Library(workspace)
    assert not diagnose(workspace).problems
    index = library.index
    corner = 10 * index.vector("t000") + 0.01 * np.random.default_rng(1).random((N - 10, DIM))
    index.add(Embeddings([f"c{row}" for row in range(N - 10)], corner))
    inputs = {
        "embeddings": Embeddings(["x"], np.ones((1, DIM))).save(workspace.embeddings).fingerprint
    }
    index.save(workspace.index, inputs=inputs)
    (problem,) = diagnose(workspace).problems
    assert problem.startswith("the index ") and "when it was built" in problem
    assert problem.endswith("run 'audiorec index' to build it again")


def test_answers_are_those_of_what_is_exported(workspace, tmp_path):
    library = Library(workspace)
    export_vectors(library, "embeddings", tmp_path / "v.parquet")
    assert pl.read_parquet(tmp_path / "v.parquet")["track_id"].to_list() == list(library.index.ids)


def test_factors_are_exported_without_an_index(tmp_path):
    workspace = Workspace(tmp_path / "ws")
    workspace.create()
    some = Embeddings(["a", "b"], np.eye(2, dtype=np.float32))
    save_factors(workspace.factors, Factors(some, some))
    assert export_vectors(Library(workspace), "user-factors", tmp_path / "u.parquet") == 2
    assert pl.read_parquet(tmp_path / "u.parquet")["user_id"].to_list() == ["a", "b"]
