"""Indexes beyond memory: lists on disk, parts and their merging, what wears an index out."""

from __future__ import annotations

import json

import numpy as np
import pytest

from audiorec import artifacts
from audiorec.embeddings import Embeddings
from audiorec.index import Index, IndexConfig, build_index, renew_index
from audiorec.index.exact import SearchVectors, row_norms, search_product, top_k
from audiorec.index.plan import make_plan, sample_size, structure_bytes
from audiorec.index.recall_drift import IndexDrift
from audiorec.index.spilled_arrays import concatenate_rows, take_rows

from ...loaded_modules import modules_loaded_by

N, DIM = 6000, 24
IN_MEMORY = IndexConfig(kind="ivf")
ON_DISK = IndexConfig(kind="ivf", memory="1M")  # of which 24 + 12 bytes a row take a fifth


def clustered(n: int, *, seed: int = 0, prefix: str = "t") -> Embeddings:
    """Vectors around 60 centres, as tracks lie around artists."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).standard_normal((60, DIM))
    vectors = centres[rng.integers(0, 60, n)] + 0.5 * rng.standard_normal((n, DIM))
    return Embeddings([f"{prefix}{row:05d}" for row in range(n)], vectors)


@pytest.fixture(scope="module")
def tracks() -> Embeddings:
    return clustered(N)


@pytest.fixture
def small_memory(monkeypatch):
    """A megabyte is less than these vectors' structure takes."""
    from audiorec.index import plan

    monkeypatch.setattr(plan, "ROW_BYTES", 400)
    assert make_plan(N, DIM, kind="ivf", exact_below=1, memory=10**6).on_disk


def answers(index, queries, k=10):
    found = index.search(queries, k)
    return found.ids, found.scores.tolist()


def test_lists_on_disk_answer_as_those_in_memory(tmp_path, tracks, small_memory):
    queries = clustered(50, seed=1).vectors
    inside = build_index(tracks, config=IN_MEMORY)
    outside = build_index(tracks, config=ON_DISK, work=tmp_path)
    assert inside.factory == outside.factory
    assert (inside.recall, inside.kind) == (outside.recall, outside.kind)
    made = outside.save(tmp_path / "index")
    assert set(made.files) >= {"lists", "structure"}
    assert made.files["structure"].size < 100_000 < made.files["lists"].size
    read = Index.load(tmp_path / "index")
    assert answers(inside, queries) == answers(outside, queries) == answers(read, queries)
    again = build_index(tracks, config=ON_DISK).save(tmp_path / "again")
    assert again.fingerprint == made.fingerprint
    del outside
    assert {p.name for p in tmp_path.iterdir()} == {"index", "again"}


def test_lists_on_disk_take_in_more_without_touching_what_is_kept(tmp_path, tracks, small_memory):
    manifest = build_index(tracks, config=ON_DISK).save(tmp_path / "index")
    index = Index.load(tmp_path / "index")
    new = clustered(200, seed=5, prefix="n")
    index.remove(["t00001"])
    index.add(new)
    assert not artifacts.damaged(tmp_path / "index", manifest)
    index.save(tmp_path / "index")
    for each in (index, Index.load(tmp_path / "index")):
        assert len(each) == N + 199
        assert each.search(new["n00007"], 1).ids == [["n00007"]]
        assert "t00001" not in each.search(tracks["t00001"], 300).ids[0]
    assert Index.load(tmp_path / "index").drift().dead == pytest.approx(1 / (N + 200), abs=1e-4)


@pytest.mark.parametrize("kind", ["hnsw", "ivf"])
def test_removing_and_adding_in_turn_after_reading(tmp_path, tracks, kind):
    build_index(tracks, config=IndexConfig(kind=kind)).save(tmp_path)
    index = Index.load(tmp_path)
    index.search(tracks["t00000"], 3)
    index.remove(["t00003"])
    index.add(clustered(5, seed=5, prefix="n"))
    index.remove(["n00000"])
    index.add(clustered(5, seed=6, prefix="m"))
    assert len(index) == N + 8
    assert "m00004" in index.search(index.vector("m00004"), 1).ids[0]
    assert "n00000" not in index.search(clustered(5, seed=5).vectors[0], 20).ids[0]


@pytest.mark.parametrize("kind", ["hnsw", "ivf"])
def test_what_the_structure_never_saw_wears_it_out(tmp_path, tracks, kind):
    """New vectors all in one corner: a crowded list, or bytes that cannot tell them apart."""
    index = build_index(tracks, config=IndexConfig(kind=kind))
    assert index.drift() == IndexDrift(index.recall, index.recall, *[index.drift().imbalance] * 2)
    assert not index.drift().rebuild_reason
    rng = np.random.default_rng(3)
    corner = 10 * tracks.vectors[0] + 0.01 * rng.standard_normal((N - 100, DIM))
    index.add(Embeddings([f"c{row}" for row in range(len(corner))], corner))
    drift = index.drift()
    assert drift.rebuild_reason
    assert drift.recall < drift.recall_built - 0.02 or drift.imbalance > 2
    index.save(tmp_path)
    kept = Index.load(tmp_path)
    assert kept.drift() == drift
    stored = json.loads((tmp_path / "manifest.json").read_text())["extra"]
    assert stored["recall_at_10"] == drift.recall < 1
    assert stored["recall_built"] == drift.recall_built
    kept.rebuild()
    assert not kept.drift().rebuild_reason
    assert len(kept) == 2 * N - 100


@pytest.mark.parametrize("kind", ["hnsw", "ivf"])
def test_little_that_changed_is_no_rebuild(tmp_path, tracks, kind, monkeypatch):
    from audiorec.index import structures

    config = IndexConfig(kind=kind)
    build_index(tracks, config=config).save(tmp_path)
    wanted = {id_: tracks[id_] for id_ in tracks.ids[5:]} | {"new": np.ones(DIM)}
    wanted["t00009"] = -wanted["t00009"]
    after = Embeddings(list(wanted), np.stack(list(wanted.values())))
    with monkeypatch.context() as patched:
        patched.setattr(structures, "build", None)
        index = renew_index(tmp_path, after, config=config)
    assert index.ids == tuple(sorted(after.ids))
    assert np.array_equal(index.embeddings().take(after.ids).vectors, after.vectors)
    other = renew_index(tmp_path, clustered(N, seed=4), config=config)
    assert np.array_equal(other.vector("t00000"), clustered(N, seed=4).vectors[0])
    assert len(renew_index(tmp_path / "none", after, config=config)) == len(after)
    exact = renew_index(tmp_path, after, config=IndexConfig(kind="exact"))
    assert exact.kind == "exact"


def test_a_worn_index_is_built_again(tmp_path, tracks, monkeypatch):
    config = IndexConfig(kind="ivf")
    build_index(tracks, config=config).save(tmp_path)
    after = tracks.updated(Embeddings(["new"], np.ones((1, DIM))))
    assert not renew_index(tmp_path, after, config=config).drift().dead
    monkeypatch.setattr(IndexDrift, "rebuild_reason", "finds nothing")
    index = renew_index(tmp_path, after, config=config)
    assert index.drift().dead == 0 and index._changed is False


def test_the_memory_that_a_structure_takes():
    assert structure_bytes("exact", 10**9, 128) == 0
    assert structure_bytes("hnsw", 10**6, 128) == 404_000_000
    assert structure_bytes("ivf", 10**6, 128) < structure_bytes("hnsw", 10**6, 128)
    assert sample_size(10**7, lists=25_298, dim=128, memory=10**10) == 64 * 25_298
    assert sample_size(10**7, lists=25_298, dim=128, memory=10**6) == 39 * 25_298
    assert sample_size(100, lists=25_298, dim=128, memory=10**6) == 100


def test_arrays_beyond_a_budget_lie_in_files(tmp_path):
    values = np.arange(3000, dtype=np.float32).reshape(1000, 3)
    rows = np.arange(1000)[::-1]
    for memory in (10, 10**6):
        assert np.array_equal(take_rows(values, rows, memory=memory, folder=tmp_path), values[rows])
        both = concatenate_rows([values, values[:0], values[:7]], memory=memory, folder=tmp_path)
        assert np.array_equal(both, np.concatenate([values, values[:7]]))
    assert isinstance(take_rows(values, rows, memory=10).base, np.memmap)
    assert take_rows(values, rows, memory=10**6).base is None
    assert take_rows(values, np.arange(1000), memory=10) is values
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("metric", ["cosine", "inner_product"])
def test_search_in_blocks_is_search_at_once(tracks, metric, monkeypatch):
    from audiorec.index import exact

    offsets = np.random.default_rng(0).random(N).astype(np.float32)
    allowed = np.random.default_rng(1).random(N) < 0.7
    queries = clustered(9, seed=1).vectors
    scaled = exact.scoring_queries(queries, metric, offsets=offsets)
    made = SearchVectors(tracks.vectors, metric, offsets)
    known = SearchVectors(tracks.vectors, metric, offsets, row_norms(tracks.vectors))
    scores = scaled.astype(np.float64) @ made[:].T.astype(np.float64)
    scores[:, ~allowed] = -np.inf
    twin = np.argsort(-scores, axis=1, kind="stable")[:, :20]
    for most in (exact.MAX_SCORES, 5000):
        monkeypatch.setattr(exact, "MAX_SCORES", most)
        for vectors in (made, known):
            found = search_product(scaled, vectors=vectors, k=20, allowed=allowed)
            assert np.array_equal(found.rows, twin)


def test_top_k_of_many_is_that_of_a_sort():
    rng = np.random.default_rng(0)
    for values in (rng.random(10_000), rng.integers(0, 3, 10_000), np.zeros(10_000)):
        scores = values.astype(np.float32)
        for k in (1, 10, 37):
            twin = np.argsort(-scores, kind="stable")[:k]
            assert np.array_equal(top_k(scores, k=k), twin)


def test_an_exact_index_is_asked_without_faiss(tmp_path, tracks):
    build_index(tracks, config=IndexConfig()).save(tmp_path)
    code = (
        "import sys\nfrom pathlib import Path\nfrom audiorec.index import Index\n"
        "index = Index.load(Path(sys.argv[1]))\n"
        "assert index.search(index.vector('t00000'), 3).ids[0][0] == 't00000'"
    )
    assert "faiss" not in modules_loaded_by(code, tmp_path)


def test_building_prints_nothing(tmp_path, tracks, small_memory, capfd):
    build_index(tracks, config=ON_DISK).save(tmp_path)
    index = Index.load(tmp_path)
    index.add(clustered(3, prefix="n"))
    index.save(tmp_path)
    assert capfd.readouterr() == ("", "")
