"""Text tables of figures, and their metrics."""

from __future__ import annotations

import math
from collections.abc import Sequence

from audiorec.metrics import METRICS

FOCUS = "nDCG@50"
COLUMNS = ("AUC", "mAP@500", "nDCG@10", "nDCG@50", "recall@50")
DEEPER = tuple(name for name in METRICS if name not in COLUMNS)  # in JSON and on the page
RULE = "-"


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Align names to the left, figures to the right, with a rule below the header."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            [row[0].ljust(widths[0])]
            + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        ).rstrip()
        for row in rows
    ]
    return [lines[0], RULE * (sum(widths) + 2 * (len(widths) - 1)), *lines[1:]]


def figure(value: float) -> str:
    """Format a figure with three digits, or ``n/a`` for NaN."""
    return "n/a" if math.isnan(value) else f"{value:.3f}"


def with_interval(value: float, ends: tuple[float, float]) -> str:
    """Format a figure and its interval.

    Examples
    --------
    >>> with_interval(0.25, (0.2, 0.3))
    ' 0.250 [ 0.200 ..  0.300]'
    """
    if math.isnan(value):
        return "n/a"
    return f"{value:6.3f} [{ends[0]:6.3f} .. {ends[1]:6.3f}]"


def count(number: int, noun: str) -> str:
    """Format a count: ``"1 seed"``, ``"2 seeds"``."""
    return f"{number} {noun}{'s' if number != 1 else ''}"
