import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from audiorec.embeddings import Embeddings, unit_norm
from audiorec.exceptions import NotFoundError, ParameterError

finite = st.floats(-1e6, 1e6, width=32)


@given(
    st.integers(0, 6).flatmap(
        lambda n: st.tuples(
            st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1),
                     min_size=n, max_size=n, unique=True),
            hnp.arrays(np.float32, (n, 3), elements=finite),
        )
    )
)  # fmt: skip
def test_save_and_load_round_trip(tmp_path_factory, pair):
    ids, vectors = pair
    directory = tmp_path_factory.mktemp("e") / "embeddings"
    Embeddings(ids, vectors).save(directory)
    loaded = Embeddings.load(directory)
    assert loaded.ids == tuple(ids)
    np.testing.assert_array_equal(loaded.vectors, vectors)


def test_take_updated_and_unknown():
    both = Embeddings(["a", "b"], np.eye(2)).updated(Embeddings(["b", "c"], 2 * np.eye(2)))
    assert both.ids == ("a", "b", "c")
    np.testing.assert_array_equal(both["b"], [2, 0])
    np.testing.assert_array_equal(both.take(["c", "a"]).vectors, [[0, 2], [1, 0]])
    with pytest.raises(NotFoundError, match="'z'"):
        both.take(["z"])


def test_vectors_are_read_only_and_the_argument_is_not_changed():
    given_vectors = np.ones((1, 2), np.float32)
    embeddings = Embeddings(["a"], given_vectors)
    with pytest.raises(ValueError, match="read-only"):
        embeddings.vectors[0, 0] = 3
    given_vectors[0, 0] = 5  # still the caller's own, still writable


@pytest.mark.parametrize(
    ("ids", "vectors", "message"),
    [
        (["a"], np.ones((2, 2)), "one row per id"),
        (["a"], np.ones(2), "matrix"),
        (["a", "a"], np.ones((2, 2)), "'a' appears twice"),
        (["a", "b"], np.array([[1, 1], [np.nan, 1]]), "'b' holds NaN"),
    ],
)
def test_what_is_no_embedding_is_refused(ids, vectors, message):
    with pytest.raises(ParameterError, match=message):
        Embeddings(ids, vectors)


def test_unit_norm_leaves_zero_rows_zero():
    unit = unit_norm(np.array([[3.0, 4.0], [0.0, 0.0]], np.float32))
    np.testing.assert_allclose(unit, [[0.6, 0.8], [0, 0]], rtol=1e-6)


def test_updated_with_others():
    some = Embeddings(["a", "b"], np.eye(2, dtype=np.float32))
    other = Embeddings(["b", "c"], 2 * np.eye(2, dtype=np.float32))
    both = some.updated(other)
    assert both.ids == ("a", "b", "c")
    assert both.vectors.tolist() == [[1, 0], [2, 0], [0, 2]]
    assert Embeddings([], np.zeros((0, 0))).updated(some).ids == ("a", "b")
    with pytest.raises(ParameterError, match="vectors of 3 dimensions do not fit 2"):
        some.updated(Embeddings(["c"], np.ones((1, 3))))
