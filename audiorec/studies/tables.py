"""Result tables of studies, as text and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from audiorec.evaluation import Holdout
from audiorec.evaluation.candidates import candidates_of
from audiorec.evaluation.report import plain_json
from audiorec.evaluation.text_tables import aligned
from audiorec.metrics import Interval


class StudyTable(NamedTuple):
    """A table of figures.

    Attributes
    ----------
    title : str
    columns : tuple of str
    rows : tuple of (dict of str to value)
        Cells by column: a text, a number, an `Interval` or None.
    notes : tuple of str
    facts : dict of str to value
        Further values, in JSON only.

    Examples
    --------
    >>> rows = ({"dim": 16, "nDCG": 0.21}, {"dim": 48, "nDCG": 0.25})
    >>> StudyTable("Factors", ("dim", "nDCG"), rows).to_json()["rows"][1]
    {'dim': 48, 'nDCG': 0.25}
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[dict[str, Any], ...]
    notes: tuple[str, ...] = ()
    facts: dict[str, Any] = {}  # noqa: RUF012 - never changed

    def to_text(self) -> str:
        """Format the table as text."""
        cells = [["", *self.columns[1:]]]
        cells += [[_format(row.get(column)) for column in self.columns] for row in self.rows]
        return "\n".join([self.title, "", *aligned(cells), "", *self.notes])

    def to_json(self) -> dict[str, Any]:
        """Convert to JSON."""
        rows = [{key: plain_json(value) for key, value in row.items()} for row in self.rows]
        return {"title": self.title, **self.facts, "rows": rows, "notes": list(self.notes)}


class StudyReport(NamedTuple):
    """The tables of a study."""

    tables: tuple[StudyTable, ...]

    def to_text(self) -> str:
        """Format the tables as text."""
        return "\n\n".join(table.to_text() for table in self.tables)

    def to_json(self) -> dict[str, Any] | list[dict[str, Any]]:
        """Convert to JSON: one object, or a list of them if there are several tables."""
        bodies = [table.to_json() for table in self.tables]
        return bodies[0] if len(bodies) == 1 else bodies


def scope(split: str, holdouts: Sequence[Holdout]) -> str:
    """Describe a scope: ``"artist-cold: 120 listeners, 40 new tracks, 3 hold-outs"``."""
    users = np.mean([len(holdout.listeners) for holdout in holdouts])
    tracks = np.mean([len(candidates_of(holdout).names) for holdout in holdouts])
    return f"{split}: {users:.0f} listeners, {tracks:.0f} new tracks, {len(holdouts)} hold-outs"


def _format(value: Any) -> str:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, Interval):
        return f"[{value.low:+.3f} .. {value.high:+.3f}]"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
