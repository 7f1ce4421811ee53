"""Answers on vectors whose neighbours are known."""

from __future__ import annotations

import numpy as np
import pytest

from audiorec.embeddings import Embeddings
from audiorec.exceptions import NotFoundError, ParameterError
from audiorec.index import IndexConfig, build_index
from audiorec.recommend import ScoredTrack, recommend, similar
from audiorec.recommend.several_seeds import representatives


def on_a_circle(degrees: dict[str, float], *, metric: str = "cosine", norms=None):
    """An index of vectors at known angles: neighbours can be read off."""
    radians = np.radians(list(degrees.values()))
    vectors = np.stack([np.cos(radians), np.sin(radians)], axis=1)
    if norms is not None:
        vectors *= np.asarray(norms)[:, np.newaxis]
    return build_index(Embeddings(list(degrees), vectors), config=IndexConfig(metric=metric))


CIRCLE = {"a": 0, "a2": 0, "b": 10, "c": 30, "c2": 30, "c3": 30, "d": 60, "e": 170}


def ids(matches):
    return [match.track_id for match in matches]


def test_nearest_first_without_the_query():
    matches = similar(on_a_circle(CIRCLE), None, ["b"], k=3)
    assert ids(matches) == ["a", "a2", "c"]
    assert matches[0] == ScoredTrack("a", pytest.approx(np.cos(np.radians(10)), abs=1e-6))
    assert ids(similar(on_a_circle(CIRCLE), None, "b", k=3)) == ["a", "a2", "c"]


def test_of_duplicates_one_is_answered_and_none_of_the_query():
    duplicates = {"a": 0, "a2": 0, "c": 1, "c2": 1, "c3": 1}
    index = on_a_circle(CIRCLE)
    assert ids(similar(index, None, ["a"], k=4, duplicates=duplicates)) == ["b", "c", "d", "e"]
    assert ids(similar(index, None, ["d"], k=3, duplicates=duplicates)) == ["c", "b", "a"]
    assert ids(similar(index, None, ["d"], k=99, duplicates=duplicates)) == ["c", "b", "a", "e"]


def test_k_is_reached_past_many_duplicates():
    degrees = {f"copy{n:02d}": 1.0 for n in range(60)} | {"q": 0.0, "x": 20.0, "y": 30.0}
    duplicates = {f"copy{n:02d}": 5 for n in range(60)}
    matches = similar(on_a_circle(degrees), None, ["q"], k=3, duplicates=duplicates)
    assert ids(matches) == ["copy00", "x", "y"]


def test_several_queries_agree_rather_than_meet_half_way():
    near = {"a1": 2, "a2": 4, "b1": 88, "b2": 86}
    index = on_a_circle({"a": 0, "b": 90, "half": 45, **near}, norms=[100, 1, 1, 1, 1, 1, 1])
    assert set(ids(similar(index, None, ["a", "b"], k=4))) == set(near)
    # Of two equally near to one seed the other seed decides.
    index = on_a_circle({"a": 0, "b": 90, "to b": 10, "away": -10})
    assert ids(similar(index, None, ["a", "b"], k=2)) == ["to b", "away"]


def test_what_is_not_wanted_is_kept_away():
    index = on_a_circle({"a": 0, "left": -20, "right": 20, "worse": 30, "bad": 40})
    assert ids(similar(index, None, ["a"], k=3))[2] == "worse"
    bad = index.vector("bad")[None]
    assert ids(similar(index, None, ["a"], k=3, against=bad, exclude=["bad"])) == ["left"]


def test_queries_from_outside():
    index = on_a_circle(CIRCLE)
    outside = Embeddings(["new.mp3", "new2.mp3"], np.array([[0.0, 2.0], [0.01, 2.0]]))
    assert ids(similar(index, outside, ["new.mp3"], k=2)) == ["d", "c"]
    assert ids(similar(index, outside, ["new.mp3", "new2.mp3"], k=1)) == ["d"]
    assert ids(similar(index, None, np.array([0.0, 2.0]), k=1)) == ["d"]
    both = np.array([[0.0, 2.0], [1.0, 0.0]])
    assert {"a", "d"} <= set(ids(similar(index, None, both, k=9)))


def test_those_that_stand_for_many_are_the_most_central_and_the_farthest():
    radians = np.radians([-60, -5, 0, 5, 61])
    vectors = np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)
    assert representatives(vectors, 3) == [2, 4, 0]
    assert representatives(vectors, 5) == [0, 1, 2, 3, 4]


def test_include_and_exclude():
    index = on_a_circle(CIRCLE)
    assert similar(index, None, ["a", "b"], k=9, include=["nothing"]) == []
    assert ids(similar(index, None, ["a"], k=9, exclude=["a2", "c", "c2", "c3"])) == ["b", "d", "e"]
    assert ids(similar(index, None, ["a"], k=9, include=["a", "d", "e"])) == ["d", "e"]


def test_bad_questions():
    index = on_a_circle(CIRCLE)
    with pytest.raises(NotFoundError, match="track 'zz' is not in the index"):
        similar(index, None, ["a", "zz"], k=3)
    with pytest.raises(ParameterError, match="k=0 must be at least 1"):
        similar(index, None, ["a"], k=0)
    with pytest.raises(ParameterError, match="name at least one"):
        similar(index, None, [], k=3)
    with pytest.raises(ParameterError, match="name at least one"):
        similar(index, None, np.zeros((0, 2)), k=3)
    with pytest.raises(ParameterError, match="NaN"):
        similar(index, None, np.array([np.nan, 1.0]), k=3)
    with pytest.raises(ParameterError, match=r"3\) does not fit an index of 2"):
        similar(index, None, np.ones(3), k=3)
    with pytest.raises(ParameterError, match="query's vector is zero"):
        similar(index, None, np.zeros(2), k=3)
    with pytest.raises(ParameterError, match="differ in dimensions"):
        similar(index, Embeddings(["x"], np.ones((1, 3))), ["x", "a"], k=3)


@pytest.mark.parametrize("metric", ["cosine", "inner_product"])
@pytest.mark.parametrize("kind", ["exact", "hnsw", "ivf"])
def test_recommend_ranks_by_inner_product_whatever_the_index(metric, kind):
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((100, 6)) * rng.uniform(0.1, 5, (100, 1))
    embeddings = Embeddings([f"t{n:02d}" for n in range(100)], vectors)
    index = build_index(embeddings, config=IndexConfig(metric=metric, kind=kind))
    listener = rng.standard_normal(6)
    heard = {"t03", "t05", "not in the index"}
    scores = {
        id_: float(vector @ listener)
        for id_, vector in zip(embeddings.ids, embeddings.vectors, strict=True)
        if id_ not in heard
    }
    expected = sorted(scores, key=lambda id_: -scores[id_])
    matches = recommend(index, listener, k=20, played=heard)
    assert ids(matches) == expected[:20]
    np.testing.assert_allclose(
        [match.score for match in matches], [scores[id_] for id_ in expected[:20]], rtol=1e-5
    )


def test_heard_tracks_and_their_duplicates_are_left_out():
    index = on_a_circle(CIRCLE)
    duplicates = {"a": 0, "a2": 0}
    listener = np.array([1.0, 0.0])
    assert ids(recommend(index, listener, k=2, duplicates=duplicates)) == ["a", "b"]
    assert ids(recommend(index, listener, k=2, played=["a"], duplicates=duplicates)) == ["b", "c"]
    assert ids(recommend(index, listener, k=2, played=["a"])) == ["a2", "b"]


def test_recommend_refuses():
    index = on_a_circle(CIRCLE)
    with pytest.raises(ParameterError, match="listener's vector is zero"):
        recommend(index, np.zeros(2), k=3)
    with pytest.raises(ParameterError, match=r"\(1, 2\) must be one listener's"):
        recommend(index, np.ones((1, 2)), k=3)
    with pytest.raises(ParameterError, match="does not fit"):
        recommend(index, np.ones(5), k=3)
    with pytest.raises(ParameterError, match="NaN"):
        recommend(index, np.array([np.nan, 1.0]), k=3)
