"""A split's figures as a table for people."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from audiorec.evaluation.scores import HEADLINE, SCORINGS

if TYPE_CHECKING:
    from audiorec.evaluation.beyond_accuracy import BeyondAccuracy
    from audiorec.evaluation.report import SplitReport

FOCUS = "nDCG@50"
COLUMNS = ("AUC", "mAP@500", "nDCG@10", "nDCG@50", "recall@50")
DEEPER = ("recall@10", "nDCG@500", "recall@500")  # in JSON and on the page
RULE = "-"


def render(report: SplitReport) -> str:
    """The table of one split.

    Columns: `COLUMNS` by the headline scoring; then, in the metric `FOCUS`, the share of the
    honest oracle with its interval, its standard deviation over hold-outs, and the share by the
    other scoring.
    """
    other = next(name for name in SCORINGS if name != HEADLINE)
    header = ["", *COLUMNS, f"share of oracle, {FOCUS}", "+/-", other]
    rows = [
        [
            name,
            *(_figure(values[metric]) for metric in COLUMNS),
            _with_interval(
                report.shares[HEADLINE][name][FOCUS],
                report.share_intervals[HEADLINE][name][FOCUS],
            ),
            _figure(report.spread[name][FOCUS]),
            _figure(report.shares[other][name][FOCUS]),
        ]
        for name, values in report.means[HEADLINE].items()
    ]
    title = (
        f"{report.split}: {report.n_users} listeners, {report.n_tracks} new {report.ranked}, "
        f"{count(len(report.cells), 'hold-out')} ({count(len(report.seeds), 'seed')}), "
        f"{report.seconds['total']:.0f} s"
    )
    gaps = [
        f"{name}: {FOCUS} share between {low:+.3f} and {high:+.3f}"
        for name, (low, high) in ((n, v[FOCUS]) for n, v in report.difference_intervals.items())
        if not math.isnan(low)
    ]
    more = [] if report.beyond is None else beyond(report.beyond)
    return "\n".join([title, "", *aligned([header, *rows]), "", *more, *gaps, *report.notes])


def beyond(figures: BeyondAccuracy) -> list[str]:
    """Lines of two more tables: new tracks among the known, and who comes up for whom."""
    lines: list[str] = []
    if figures.mixed:
        header = ["new tracks among the known", *COLUMNS, f"share of oracle, {FOCUS}"]
        rows = [
            [
                name,
                *(_figure(values[metric]) for metric in COLUMNS),
                _with_interval(
                    figures.mixed_shares[name][FOCUS], figures.mixed_share_intervals[name][FOCUS]
                ),
            ]
            for name, values in figures.mixed.items()
        ]
        lines += [*aligned([header, *rows]), ""]
    columns = list(next(iter(figures.exposure.values())))
    header = ["ten best, and AUC by popularity", *columns, *figures.thirds]
    rows = [
        [
            name,
            *(_figure(values[column]) for column in columns),
            *(_figure(third[name]["AUC"]) for third in figures.thirds.values()),
        ]
        for name, values in figures.exposure.items()
    ]
    return [*lines, *aligned([header, *rows]), ""]


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Names to the left, figures to the right, a rule below the header."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            [row[0].ljust(widths[0])]
            + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        ).rstrip()
        for row in rows
    ]
    return [lines[0], RULE * (sum(widths) + 2 * (len(widths) - 1)), *lines[1:]]


def _figure(value: float) -> str:
    return "n/a" if math.isnan(value) else f"{value:.3f}"


def _with_interval(value: float, ends: tuple[float, float]) -> str:
    if math.isnan(value):
        return "n/a"
    return f"{value:6.3f} [{ends[0]:6.3f} .. {ends[1]:6.3f}]"


def count(number: int, noun: str) -> str:
    """``"1 seed"``, ``"2 seeds"``."""
    return f"{number} {noun}{'s' if number != 1 else ''}"
