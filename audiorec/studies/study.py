"""What studies have in common: what they are given, and tables of rows as text and JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from audiorec import metrics
from audiorec.evaluation.candidates import candidates_of
from audiorec.evaluation.data import EvaluationData, prepare_data
from audiorec.evaluation.holdout import Holdout, holdout_keys
from audiorec.evaluation.report import plain_json
from audiorec.evaluation.run import with_factors
from audiorec.evaluation.text_tables import aligned
from audiorec.evaluation.workspace_run import (
    read_catalogue,
    workspace_inputs,
    workspace_plays,
)
from audiorec.exceptions import ParameterError
from audiorec.metrics import Interval
from audiorec.pipeline.recipe import Recipe
from audiorec.progress import Progress, silent
from audiorec.workspace import Workspace


@dataclass(frozen=True)
class StudyInputs:
    """What a study is given.

    Attributes
    ----------
    workspace : Workspace
    recipe : Recipe
    systems : tuple of str
        What was asked for by name; most studies take one.
    vary : tuple of str
        Settings, as in ``channels=32``; for the ablation.
    labels : tuple of float
        Shares of the training tracks, or numbers of them; for the label efficiency.
    truth : Path or None
        A made world's ``truth.npz``.
    progress : Progress
    """

    workspace: Workspace
    recipe: Recipe
    systems: tuple[str, ...] = ()
    vary: tuple[str, ...] = ()
    labels: tuple[float, ...] = ()
    truth: Path | None = None
    progress: Progress = silent

    @property
    def system(self) -> str | None:
        """The one system that was asked for, or None."""
        if len(self.systems) > 1:
            raise ParameterError(f"system={list(self.systems)} must be one, which places tracks")
        return self.systems[0] if self.systems else None

    @property
    def work_directory(self) -> Path:
        """Where scores are kept."""
        return self.workspace.scores

    @cached_property
    def data(self) -> EvaluationData:
        """Sound, plays and tracks of the workspace."""
        store, tracks = read_catalogue(self.workspace, self.recipe)
        inputs_of = workspace_inputs(self.workspace, self.recipe, progress=self.progress)
        return prepare_data(
            store,
            workspace_plays(self.workspace),
            tracks,
            recipe=self.recipe,
            truth=self.truth,
            inputs_of=inputs_of,
        )

    def holdouts(self, split: str) -> Iterator[Holdout]:
        """Every hold-out of a split, with its factors."""
        for key in holdout_keys(self.data, split=split):
            self.progress("evaluate", 0, None, str(key))
            yield with_factors(self.data, key, progress=self.progress)


class StudyTable(NamedTuple):
    """Rows of figures.

    Attributes
    ----------
    title : str
    columns : tuple of str
    rows : tuple of (dict of str to value)
        By column: a text, a number, an `Interval` or None.
    notes : tuple of str
    facts : dict of str to value
        In JSON alone.

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
        """The table for people."""
        cells = [["", *self.columns[1:]]]
        cells += [[_format(row.get(column)) for column in self.columns] for row in self.rows]
        return "\n".join([self.title, "", *aligned(cells), "", *self.notes])

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        rows = [{key: plain_json(value) for key, value in row.items()} for row in self.rows]
        return {"title": self.title, **self.facts, "rows": rows, "notes": list(self.notes)}


class StudyReport(NamedTuple):
    """The tables of a study."""

    tables: tuple[StudyTable, ...]

    def to_text(self) -> str:
        """The tables for people."""
        return "\n\n".join(table.to_text() for table in self.tables)

    def to_json(self) -> dict[str, Any] | list[dict[str, Any]]:
        """Plain JSON: one object, or a list of them where there are several tables."""
        bodies = [table.to_json() for table in self.tables]
        return bodies[0] if len(bodies) == 1 else bodies


class Resampled(NamedTuple):
    """Means over listeners, then over hold-outs, and the same of drawn listeners."""

    means: np.ndarray
    samples: np.ndarray


def bootstrap_means(values: Sequence[np.ndarray], holdouts: Sequence[Holdout]) -> Resampled:
    """Means over hold-outs; listeners are drawn once for all of them.

    What drawing other artists would change is not in it: studies compare settings on the same
    tracks.

    Parameters
    ----------
    values : sequence of np.ndarray [shape=(*shape, n_listeners)]
        Of each hold-out.
    holdouts : sequence of Holdout
    """
    shape = values[0].shape[:-1]
    cells = [
        metrics.HoldoutValues(
            one.reshape(-1, one.shape[-1]).T, holdout.listeners, np.zeros((0, 1)), ()
        )
        for one, holdout in zip(values, holdouts, strict=True)
    ]
    means = np.mean([np.nanmean(one, axis=-1) for one in values], axis=0)
    samples = metrics.two_way(cells)
    return Resampled(means, samples.reshape(-1, *shape))


def scope(split: str, holdouts: Sequence[Holdout]) -> str:
    """``"artist-cold: 120 listeners, 40 new tracks, 3 hold-outs"``."""
    users = np.mean([len(holdout.listeners) for holdout in holdouts])
    tracks = np.mean([len(candidates_of(holdout).names) for holdout in holdouts])
    return f"{split}: {users:.0f} listeners, {tracks:.0f} new tracks, {len(holdouts)} hold-outs"


def _format(value: Any) -> str:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, Interval):
        return f"[{value.low:+.3f} .. {value.high:+.3f}]"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
