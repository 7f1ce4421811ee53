from __future__ import annotations

import pytest

from audiorec.data.names import normalize_text


@pytest.mark.parametrize(
    ("a", "b"), [("STRASSE", "straße"), ("Ａ  b", "a B"), ("e\u0301", "É"), (" x\n", "x")]
)
def test_spellings_of_one_name_are_equal(a, b):
    assert normalize_text(a) == normalize_text(b)
