"""Queries per second at a recall of .99, beside voyager: `pytest -m benchmark -s`.

``BENCH_VECTORS`` says how many vectors, a million by default: both graphs are then built in about
ten minutes of one core each, and kept in ``BENCH_CACHE`` where that names a folder.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest
from benching import contest
from made_up import clustered

from audiorec.embeddings import Embeddings
from audiorec.index import Index, IndexConfig, build_index
from audiorec.index.exact import SearchVectors, search_product

N = int(os.environ.get("BENCH_VECTORS", "1000000"))
DIM, K, QUERIES = 128, 10, 2000
RECALL = 0.99


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    kept = os.environ.get("BENCH_CACHE")
    return Path(kept) / f"index-{N}" if kept else tmp_path_factory.mktemp("index")


@pytest.fixture(scope="module")
def vectors():
    vectors = clustered(N, DIM, seed=1)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def queries():
    queries = clustered(QUERIES, DIM, seed=2)
    return queries / np.linalg.norm(queries, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def ours(folder, vectors):
    if not (folder / "ours/manifest.json").exists():
        ids = [f"{row:07d}" for row in range(N)]
        began, cpu = time.perf_counter(), time.process_time()
        index = build_index(Embeddings(ids, vectors), config=IndexConfig(kind="hnsw"))
        took = {"wall": time.perf_counter() - began, "cpu": time.process_time() - cpu}
        index.save(folder / "ours", extra={"took": took})
    return Index.load(folder / "ours")


@pytest.fixture(scope="module")
def theirs(folder, vectors):
    import voyager

    file = folder / f"voyager-{N}.bin"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        # The links and the effort of ours, so that what differs is the code.
        index = voyager.Index(voyager.Space.Cosine, DIM, M=32, ef_construction=80)
        began = time.process_time()
        index.add_items(vectors, num_threads=1)
        file.with_suffix(".seconds").write_text(str(time.process_time() - began))
        index.save(str(file))
    return voyager.Index.load(str(file)), float(file.with_suffix(".seconds").read_text())


def share(found, truth):
    return sum(len(set(a) & set(b)) for a, b in zip(found, truth, strict=True)) / (K * len(truth))


@pytest.mark.benchmark
def test_no_fewer_queries_per_second_than_voyager(ours, theirs, vectors, queries):
    import faiss

    truth = search_product(
        queries, vectors=SearchVectors(vectors, "inner_product"), k=K
    ).rows.tolist()
    graph, build_seconds = theirs
    faiss.omp_set_num_threads(1)
    efforts = (20, 30, 40, 60, 80, 100, 120, 160, 200, 240, 320, 400, 480, 640)

    def ask_theirs(effort):
        return graph.query(queries, K, num_threads=1, query_ef=effort)[0].astype(int).tolist()

    effort = next((e for e in efforts if share(ask_theirs(e), truth) >= RECALL), efforts[-1])

    def we():
        found = ours.search(queries, K).ids
        return {
            "recall@10": share([[int(id_) for id_ in ids] for ids in found], truth),
            "structure": f"{ours.factory}, effort {ours.extra['effort']}",
            "built in": f"{ours.extra.get('took', {}).get('cpu', 0):.0f} s of one core",
        }

    def they():
        return {
            "recall@10": share(ask_theirs(effort), truth),
            "structure": f"M 32, query_ef {effort}",
            "built in": f"{build_seconds:.0f} s of one core",
        }

    result = contest(
        f"index-{N}",
        f"{N:,} x {DIM} made-up vectors, {QUERIES:,} queries at once, one thread",
        {"audiorec": timed(we, lambda: ours.search(queries, K)),
         "voyager": timed(they, lambda: ask_theirs(effort))},
        amount=QUERIES,
        unit="queries",
        packages=("voyager",),
    )  # fmt: skip
    assert result.sides["audiorec"].facts["recall@10"] >= RECALL
    if ours.kind != "exact":  # fewer vectors are searched exactly, whatever that costs
        assert np.median(result.ratio("voyager")) <= 1


def timed(facts, work):
    """Time the work alone, and tell the facts once."""
    known = {}

    def side():
        if not known:
            known.update(facts())
        began = time.perf_counter()
        work()
        return {"seconds": time.perf_counter() - began, **known}

    return side
