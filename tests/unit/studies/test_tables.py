"""Tables of studies."""

from __future__ import annotations

from audiorec.metrics import Interval
from audiorec.studies import StudyReport, StudyTable


def test_a_table_leaves_empty_what_is_not_known():
    rows = (
        {"system": "a", "AUC": 0.5, "interval": Interval(0.25, 0.75)},
        {"system": "b", "AUC": float("nan"), "interval": None},
    )
    table = StudyTable("Title", ("system", "AUC", "interval"), rows, ("A note.",), {"n": 2})
    lines = StudyReport((table,)).to_text().splitlines()
    assert lines[0] == "Title" and lines[-1] == "A note."
    assert [line.split() for line in lines if line[:1] in ("a", "b")] == [
        ["a", "0.500", "[+0.250", "..", "+0.750]"], ["b"]
    ]  # fmt: skip
    body = StudyReport((table,)).to_json()
    assert (body["n"], body["rows"][1]) == (2, {"system": "b", "AUC": None, "interval": None})
    assert StudyReport((table, table)).to_json() == [body, body]
