"""Evaluation report: figures of each split, as text and as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from audiorec.evaluation.beyond_accuracy import BeyondAccuracy
from audiorec.evaluation.holdout import HoldoutKey
from audiorec.evaluation.holdout_scores import HEADLINE, SCORINGS, HoldoutScores
from audiorec.evaluation.holdout_summary import HoldoutSummary
from audiorec.evaluation.systems import Role
from audiorec.evaluation.text_tables import COLUMNS, FOCUS, aligned, count, figure, with_interval
from audiorec.metrics import Interval

if TYPE_CHECKING:
    from audiorec.data.catalog import Track

Table = dict[str, dict[str, Any]]


class PageData(NamedTuple):
    """Data drawn on the page besides the figures.

    Attributes
    ----------
    summary : HoldoutSummary
        Summary of the first hold-out.
    tracks : mapping of str to Track
        The catalogue.
    table : mapping of HoldoutKey to (mapping of str to HoldoutScores)
    """

    summary: HoldoutSummary
    tracks: Mapping[str, Track]
    table: Mapping[HoldoutKey, Mapping[str, HoldoutScores]]


@dataclass(frozen=True)
class SplitReport:
    """Results of one kind of split.

    Attributes
    ----------
    split : str
    seeds : tuple of int
    n_users, n_tracks : int
        Listeners scored and candidates, the mean over the hold-outs.
    roles : dict of str to str
        Of each system.
    means, shares : dict of str to (dict of str to (dict of str to float))
        By scoring ("inner product", "cosine"), system and metric. A share is
        (system - random) / (ALS fold-in - random), all by the same scoring; None where ALS fold-in
        is no better than random.
    mean_intervals, share_intervals : like `means`, of Interval
        95 %, over resampled listeners and artists.
    difference_intervals : dict of str to (dict of str to Interval)
        Paired differences between two systems' shares; all intervals of a metric hold
        simultaneously with 95 % (max-t), so that the best may be picked after looking.
    spread : dict of str to (dict of str to float)
        Standard deviation of a system's share over the cells, by the headline scoring; NaN with
        a single cell. It includes the variation of held-out tracks, which the intervals do not.
    cells : tuple of dict
        The same figures for each seed and fold.
    seconds : dict
        In total, and per system, as measured when it was scored.
    notes : tuple of str
    ranked : {"tracks", "artists"}
    beyond : BeyondAccuracy
        Figures by popularity, in the mixed catalogue, and of exposure in the top ten.
    scene : PageData or None
        Data that the page draws.
    """

    split: str
    seeds: tuple[int, ...]
    n_users: int
    n_tracks: int
    roles: dict[str, Role]
    means: dict[str, Table]
    shares: dict[str, Table]
    mean_intervals: dict[str, Table]
    share_intervals: dict[str, Table]
    difference_intervals: Table
    spread: Table
    cells: tuple[dict[str, Any], ...]
    seconds: dict[str, Any]
    notes: tuple[str, ...]
    ranked: str
    beyond: BeyondAccuracy
    scene: PageData | None = None

    def to_text(self) -> str:
        """Format the table as text, with a paragraph of notes.

        Columns: `COLUMNS` by the headline scoring; then, in the metric `FOCUS`, the share of
        ALS fold-in with its interval, its standard deviation over hold-outs, and the share by
        the other scoring.
        """
        other = next(name for name in SCORINGS if name != HEADLINE)
        header = ["", *COLUMNS, f"share of oracle, {FOCUS}", "+/-", other]
        rows = [
            [
                name,
                *(figure(values[metric]) for metric in COLUMNS),
                with_interval(
                    self.shares[HEADLINE][name][FOCUS],
                    self.share_intervals[HEADLINE][name][FOCUS],
                ),
                figure(self.spread[name][FOCUS]),
                figure(self.shares[other][name][FOCUS]),
            ]
            for name, values in self.means[HEADLINE].items()
        ]
        title = (
            f"{self.split}: {self.n_users} listeners, {self.n_tracks} new {self.ranked}, "
            f"{count(len(self.cells), 'hold-out')} ({count(len(self.seeds), 'seed')}), "
            f"{self.seconds['total']:.0f} s"
        )
        gaps = [
            f"{name}: {FOCUS} share between {low:+.3f} and {high:+.3f}"
            for name, (low, high) in ((n, v[FOCUS]) for n, v in self.difference_intervals.items())
            if not math.isnan(low)
        ]
        more = _beyond_accuracy_lines(self.beyond)
        return "\n".join([title, "", *aligned([header, *rows]), "", *more, *gaps, *self.notes])

    def to_json(self) -> dict[str, Any]:
        """Convert to JSON: the headline scoring at the top, the other one under its name."""
        other = next(name for name in SCORINGS if name != HEADLINE)
        body = {
            "split": self.split,
            "n_users": self.n_users,
            "n_tracks": self.n_tracks,
            "ranked": self.ranked,
            "scoring": HEADLINE,
            "systems": self.means[HEADLINE],
            "share_of_oracle": self.shares[HEADLINE],
            "intervals": {
                "systems": self.mean_intervals[HEADLINE],
                "share_of_oracle": self.share_intervals[HEADLINE],
                "differences": self.difference_intervals,
            },
            "spread": self.spread,
            other.replace(" ", "_"): {
                "systems": self.means[other],
                "share_of_oracle": self.shares[other],
                "intervals": {
                    "systems": self.mean_intervals[other],
                    "share_of_oracle": self.share_intervals[other],
                },
            },
            **self.beyond.to_json(),
            "seeds": list(self.seeds),
            "cells": list(self.cells),
            "seconds": self.seconds,
            "notes": list(self.notes),
        }
        return dict(plain_json(body))


@dataclass(frozen=True)
class Report:
    """Results of an evaluation, by split."""

    splits: tuple[SplitReport, ...]

    def to_json(self) -> dict[str, Any] | list[dict[str, Any]]:
        """Convert to JSON: one object, or a list of them if there are several splits."""
        bodies = [split.to_json() for split in self.splits]
        return bodies[0] if len(bodies) == 1 else bodies

    def to_text(self) -> str:
        """Format tables as text, each with a paragraph of notes."""
        return "\n\n".join(split.to_text() for split in self.splits)


def _beyond_accuracy_lines(figures: BeyondAccuracy) -> list[str]:
    """Format two more tables: the mixed catalogue, and exposure."""
    lines: list[str] = []
    if figures.mixed:
        header = ["new tracks among the known", *COLUMNS, f"share of oracle, {FOCUS}"]
        rows = [
            [
                name,
                *(figure(values[metric]) for metric in COLUMNS),
                with_interval(
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
            *(figure(values[column]) for column in columns),
            *(figure(third[name]["AUC"]) for third in figures.thirds.values()),
        ]
        for name, values in figures.exposure.items()
    ]
    return [*lines, *aligned([header, *rows]), ""]


def plain_json(value: Any) -> Any:
    """Convert values to plain JSON: lists for tuples, None for NaN."""
    if isinstance(value, Interval):
        return None if np.isnan(value.low) else [value.low, value.high]
    if isinstance(value, dict):
        return {key: plain_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_json(item) for item in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
