"""The index against a brute-force twin, its changes against building anew, and its bad input."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audiorec import artifacts
from audiorec.embeddings import Embeddings
from audiorec.exceptions import ArtifactError, NotFoundError, ParameterError
from audiorec.index import Index, IndexConfig, build_index
from audiorec.index.exact import SearchVectors, search_product, top_k
from audiorec.index.plan import count_lists, make_plan
from audiorec.index.recall_drift import IndexDrift
from audiorec.index.stored import kept_drift
from audiorec.index.structures import build

from ...loaded_modules import modules_loaded_by

KINDS = ("exact", "hnsw", "ivf")
METRICS = ("cosine", "inner_product")
IDS = st.text(min_size=0, max_size=6).filter(lambda text: not text.endswith("\0"))
FILES = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def random_embeddings(n: int, dim: int = 8, *, seed: int = 0, prefix: str = "t") -> Embeddings:
    rng = np.random.default_rng(seed)
    return Embeddings([f"{prefix}{row}" for row in range(n)], rng.standard_normal((n, dim)))


def brute_force(embeddings, query, k, *, metric, include=None, exclude=()):
    """Every score, one by one, in plain Python."""
    scored = []
    for id_, vector in zip(embeddings.ids, embeddings.vectors, strict=True):
        if id_ in exclude or (include is not None and id_ not in include):
            continue
        score = sum(float(a) * float(b) for a, b in zip(query, vector, strict=True))
        if metric == "cosine":
            norms = float(np.linalg.norm(query)) * float(np.linalg.norm(vector))
            score = score / norms if norms else 0.0
        scored.append((-score, id_))
    return [(id_, -negative) for negative, id_ in sorted(scored)[:k]]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("hubs", ["none", "csls"])
def test_a_sample_of_scores_is_what_searches_score(metric, hubs):
    embeddings = random_embeddings(30)
    index = build_index(embeddings, config=IndexConfig(metric=metric, hubs=hubs))
    queries = embeddings.vectors / np.linalg.norm(embeddings.vectors, axis=1, keepdims=True)
    found = index.search(queries, 30)
    pairs = [
        score
        for id_, ids, scores in zip(embeddings.ids, found.ids, found.scores, strict=True)
        for other, score in zip(ids, scores, strict=True)
        if other != id_
    ]
    sample = index.sample_scores(30, 30)
    np.testing.assert_allclose(np.sort(sample), np.sort(pairs), atol=1e-5)
    assert len(index.sample_scores(5, 7)) == 5 * 7 - 3  # first, middle and last are in both
    alone = build_index(random_embeddings(1), config=IndexConfig())
    assert len(alone.sample_scores(5, 5)) == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("built", METRICS)
@pytest.mark.parametrize("asked", METRICS)
@pytest.mark.parametrize("n_left_out", [0, 3, 60, 119])
def test_agrees_with_brute_force(kind, built, asked, n_left_out):
    embeddings = random_embeddings(120)
    index = build_index(embeddings, config=IndexConfig(metric=built, kind=kind))
    queries = random_embeddings(3, seed=1).vectors
    exclude = list(embeddings.ids[:n_left_out])
    found = index.search(queries, 20, exclude=exclude, metric=asked)
    for ids, scores, query in zip(found.ids, found.scores, queries, strict=True):
        expected = brute_force(embeddings, query, 20, metric=asked, exclude=exclude)
        if kind == "exact" or n_left_out >= 60:
            assert ids == [id_ for id_, _ in expected]
            np.testing.assert_allclose(scores, [score for _, score in expected], atol=1e-5)
        else:
            assert len(ids) == 20
            assert len(set(ids) & {id_ for id_, _ in expected}) >= 17


@pytest.mark.parametrize("kind", KINDS)
def test_include_and_exclude(kind):
    embeddings = random_embeddings(50)
    index = build_index(embeddings, config=IndexConfig(kind=kind))
    wanted = ["t3", "t7", "t9", "nobody"]
    found = index.search(embeddings["t3"], 50, include=wanted, exclude=["t9", "nobody"])
    expected = brute_force(
        embeddings, embeddings["t3"], 50, metric="cosine", include=wanted, exclude=["t9"]
    )
    assert found.ids == [[id_ for id_, _ in expected]]
    assert set(found.ids[0]) == {"t3", "t7"}
    assert index.search(embeddings["t3"], 5, include=["nobody"]).ids == [[]]
    assert index.search(embeddings["t3"], 5, include=[]).scores.shape == (1, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_one_and_many_agree(kind):
    embeddings = random_embeddings(200)
    index = build_index(embeddings, config=IndexConfig(kind=kind))
    many = index.search(embeddings.vectors[:30], 5)
    for row in range(30):
        one = index.search(embeddings.vectors[row], 5)
        assert one.ids[0] == many.ids[row]
        np.testing.assert_array_equal(one.scores[0], many.scores[row])


def test_more_neighbours_than_tracks_gives_all():
    index = build_index(random_embeddings(4), config=IndexConfig())
    assert sorted(index.search(np.ones(8), 1000).ids[0]) == ["t0", "t1", "t2", "t3"]


def test_equal_scores_stand_in_order_of_id():
    embeddings = Embeddings(["c", "a", "d", "b"], np.ones((4, 3)))
    for metric in METRICS:
        index = build_index(embeddings, config=IndexConfig(metric=metric))
        assert index.search(np.ones(3), 4).ids == [["a", "b", "c", "d"]]
        assert index.search(np.ones(3), 2, metric="inner_product").ids == [["a", "b"]]


def test_bad_questions():
    index = build_index(random_embeddings(5), config=IndexConfig())
    with pytest.raises(ParameterError, match=r"k=0 must be at least 1"):
        index.search(np.ones(8), 0)
    with pytest.raises(ParameterError, match=r"shape \(7,\) does not fit .* 8 dim"):
        index.search(np.ones(7), 3)
    with pytest.raises(ParameterError, match="NaN"):
        index.search(np.array([np.nan, *np.ones(7)]), 3)
    with pytest.raises(ParameterError, match="metric='euclid'"):
        index.search(np.ones(8), 3, metric="euclid")
    with pytest.raises(ParameterError, match="exclude='t1' must be a collection"):
        index.search(np.ones(8), 3, exclude="t1")
    with pytest.raises(NotFoundError, match="track 'x' is not in the index"):
        index.vector("x")
    with pytest.raises(NotFoundError, match="'x'"):
        index.remove(["t1", "x"])
    with pytest.raises(ParameterError, match="7 dimensions do not fit an index of 8"):
        index.add(random_embeddings(2, dim=7))
    assert index.ids == ("t0", "t1", "t2", "t3", "t4")


def test_empty_index_says_so(tmp_path):
    index = build_index(Embeddings([], np.empty((0, 8))), config=IndexConfig())
    index.save(tmp_path)
    for empty in (index, Index.load(tmp_path)):
        assert len(empty) == 0
        with pytest.raises(NotFoundError, match="holds no tracks"):
            empty.search(np.ones(8), 3)
    loaded = Index.load(tmp_path)
    loaded.add(random_embeddings(2))
    assert loaded.search(np.ones(8), 3).scores.shape == (1, 2)


def test_an_id_ending_in_a_null_character_is_refused():
    with pytest.raises(ParameterError, match="null character"):
        build_index(Embeddings(["a\0"], np.ones((1, 2))), config=IndexConfig())
    index = build_index(Embeddings(["a"], np.ones((1, 2))), config=IndexConfig())
    assert "a\0" not in index
    assert "a" in index


@FILES
@given(
    ids=st.lists(IDS, min_size=1, max_size=30, unique=True),
    kind=st.sampled_from(KINDS),
    metric=st.sampled_from(METRICS),
    seed=st.integers(0, 100),
)
def test_saved_and_loaded_is_the_same(tmp_path, ids, kind, metric, seed):
    rng = np.random.default_rng(seed)
    embeddings = Embeddings(ids, rng.standard_normal((len(ids), 4)))
    index = build_index(embeddings, config=IndexConfig(kind=kind, metric=metric))
    index.save(tmp_path, inputs={"embeddings": "abc"})
    loaded = Index.load(tmp_path, inputs={"embeddings": "abc"})
    assert (loaded.kind, loaded.recall, loaded.config) == (kind, index.recall, index.config)
    assert loaded.ids == index.ids == tuple(sorted(ids))
    query = rng.standard_normal(4)
    for other in METRICS:
        before, after = index.search(query, 5, metric=other), loaded.search(query, 5, metric=other)
        assert before.ids == after.ids
        np.testing.assert_array_equal(before.scores, after.scores)
    for id_ in ids:
        assert id_ in loaded
        np.testing.assert_array_equal(loaded.vector(id_), embeddings[id_])
        assert id_ + "x" in loaded or id_ + "x" not in ids
    assert loaded.save(tmp_path, inputs={"embeddings": "abc"}).fingerprint


@FILES
@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("add"), st.lists(st.integers(0, 30), unique=True, max_size=8)),
            st.tuples(st.just("remove"), st.lists(st.integers(0, 30), unique=True, max_size=8)),
            st.tuples(st.just("reload"), st.just([])),
        ),
        max_size=8,
    ),
    kind=st.sampled_from(KINDS),
)
def test_changes_come_to_the_same_as_building_anew(tmp_path, steps, kind):
    rng = np.random.default_rng(7)
    config = IndexConfig(kind=kind)
    start = random_embeddings(10, dim=4)
    index, model = (
        build_index(start, config=config),
        dict(zip(start.ids, start.vectors, strict=True)),
    )
    for step, numbers in steps:
        ids = [f"t{number}" for number in numbers]
        if step == "add":
            vectors = rng.standard_normal((len(ids), 4)).astype(np.float32)
            index.add(Embeddings(ids, vectors))
            model.update(zip(ids, vectors, strict=True))
        elif step == "remove":
            ids = [id_ for id_ in ids if id_ in model]
            index.remove(ids)
            for id_ in ids:
                del model[id_]
        else:
            index.save(tmp_path / "index")
            index = Index.load(tmp_path / "index")
    assert index.ids == tuple(sorted(model))
    if not model:
        return
    embeddings = Embeddings(list(model), np.stack(list(model.values())))
    anew = build_index(embeddings, config=config)
    query = rng.standard_normal(4)
    changed, fresh = index.search(query, 40), anew.search(query, 40)
    assert changed.ids == fresh.ids
    np.testing.assert_array_equal(changed.scores, fresh.scores)
    if kind == "exact":
        before = index.save(tmp_path / "changed")
        assert before.fingerprint == anew.save(tmp_path / "anew").fingerprint


@pytest.mark.parametrize("kind", KINDS)
def test_small_changes_keep_the_structure(tmp_path, kind):
    """A few more and a few less of many: found and not found, without building again."""
    embeddings = random_embeddings(400)
    build_index(embeddings, config=IndexConfig(kind=kind)).save(tmp_path)
    index = Index.load(tmp_path)
    index.add(random_embeddings(5, seed=9, prefix="new"))
    index.remove(["t0", "new1"])
    index.add(Embeddings(["t1"], -embeddings.vectors[1:2]))
    index.save(tmp_path)
    loaded = Index.load(tmp_path)
    for each in (index, loaded):
        assert len(each) == 403
        assert each.search(each.vector("new2"), 1).ids == [["new2"]]
        assert "t0" not in each.search(embeddings["t0"], 403).ids[0]
        assert "t1" not in each.search(embeddings["t1"], 5).ids[0]
        assert each.search(-embeddings["t1"], 1).ids == [["t1"]]


@pytest.mark.parametrize("kind", KINDS)
def test_same_vectors_same_bytes(tmp_path, kind):
    embeddings = random_embeddings(600)
    shuffled = embeddings.take(sorted(embeddings.ids, key=lambda id_: id_[::-1]))
    config = IndexConfig(kind=kind)
    first = build_index(embeddings, config=config).save(tmp_path / "a")
    again = build_index(embeddings, config=config).save(tmp_path / "b")
    other = build_index(shuffled, config=config).save(tmp_path / "c")
    assert first.fingerprint == again.fingerprint == other.fingerprint
    assert not artifacts.damaged(tmp_path / "a", first)
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == sorted(
        [artifacts.MANIFEST, *(entry.file for entry in first.files.values())]
    )
    assert (first.extra["recall_at_10"] == 1.0) if kind == "exact" else first.extra["effort"] > 0


def test_recall_is_measured_and_true():
    embeddings = random_embeddings(3000, dim=16)
    for kind in ("hnsw", "ivf"):
        index = build_index(embeddings, config=IndexConfig(kind=kind))
        queries = random_embeddings(100, dim=16, seed=5).vectors
        truth = search_product(
            queries / np.linalg.norm(queries, axis=1, keepdims=True),
            vectors=SearchVectors(embeddings.vectors, "cosine"),
            k=10,
        )
        found = index.search(queries, 10).ids
        share = np.mean(
            [
                len({embeddings.ids[row] for row in rows} & set(ids)) / 10
                for rows, ids in zip(truth.rows, found, strict=True)
            ]
        )
        assert index.recall >= 0.97
        assert share >= index.recall - 0.1


def test_auto_follows_size(monkeypatch):
    how = {"kind": "auto", "exact_below": 100, "memory": 10**9}
    assert make_plan(99, 128, **how) == ("exact", "", False)
    assert make_plan(100, 128, **how) == ("hnsw", "HNSW32,SQ8", False)
    # 404 bytes each: 128 codes, 264 of links, 12 more.
    assert make_plan(2_475_000, 128, **how).kind == "hnsw"
    assert make_plan(2_476_000, 128, **how) == ("ivf", "IVF12588,SQ8", False)
    assert make_plan(10_000_000, 128, **how) == ("ivf", "IVF25298_HNSW32,SQ8", True)
    assert make_plan(5, 128, kind="ivf", exact_below=100, memory=1) == ("ivf", "IVF1,SQ8", True)
    monkeypatch.setattr("audiorec.index.plan.EXACT_BELOW", 100)
    index = build_index(random_embeddings(90), config=IndexConfig())
    assert index.kind == "exact"
    index.add(random_embeddings(20, prefix="u"))
    assert index.kind == "hnsw"
    index.remove([f"u{row}" for row in range(20)])
    assert index.kind == "exact"


@pytest.mark.parametrize(
    ("n", "lists"), [(1, 1), (38, 1), (10_000, 256), (1_000_000, 8000), (100_000_000, 65_536)]
)
def test_count_lists(n, lists):
    assert count_lists(n) == lists


def test_an_approximate_index_always_gives_k():
    """Filters that starve the structure are answered by the product."""
    embeddings = random_embeddings(2000)
    index = build_index(embeddings, config=IndexConfig(kind="ivf"))
    query = embeddings["t0"]
    near = index.search(query, 300).ids[0]
    found = index.search(query, 100, exclude=near)
    assert len(found.ids[0]) == 100
    assert not set(found.ids[0]) & set(near)


def test_other_inputs_are_refused(tmp_path):
    build_index(random_embeddings(3), config=IndexConfig()).save(
        tmp_path, inputs={"embeddings": "a"}
    )
    with pytest.raises(ArtifactError, match="made from another embeddings; run 'audiorec index'"):
        Index.load(tmp_path, inputs={"embeddings": "b"})


def test_what_is_kept_with_it_comes_back(tmp_path):
    index = build_index(random_embeddings(3), config=IndexConfig())
    same = {"t0": 1, "t2": 1}
    manifest = index.save(tmp_path, inputs={"a": "b"}, extra={"played": 2}, duplicates=same)
    loaded = Index.load(tmp_path)
    assert loaded.extra == index.extra == manifest.extra
    assert dict(loaded.duplicates) == dict(index.duplicates) == {"t0": 1, "t2": 1}
    assert "t1" not in loaded.duplicates and len(loaded.duplicates) == 2
    assert loaded.extra["played"] == 2
    assert loaded.extra["recall_at_10"] == 1.0
    assert loaded.inputs == {"a": "b"}
    loaded.remove(["t0"])
    assert loaded.inputs == {}
    assert dict(loaded.duplicates) == {"t2": 1}


def test_missing_torn_and_swapped_files(tmp_path):
    with pytest.raises(
        ArtifactError,
        match="there is no index in .*; run 'audiorec run', or 'audiorec index' alone, first",
    ):
        Index.load(tmp_path)
    config = IndexConfig(kind="hnsw")
    manifest = build_index(random_embeddings(300), config=config).save(tmp_path / "a")
    structure = tmp_path / "a" / manifest.files["structure"].file
    whole = structure.read_bytes()
    structure.write_bytes(whole[:-1])
    with pytest.raises(ArtifactError, match="should have"):
        Index.load(tmp_path / "a")
    structure.write_bytes(bytes(len(whole)))
    with pytest.raises(ArtifactError, match="damaged or of another FAISS"):
        Index.load(tmp_path / "a").search(np.ones(8), 1)
    larger = build_index(random_embeddings(300, dim=9), config=config)
    other = larger.save(tmp_path / "b")
    swapped = (tmp_path / "b" / other.files["structure"].file).read_bytes()[: len(whole)]
    structure.write_bytes(swapped)
    with pytest.raises(ArtifactError, match="run 'audiorec index' to make it again"):
        Index.load(tmp_path / "a").search(np.ones(8), 1)


def test_what_is_given_and_what_is_stored_stays(tmp_path):
    embeddings = random_embeddings(20)
    vectors, query = embeddings.vectors.copy(), np.ones(8, dtype=np.float32)
    index = build_index(embeddings, config=IndexConfig())
    index.vector("t1")[:] = 0
    index.search(query, 5).scores[:] = 0
    index.add(random_embeddings(3, prefix="u"))
    index.remove(["t4"])
    np.testing.assert_array_equal(embeddings.vectors, vectors)
    np.testing.assert_array_equal(query, np.ones(8))
    np.testing.assert_array_equal(index.vector("t1"), vectors[1])
    assert index.embeddings().ids == index.ids


@given(scores=st.lists(st.sampled_from([0.0, 0.5, 1.0, -1.0]), max_size=12), share=st.floats(0, 1))
def test_largest_is_a_stable_sort(scores, share):
    values = np.array(scores, dtype=np.float32)
    k = int(share * len(scores))
    twin = sorted(range(len(scores)), key=lambda place: (-values[place], place))[:k]
    assert top_k(values, k=k).tolist() == twin


def test_build_keeps_faiss_threads():
    import faiss

    before = faiss.omp_get_max_threads()
    vectors = SearchVectors(np.eye(8, dtype=np.float32), "inner_product")
    plan = make_plan(8, 8, kind="hnsw", exact_below=1, memory=10**9)
    build(vectors, plan=plan, memory=10**9)
    assert faiss.omp_get_max_threads() == before


def test_answers_import_neither_torch_nor_librosa():
    loaded = modules_loaded_by(
        "import audiorec.index, audiorec.recommend.retrieval, audiorec.playlist, "
        "audiorec.index.structures"
    )
    assert not loaded & {"torch", "librosa", "lightning", "sklearn", "matplotlib"}


def test_a_structure_that_finds_no_room_is_never_kept_as_whole(tmp_path):
    """So small that it is written when its file is closed, which FAISS alone would not tell."""
    script = (
        "import pathlib, resource, sys, numpy as np\n"
        "from audiorec.index import structures\n"
        "from audiorec.index.exact import SearchVectors\n"
        "from audiorec.index.plan import make_plan\n"
        "from audiorec.artifacts import temp_path\n"
        "vectors = SearchVectors(np.eye(8, dtype=np.float32), 'cosine')\n"
        "plan = make_plan(8, 8, kind='hnsw', exact_below=1, memory=10**9)\n"
        "built = structures.build(vectors, plan=plan, memory=10**9)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "with temp_path(pathlib.Path(sys.argv[1])) as aside:\n"
        "    structures.write(built, aside)\n"
        "    print('written', aside.stat().st_size)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "vectors.faiss")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "vectors.faiss cannot be written (File too large); make room" in done.stderr
    assert done.stdout == "" and list(tmp_path.iterdir()) == []


def stored(directory, *, extra=(), **config):
    """An index of so many vectors, and what its manifest says."""
    index = build_index(random_embeddings(300), config=IndexConfig(**config))
    return index.save(directory, extra=dict(extra))


def rewrite(directory, manifest, *, files=None, extra=None):
    artifacts.commit(
        directory, kind="index", files=manifest.files if files is None else files,
        config=manifest.config, inputs=manifest.inputs,
        extra=manifest.extra if extra is None else extra,
    )  # fmt: skip


def test_a_manifest_that_lacks_what_it_should_say(tmp_path):
    manifest = stored(tmp_path)
    rewrite(tmp_path, manifest, extra={k: v for k, v in manifest.extra.items() if k != "effort"})
    for read in (Index.load, kept_drift):
        with pytest.raises(ArtifactError, match=r"extra.effort is not there.*'audiorec index' to"):
            read(tmp_path)
    rewrite(tmp_path, manifest, extra=manifest.extra | {"kind": "hnsw"})
    with pytest.raises(ArtifactError, match="lacks 'structure'; run 'audiorec index' to make it"):
        kept_drift(tmp_path)
    rewrite(tmp_path, manifest, files={k: v for k, v in manifest.files.items() if k != "ids"})
    with pytest.raises(ArtifactError, match="lacks 'ids'; run 'audiorec index' to make it again"):
        Index.load(tmp_path)


def test_parts_of_two_indexes_do_not_fit(tmp_path):
    manifest = stored(tmp_path / "a")
    few = build_index(random_embeddings(5), config=IndexConfig()).save(tmp_path / "b")
    vectors = few.files["vectors"]
    (tmp_path / "a" / vectors.file).write_bytes((tmp_path / "b" / vectors.file).read_bytes())
    rewrite(tmp_path / "a", manifest, files={**manifest.files, "vectors": vectors})
    with pytest.raises(ArtifactError, match="has 300 ids for 5 vectors; run 'audiorec index'"):
        Index.load(tmp_path / "a")


def test_a_structure_of_other_vectors_does_not_fit(tmp_path):
    manifest = stored(tmp_path / "a", kind="hnsw")
    small = build_index(random_embeddings(250), config=IndexConfig(kind="hnsw"))
    structure = small.save(tmp_path / "b").files["structure"]
    (tmp_path / "a" / structure.file).write_bytes((tmp_path / "b" / structure.file).read_bytes())
    rewrite(tmp_path / "a", manifest, files={**manifest.files, "structure": structure})
    with pytest.raises(ArtifactError, match="holds 250 vectors of 8 dim.*hold 300 of 8; run 'aud"):
        Index.load(tmp_path / "a").search(np.ones(8), 1)


def test_what_an_index_is_worth_without_a_structure(tmp_path):
    stored(tmp_path)
    assert kept_drift(tmp_path).recall == 1.0
    index = Index.load(tmp_path)
    assert index.drift() == IndexDrift() and index.factory == ""
    assert index.search(np.empty((0, 8)), 3).ids == []


def test_a_damaged_vector_is_named_though_few_are_looked_at(tmp_path):
    manifest = stored(tmp_path)
    file = tmp_path / manifest.files["vectors"].file
    vectors = np.lib.format.open_memmap(file, mode="r+")
    vectors[np.isclose(vectors, random_embeddings(300).vectors[7]).all(axis=1)] = np.nan
    vectors.flush()
    del vectors
    index = Index.load(tmp_path)
    some = index.search(np.ones(8), 3, include=["t1", "t2", "t3"])
    assert sorted(*some.ids) == ["t1", "t2", "t3"]
    with pytest.raises(ArtifactError, match="vector of 't7' holds NaN or infinity.; run 'audiorec"):
        index.search(np.ones(8), 3, include=["t1", "t7", "t9"])
