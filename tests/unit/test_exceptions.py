import pytest

from audiorec.exceptions import first_line


@pytest.mark.parametrize(
    ("message", "expected"),
    [("no room", "no room"), ("\n  torn \nat byte 7\n", "torn"), ("", "ValueError")],
)
def test_the_first_line_of_an_error(message, expected):
    assert first_line(ValueError(message)) == expected
