"""Hub correction and the dial of popularity against readable twins, and what they are for."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse

from audiorec.embeddings import Embeddings, unit_norm
from audiorec.exceptions import ParameterError
from audiorec.index import Index, IndexConfig, build_index, csls_offsets, with_popularity
from audiorec.index.hubness import EXPOSURE_K, NEIGHBOURS, min_exposure_offsets

N, DIM = 300, 40


@pytest.fixture(scope="module")
def crowded() -> Embeddings:
    """Vectors that lie around a common direction, some much nearer to it: hubs."""
    rng = np.random.default_rng(0)
    spread = rng.uniform(0.5, 4, size=(N, 1))
    vectors = np.eye(DIM)[0] + spread * rng.standard_normal((N, DIM)) / np.sqrt(DIM)
    return Embeddings([f"t{row:03d}" for row in range(N)], vectors * rng.uniform(0.5, 2, (N, 1)))


@pytest.fixture(scope="module")
def listeners() -> np.ndarray:
    rng = np.random.default_rng(1)
    return (np.eye(DIM)[0] + rng.standard_normal((400, DIM))).astype(np.float32)


def slow_r(vectors, queries, own=None):
    """Mean of the `NEIGHBOURS` largest cosine-like scores, one vector after the other."""
    r = []
    for row, y in enumerate(vectors):
        scores = [
            float(x @ y) / float(np.linalg.norm(x))
            for place, x in enumerate(queries)
            if own is None or own[place] != row
        ]
        r.append(np.mean(sorted(scores)[-NEIGHBOURS:]))
    return np.array(r)


def never(index, k=EXPOSURE_K, *, queries=None, metric=None):
    """Ids that are among nobody's `k` nearest, and the largest k-occurrence."""
    seen: dict[str, int] = {}
    if queries is None:
        for id_ in index.ids:
            for near in index.search(index.vector(id_), k, exclude=[id_]).ids[0]:
                seen[near] = seen.get(near, 0) + 1
    else:
        for ids in index.search(queries, k, metric=metric).ids:
            for near in ids:
                seen[near] = seen.get(near, 0) + 1
    return set(index.ids) - seen.keys(), max(seen.values())


def test_csls_equals_its_readable_twin(crowded, listeners):
    unit = unit_norm(crowded.vectors)
    own = np.arange(N)
    assert np.allclose(csls_offsets(unit, unit, own=own), -slow_r(unit, unit, own) / 2, atol=1e-6)
    some = np.arange(0, N, 3)
    found = csls_offsets(unit, unit[some], own=some)
    assert np.allclose(found, -slow_r(unit, unit[some], some) / 2, atol=1e-6)
    found = csls_offsets(crowded.vectors, listeners)
    assert np.allclose(found, -slow_r(crowded.vectors, listeners) / 2, atol=1e-5)


def test_an_index_ranks_by_csls(crowded):
    index = build_index(crowded, config=IndexConfig(hubs="csls"))
    unit = unit_norm(crowded.vectors)
    r = slow_r(unit, unit, np.arange(N))
    for row in (0, 17, 250):
        csls = 2 * unit @ unit[row] - r[row] - r
        csls[row] = -np.inf
        best = np.argsort(-csls)[:20]
        found = index.search(crowded.vectors[row] * 3, 20, exclude=[crowded.ids[row]])
        assert found.ids[0] == [crowded.ids[place] for place in best]
        assert np.allclose(found.scores[0], (csls[best] + r[row]) / 2, atol=1e-5)


def test_hubs_are_held_back_and_the_lost_are_found(crowded):
    plain = never(build_index(crowded, config=IndexConfig()))
    csls = never(build_index(crowded, config=IndexConfig(hubs="csls")))
    reached = never(build_index(crowded, config=IndexConfig(hubs="reach")))
    assert plain[0] and not csls[0] and not reached[0]
    assert csls[1] < plain[1] / 2


def test_reach_lifts_the_lost_alone_for_listeners_too(crowded, listeners):
    index = build_index(crowded, config=IndexConfig(hubs="reach"), listeners=listeners)
    plain = build_index(crowded, config=IndexConfig())
    lost, _ = never(plain, queries=listeners, metric="inner_product")
    assert len(lost) > 0.2 * N
    assert len(never(index, queries=listeners, metric="inner_product")[0]) <= 0.01 * N
    offsets = dict(zip(index.ids, index.offsets("inner_product"), strict=True))
    assert all(offsets[id_] > 0 for id_ in lost)
    assert min(offsets.values()) == 0
    often = plain.search(listeners, 1, metric="inner_product").ids
    assert offsets[max({ids[0] for ids in often}, key=[ids[0] for ids in often].count)] == 0


def test_reach_minds_what_is_never_answered(listeners):
    vectors = np.eye(DIM, dtype=np.float32)[:11].repeat(2, axis=0)
    excluded = np.zeros((len(listeners), len(vectors)))
    excluded[:, 3] = 1
    offsets = min_exposure_offsets(vectors, listeners, excluded=scipy.sparse.csr_matrix(excluded))
    assert np.isfinite(offsets).all() and offsets[3] == 0


def test_too_few_to_ask_or_to_answer():
    few = np.eye(4, dtype=np.float32)
    assert not min_exposure_offsets(few, few, own=np.arange(4)).any()
    assert not min_exposure_offsets(np.ones((20, 4), np.float32), few[:0]).any()
    assert not csls_offsets(few, few[:0]).any()
    assert not csls_offsets(few[:1], few[:1], own=np.arange(1)).any()
    for hubs in ("csls", "reach"):
        index = build_index(Embeddings([], np.empty((0, 4))), config=IndexConfig(hubs=hubs))
        assert len(index) == 0


@pytest.mark.parametrize("hubs", ["csls", "reach"])
@pytest.mark.parametrize("kind", ["exact", "hnsw", "ivf"])
def test_kept_and_read_again_it_answers_alike(tmp_path, crowded, listeners, hubs, kind):
    config = IndexConfig(hubs=hubs, kind=kind)
    index = build_index(crowded, config=config, listeners=listeners)
    other = crowded.take(crowded.ids[::-1])
    heard = scipy.sparse.csr_matrix((len(listeners), N))
    same = build_index(other, config=config, listeners=listeners, plays=heard)
    made, again = index.save(tmp_path / "a"), same.save(tmp_path / "b")
    assert made.fingerprint == again.fingerprint
    read = Index.load(tmp_path / "a")
    for metric in ("cosine", "inner_product"):
        one, two = (i.search(listeners[:9], 7, metric=metric) for i in (index, read))
        assert one.ids == two.ids
        assert np.array_equal(one.scores, two.scores)
    assert np.array_equal(read.embeddings().vectors, crowded.vectors)


def test_one_and_many_agree_with_offsets(crowded, listeners):
    index = build_index(crowded, config=IndexConfig(hubs="csls"), listeners=listeners)
    many = index.search(listeners[:20], 5, metric="inner_product")
    for row in range(20):
        one = index.search(listeners[row], 5, metric="inner_product")
        assert one.ids[0] == many.ids[row]
        assert np.array_equal(one.scores[0], many.scores[row])


def test_a_corrected_index_does_not_change_in_place(crowded):
    index = build_index(crowded, config=IndexConfig(hubs="csls"))
    with pytest.raises(ParameterError, match="hubs='csls' cannot change in place"):
        index.add(Embeddings(["new"], np.ones((1, DIM))))
    with pytest.raises(ParameterError, match="cannot change in place"):
        index.remove(["t000"])


def test_the_dial_scales_norms_as_the_formula_says(crowded):
    index = build_index(crowded, config=IndexConfig())
    mu = 1.3
    norms = np.linalg.norm(crowded.vectors, axis=1)
    for alpha in (0.5, 1.0, 9.0):
        dial = 1 / (1 + alpha) - 1
        dialled = with_popularity(index, dial, metric="inner_product", mean_norm=mu)
        gamma = (norms + alpha * mu) / (norms * (1 + alpha))
        expected = crowded.vectors * gamma[:, None]
        assert np.allclose(dialled.embeddings().vectors, expected, atol=1e-5)
    at_end = with_popularity(index, -1, metric="inner_product", mean_norm=mu).embeddings().vectors
    assert np.allclose(np.linalg.norm(at_end, axis=1), mu, atol=1e-5)
    hits = with_popularity(index, 1, metric="inner_product", mean_norm=mu).embeddings().vectors
    lengths = np.linalg.norm(hits, axis=1)
    assert np.allclose(lengths, np.maximum(2 * norms - mu, 0.05 * norms), atol=1e-5)
    assert (lengths > 0).all()


@pytest.mark.parametrize("metric", ["cosine", "inner_product"])
@pytest.mark.parametrize("hubs", ["none", "csls", "reach"])
def test_the_dial_goes_from_gems_to_hits(crowded, listeners, metric, hubs):
    index = build_index(crowded, config=IndexConfig(hubs=hubs), listeners=listeners)
    norms = dict(zip(crowded.ids, np.linalg.norm(crowded.vectors, axis=1), strict=True))
    mean = []
    for dial in (-1.0, -0.5, 0.5, 1.0):
        mean_norm = float(np.mean(list(norms.values())))
        dialled = with_popularity(index, dial, metric=metric, mean_norm=mean_norm)
        ids = dialled.search(listeners, 10).ids
        mean.append(np.mean([norms[id_] for row in ids for id_ in row]))
    assert mean == sorted(mean)
    assert mean[0] < mean[-1] - 0.1


def test_a_dial_that_cannot_be(crowded):
    index = build_index(crowded, config=IndexConfig())
    with pytest.raises(ParameterError, match=r"popularity=1.5 must lie between -1, gems"):
        with_popularity(index, 1.5, metric="cosine", mean_norm=1)
    with pytest.raises(ParameterError, match="mean_norm=0"):
        with_popularity(index, 0.5, metric="cosine", mean_norm=0)
