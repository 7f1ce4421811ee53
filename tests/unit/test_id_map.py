import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiorec.exceptions import NotFoundError, ParameterError
from audiorec.id_map import IdMap


@given(st.lists(st.text(min_size=1), unique=True))
def test_rows_and_ids_are_inverse(ids):
    id_map = IdMap(ids)
    assert [id_map[row] for row in id_map.rows(ids)] == ids
    assert list(id_map) == ids and len(id_map) == len(ids)


def test_unknown_and_repeated_ids_are_named():
    with pytest.raises(ParameterError, match="listener id 'b' appears twice"):
        IdMap(["a", "b", "b"], noun="listener")
    with pytest.raises(NotFoundError, match="unknown track 'x'"):
        IdMap(["a"]).row("x")


def test_rows_are_int64():
    assert IdMap(["a", "b"]).rows(["b"]).dtype == np.int64


def test_equal_maps_have_equal_hashes():
    assert {IdMap(["a", "b"]): 1}[IdMap(["a", "b"])] == 1
    assert IdMap(["a", "b"]) != IdMap(["b", "a"])
