"""From few labels to all: hold-outs in which only a share of the training tracks have listeners.

The factors are those of all training plays, and so are candidates, listeners and both ends of the
scale; but what a system learns from are the factors of so many of the tracks. It is what a
catalogue looks like of which most has not been heard: the sound of all is there, the listening of
some. Which tracks keep their factors is drawn track by track; see `protocol.with_labels`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl

from audiorec import metrics
from audiorec.evaluate.ears import NO_EAR, Ear
from audiorec.evaluate.material import Material, gather
from audiorec.evaluate.protocol import Cell, World, cells, hearing, n_labelled, with_labels
from audiorec.evaluate.run import applicable, check_settings, learned
from audiorec.evaluate.scores import HEADLINE, SCORINGS, CellScores, Shelf, score_all
from audiorec.evaluate.stage import KIND as STAGE
from audiorec.evaluate.stage import kept_stage
from audiorec.evaluate.systems import (
    CEILING,
    CNN,
    MUSICNN,
    ORACLE,
    RANDOM,
    RIDGE,
    find_system,
)
from audiorec.evaluate.table import FOCUS, aligned, count
from audiorec.exceptions import ParameterError, TrainingError
from audiorec.metrics import Interval, interval
from audiorec.pipeline.recipe import Recipe
from audiorec.progress import Progress, silent

if TYPE_CHECKING:
    from audiorec.data.catalog import Track
    from audiorec.mel.store import MelStore

SHARES = (0.05, 0.1, 0.25, 0.5, 1.0)
SYSTEMS = (CNN, RIDGE, MUSICNN)  # and the ceiling, where the truth is told
METRICS = tuple(metrics.METRICS)


class LabelRow(NamedTuple):
    """What a system came to with a share of the labels.

    Attributes
    ----------
    system : str
    labels : float
        Share of the training tracks.
    n_labelled : int
        How many these are, the mean over hold-outs.
    values : dict of str to float
        By metric.
    share, share_interval : float, Interval
        Of the honest oracle's nDCG@50 above chance; 95 %, over listeners.
    spread : float
        Standard deviation of the share over hold-outs; NaN with one.
    keeps, keeps_interval : float, Interval
        The share over the system's own with all labels, paired by listener.
    gain, gain_interval : float, Interval
        The share less that of the cnn with as many labels, paired; NaN where it is not scored.
    seconds : float
        As measured when it was scored.
    """

    system: str
    labels: float
    n_labelled: int
    values: dict[str, float]
    share: float
    share_interval: Interval
    spread: float
    keeps: float
    keeps_interval: Interval
    gain: float
    gain_interval: Interval
    seconds: float


@dataclass(frozen=True)
class LabelReport:
    """The label curve on one kind of split; `rows` by system, then from few labels to all."""

    split: str
    seeds: tuple[int, ...]
    n_users: int
    n_tracks: int
    n_cells: int
    rows: tuple[LabelRow, ...]
    seconds: float
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain JSON; what is not a number is None."""
        rows = [{key: _plain(value) for key, value in r._asdict().items()} for r in self.rows]
        return {**vars(self), "metric": FOCUS, "scoring": HEADLINE, "rows": rows}

    def to_text(self) -> str:
        """A table, and notes under it."""
        header = ["", "labelled", f"share of oracle, {FOCUS}", "+/-", "keeps", f"less {CNN}'s"]
        title = (
            f"{self.split}, by labels: {self.n_users} listeners, {self.n_tracks} new tracks, "
            f"{count(self.n_cells, 'hold-out')} ({count(len(self.seeds), 'seed')}), "
            f"{self.seconds:.0f} s"
        )
        rows = aligned([header, *(_cells(row) for row in self.rows)])
        return "\n".join([title, "", *rows, "", *self.notes])


class Scored(NamedTuple):
    """What a hold-out came to.

    Attributes
    ----------
    ends : dict of str to CellScores
        Random and the honest oracle.
    systems : dict of (str, float) to CellScores
        By system and share of the labels.
    n_training : int
        Training tracks that can be heard and have factors.
    """

    ends: dict[str, CellScores]
    systems: dict[tuple[str, float], CellScores]
    n_training: int


def evaluate_labels(
    store: MelStore,
    plays: pl.DataFrame,
    tracks: Sequence[Track],
    *,
    recipe: Recipe,
    shares: Sequence[float] = SHARES,
    work_directory: Path | None = None,
    systems: Sequence[str] | None = None,
    truth: Path | None = None,
    ear: Ear | Callable[[], Ear] = NO_EAR,
    progress: Progress = silent,
) -> list[LabelReport]:
    """Score systems that learn from a share of the labels, on every kind of split of the recipe.

    Parameters
    ----------
    store, plays, tracks, recipe, work_directory, truth, ear, progress
        See `audiorec.evaluate.evaluate`.
    shares : sequence of float
        Of the training tracks with audio and factors: above 0, at most 1. All labels are always
        among them.
    systems : sequence of str, optional
        Of what learns from factors; by default the network, from scratch and pretrained without
        listening, mel statistics + ridge, musicnn where something was heard, and with `truth` the
        perception ceiling.

    Raises
    ------
    TrainingError
        If a share leaves too few tracks to learn from.
    ParameterError, DataError, ArtifactError
        See `audiorec.evaluate.evaluate`.
    """
    shares = _checked(shares)
    wanted = list(systems or (*SYSTEMS, *(() if truth is None else (CEILING,))))
    check_settings(wanted, recipe=recipe)
    able = [n for n in wanted if find_system(n).role in ("baseline", "model") or n == CEILING]
    if able != wanted:
        other = next(name for name in wanted if name not in able)
        raise ParameterError(f"system {other!r} learns nothing from labels; leave it out")
    material = hearing(gather(store, plays, tracks, recipe=recipe, truth=truth), ear)
    names, skipped = applicable(wanted, material)
    if not names:
        why = "; ".join(f"{name}: {reason}" for name, reason in skipped.items())
        raise ParameterError(f"nothing is left to score ({why}); ask for another system")
    shelf, reports = Shelf(work_directory), []
    for split in recipe.evaluate.splits:
        start = time.monotonic()
        scored: dict[Cell, Scored] = {}
        for cell in cells(material, split=split):
            scored[cell] = _score_cell(
                material, cell, names, shares=shares, shelf=shelf, progress=progress
            )
        reports.append(
            LabelReport(
                split=split,
                seeds=tuple(dict.fromkeys(cell.seed for cell in scored)),
                n_users=_mean([one.ends[RANDOM].values.shape[-1] for one in scored.values()]),
                n_tracks=_mean([one.ends[RANDOM].n_cold for one in scored.values()]),
                n_cells=len(scored),
                rows=summarise(
                    list(scored.values()),
                    names=names,
                    shares=shares,
                    n_resamples=recipe.evaluate.n_bootstrap,
                ),
                seconds=max(time.monotonic() - start, sum(_seconds(o) for o in scored.values())),
                notes=_notes(skipped, n_bootstrap=recipe.evaluate.n_bootstrap),
            )
        )
    return reports


def _checked(shares: Sequence[float]) -> tuple[float, ...]:
    """The shares from few to all, all always among them."""
    for share in shares:
        if not 0 < share <= 1:
            raise ParameterError(f"labels={share:g} must be a share above 0 and at most 1")
    return tuple(sorted({*shares, 1.0}))


def _score_cell(
    material: Material,
    cell: Cell,
    names: Sequence[str],
    *,
    shares: Sequence[float],
    shelf: Shelf,
    progress: Progress,
) -> Scored:
    world = cache(partial(learned, material, cell, progress=progress))
    how: dict[str, Any] = {"shelf": shelf, "progress": progress}
    ends = score_all(material, cell, (RANDOM, ORACLE), world=world, **how)
    systems: dict[tuple[str, float], CellScores] = {}
    for done, share in enumerate(shares):
        few = cell._replace(labels=share)
        progress("evaluate", done, len(shares), str(few))
        part = cache(partial(_with_labels, world, share))
        try:
            found = score_all(material, few, names, world=part, **how)
        except TrainingError as error:
            remedy = "; or ask for a larger share of the labels" if share < 1 else ""
            raise TrainingError(f"{few}: {error}{remedy}") from None
        systems |= {(name, share): scores for name, scores in found.items()}
    stage = kept_stage(shelf.place(material, cell, RANDOM, kind=STAGE), world)
    return Scored(ends, systems, len(stage.warm))


def _seconds(scored: Scored) -> float:
    """What the scores took, when they were scored."""
    return sum(one.seconds for one in (*scored.ends.values(), *scored.systems.values()))


def _with_labels(world: Callable[[], World], share: float) -> World:
    return with_labels(world(), share)


def summarise(
    scored: Sequence[Scored], *, names: Sequence[str], shares: Sequence[float], n_resamples: int
) -> tuple[LabelRow, ...]:
    """A row for every system and share: means over listeners, then over hold-outs.

    Parameters
    ----------
    scored : sequence of Scored
        Of each hold-out.
    names : sequence of str
    shares : sequence of float
        1 among them.
    n_resamples : int
    """
    keys = [(name, share) for name in names for share in shares]
    stacked = [
        np.stack(
            [_values(one.ends[name]) for name in (RANDOM, ORACLE)]
            + [_values(one.systems[key]) for key in keys]
        )
        for one in scored
    ]
    means, samples = metrics.pooled(stacked, n_resamples=n_resamples)
    focus = METRICS.index(FOCUS)
    row_of = {key: number for number, key in enumerate(keys)}
    share, drawn = _shares(means[:, focus]), _shares(samples[:, :, focus].T)
    by_cell = np.stack([_shares(np.nanmean(one[:, focus], axis=-1)) for one in stacked], axis=1)
    rows = []
    for (name, labels), row in row_of.items():
        whole, cnn = row_of[name, 1.0], row_of.get((CNN, labels))
        gain = np.full(n_resamples + 1, np.nan)
        if cnn is not None and cnn != row:
            gain = np.append(drawn[row] - drawn[cnn], share[row] - share[cnn])
        rows.append(
            LabelRow(
                system=name,
                labels=labels,
                n_labelled=_mean([n_labelled(one.n_training, labels) for one in scored]),
                values=dict(zip(METRICS, means[row + 2].tolist(), strict=True)),
                share=float(share[row]),
                share_interval=interval(drawn[row]),
                spread=float(by_cell[row].std(ddof=1)) if len(scored) > 1 else float("nan"),
                keeps=float(share[row] / share[whole]),
                keeps_interval=interval(drawn[row] / drawn[whole]),
                gain=float(gain[-1]),
                gain_interval=interval(gain[:-1]),
                seconds=sum(one.systems[name, labels].seconds for one in scored),
            )
        )
    return tuple(rows)


def _values(scores: CellScores) -> np.ndarray:
    """By the headline scoring, the mean over draws : [shape=(n_metrics, n_listeners)]."""
    mean: np.ndarray = scores.values[:, SCORINGS.index(HEADLINE)].mean(axis=0)
    return mean


def _shares(values: np.ndarray) -> np.ndarray:
    """(value - random) / (oracle - random) of all but these two, which stand first.

    NaN where the oracle is no better than random.
    """
    floor, ceiling = values[0], values[1]
    span = np.where(ceiling - floor > 1e-9, ceiling - floor, np.nan)
    shares: np.ndarray = (values[2:] - floor) / span
    return shares


def _mean(counts: Sequence[int]) -> int:
    return round(float(np.mean(counts)))


def _notes(skipped: Mapping[str, str], *, n_bootstrap: int) -> tuple[str, ...]:
    return (
        "Labelled: training tracks whose factors are learned from, drawn track by track by the "
        "seed, each share's among the next one's; factors, listeners, new tracks and oracle are "
        "those of all. Keeps: the share over the system's own with all labels.",
        f"Share = (system - random) / (honest oracle - random), by the {HEADLINE}. Intervals: "
        f"95 %, {n_bootstrap} resamples of the listeners within each hold-out, paired; they do "
        "not tell what other labels or other new tracks would have changed.",
        *(f"{name} is left out: {why}." for name, why in skipped.items()),
    )


def _cells(row: LabelRow) -> list[str]:
    return [
        row.system,
        f"{100 * row.labels:g} % ({row.n_labelled})",
        _with_interval(row.share, row.share_interval),
        "n/a" if np.isnan(row.spread) else f"{row.spread:.3f}",
        _with_interval(row.keeps, row.keeps_interval),
        "" if np.isnan(row.gain) else _with_interval(row.gain, row.gain_interval, sign="+"),
    ]


def _with_interval(value: float, ends: Interval, *, sign: str = "") -> str:
    if np.isnan(value):
        return "n/a"
    low, high = (f"{end:{sign}.3f}" for end in ends)
    return f"{value:{sign}.3f} [{low} .. {high}]"


def _plain(value: Any) -> Any:
    if isinstance(value, Interval):
        return None if np.isnan(value.low) else list(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return None if isinstance(value, float) and not np.isfinite(value) else value
