"""The systems side by side: means, shares of the honest oracle, and intervals over listeners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from audiorec import metrics
from audiorec.data.config import EvaluateConfig
from audiorec.evaluate.beyond import Beyond, bring_together
from audiorec.evaluate.notes import notes
from audiorec.evaluate.protocol import Cell
from audiorec.evaluate.scores import HEADLINE, SCORINGS, CellScores
from audiorec.evaluate.stage import Stage
from audiorec.evaluate.systems import CNN, ORACLE, RANDOM, RIDGE, find_system
from audiorec.evaluate.table import render
from audiorec.metrics import Interval, interval

if TYPE_CHECKING:
    from audiorec.data.catalog import Track
    from audiorec.evaluate.labels import LabelReport
    from audiorec.evaluate.reach import ReachReport
    from audiorec.evaluate.thin import ThinReport
    from audiorec.evaluate.warming import Warming

METRICS = tuple(metrics.METRICS)

Table = dict[str, dict[str, Any]]


class Scene(NamedTuple):
    """What is drawn beside the figures.

    Attributes
    ----------
    stage : Stage
        Of the first cell.
    tracks : mapping of str to Track
        The catalogue.
    table : mapping of Cell to (mapping of str to CellScores)
    """

    stage: Stage
    tracks: Mapping[str, Track]
    table: Mapping[Cell, Mapping[str, CellScores]]


@dataclass(frozen=True)
class SplitReport:
    """What came out of one kind of split.

    Attributes
    ----------
    split : str
    seeds : tuple of int
    n_users, n_tracks : int
        Listeners scored and candidates, the mean over the cells.
    means, shares : dict of str to (dict of str to (dict of str to float))
        By scoring ("cosine", "inner product"), system and metric. A share is
        (system - random) / (honest oracle - random), the oracle's by the headline scoring in both
        columns; None where the oracle is no better than random.
    mean_intervals, share_intervals : like `means`, of Interval
        95 %, over listeners.
    difference_intervals : dict of str to (dict of str to Interval)
        Of the difference between two systems' shares, paired by listener.
    spread : dict of str to (dict of str to float)
        Standard deviation of a system's share over the cells, by the headline scoring; NaN with
        a single cell. It holds what the intervals do not: other tracks held out.
    cells : tuple of dict
        The same figures for each seed and fold alone.
    seconds : dict
        In all, and per system, as measured when it was scored.
    notes : tuple of str
    ranked : {"tracks", "artists"}
    beyond : Beyond or None
        By popularity, in the mixed catalogue, and whom the ten best reach.
    scene : Scene or None
        What the page draws.
    warming : Warming or None
        The way from cold to warm of a system that places tracks by their sound.
    """

    split: str
    seeds: tuple[int, ...]
    n_users: int
    n_tracks: int
    means: dict[str, Table]
    shares: dict[str, Table]
    mean_intervals: dict[str, Table]
    share_intervals: dict[str, Table]
    difference_intervals: Table
    spread: Table
    cells: tuple[dict[str, Any], ...]
    seconds: dict[str, Any]
    notes: tuple[str, ...]
    ranked: str = "tracks"
    beyond: Beyond | None = None
    scene: Scene | None = None
    warming: Warming | None = None

    def to_text(self) -> str:
        """The table for people, a paragraph of notes under it."""
        return render(self)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON: the headline scoring at the top, the other one under its name."""
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
            **({} if self.beyond is None else self.beyond.to_json()),
            **({} if self.warming is None else {"from_cold_to_warm": self.warming.to_json()}),
            "seeds": list(self.seeds),
            "cells": list(self.cells),
            "seconds": self.seconds,
            "notes": list(self.notes),
        }
        return dict(_plain(body))


@dataclass(frozen=True)
class Report:
    """What came out of an evaluation, split by split."""

    splits: tuple[SplitReport | ThinReport | ReachReport | LabelReport, ...]

    def to_json(self) -> dict[str, Any] | list[dict[str, Any]]:
        """Plain JSON: one object, or a list of them when there are several splits."""
        bodies = [split.to_json() for split in self.splits]
        return bodies[0] if len(bodies) == 1 else bodies

    def to_text(self) -> str:
        """Tables for people to read, a paragraph of notes under each."""
        return "\n\n".join(split.to_text() for split in self.splits)


class Samples(NamedTuple):
    """Resampled means over the cells.

    Attributes
    ----------
    own : np.ndarray [shape=(n_resamples, n_systems, n_scorings, n_metrics)]
        Of a system that has several draws, one draw for each resample, so that its interval
        tells how far a single draw strays.
    pooled : np.ndarray, same shape
        The mean over the draws.
    """

    own: np.ndarray
    pooled: np.ndarray


def summarise(
    split: str,
    table: Mapping[Cell, Mapping[str, CellScores]],
    *,
    config: EvaluateConfig,
    skipped: Mapping[str, str],
    unit_norm: bool,
    seconds: float,
    scene: Scene | None = None,
    warming: Warming | None = None,
    suspects: Sequence[int] = (),
) -> SplitReport:
    """Bring the scores of all cells of a split together.

    A figure is the mean over listeners within a cell, then the mean over cells; shares are taken
    of those means. Listeners are resampled within each cell, with the same draws for all systems.

    Parameters
    ----------
    split : str
    table : mapping of Cell to (mapping of str to CellScores)
        The same systems in every cell.
    config : EvaluateConfig
    skipped : mapping of str to str
        Systems that have nothing to say, and why.
    unit_norm : bool
        Whether regressions learned factors of length 1, for the notes.
    seconds : float
        What this evaluation took; less than its systems took where these were scored before.
    scene : Scene, optional
    warming : Warming, optional
    suspects : sequence of int
        How many listeners each cell left out, for the notes.
    """
    names = list(next(iter(table.values())))
    each = _seconds(table, names)
    per_cell = np.stack([_means(cell, names) for cell in table.values()])
    means = per_cell.mean(axis=0)
    samples = _resample(table, names, n_resamples=config.n_bootstrap)
    shares = _share(means, means, names)
    sampled_shares = _share(samples.own, samples.pooled, names)
    beyond = np.isfinite(shares)
    sampled_shares[:, ~beyond] = np.nan
    first = [cell[names[0]] for cell in table.values()]
    return SplitReport(
        split=split,
        seeds=tuple(dict.fromkeys(cell.seed for cell in table)),
        n_users=round(np.mean([scores.values.shape[-1] for scores in first])),
        n_tracks=round(np.mean([scores.n_cold for scores in first])),
        means=_tables(means, names),
        shares=_tables(shares, names),
        mean_intervals=_interval_tables(samples.own, names),
        share_intervals=_interval_tables(sampled_shares, names),
        difference_intervals=_differences(sampled_shares, names),
        spread=_tables(_spread(per_cell, names), names)[HEADLINE],
        cells=tuple(
            _cell_json(cell, scores, values, names)
            for (cell, scores), values in zip(table.items(), per_cell, strict=True)
        ),
        seconds={"total": max(seconds, sum(each.values())), "systems": each},
        ranked=config.rank_by,
        beyond=bring_together(table, n_resamples=config.n_bootstrap),
        scene=scene,
        warming=warming,
        notes=tuple(
            notes(
                table,
                means[:, SCORINGS.index(HEADLINE)],
                shares[:, SCORINGS.index(HEADLINE)],
                skipped=skipped,
                unit_norm=unit_norm,
                config=config,
                suspects=suspects,
            )
        ),
    )


def _means(scores: Mapping[str, CellScores], names: list[str]) -> np.ndarray:
    """Mean over draws and listeners, [shape=(n_systems, n_scorings, n_metrics)]."""
    return np.stack([_nanmean(scores[name].values.mean(axis=0)) for name in names])


def _nanmean(values: np.ndarray) -> np.ndarray:
    """Mean over the last axis of what is known; NaN where nothing is."""
    known = ~np.isnan(values)
    count = known.sum(axis=-1)
    total = np.where(known, values, 0.0).sum(axis=-1)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def _resample(
    table: Mapping[Cell, Mapping[str, CellScores]], names: list[str], *, n_resamples: int
) -> Samples:
    own, pooled = [], []
    for number, scores in enumerate(table.values()):
        stacked = np.concatenate([scores[name].values for name in names])
        draws, *shape, n_listeners = stacked.shape
        sampled = metrics.resampled_means(
            stacked.reshape(-1, n_listeners).T, n_resamples=n_resamples, seed=number
        ).reshape(n_resamples, draws, *shape)
        ends = np.cumsum([len(scores[name].values) for name in names])
        groups = np.split(sampled, ends[:-1], axis=1)
        rng = np.random.default_rng(number)
        rows = np.arange(n_resamples)
        own.append(
            np.stack([g[rows, rng.integers(g.shape[1], size=n_resamples)] for g in groups], axis=1)
        )
        pooled.append(np.stack([g.mean(axis=1) for g in groups], axis=1))
    return Samples(np.mean(own, axis=0), np.mean(pooled, axis=0))


def _share(values: np.ndarray, yardstick: np.ndarray, names: list[str]) -> np.ndarray:
    """(values - random) / (honest oracle - random); NaN where the oracle is no better.

    Parameters
    ----------
    values, yardstick : np.ndarray [shape=(..., n_systems, n_scorings, n_metrics)]
    """
    headline = SCORINGS.index(HEADLINE)
    floor = yardstick[..., names.index(RANDOM), headline, :][..., None, None, :]
    ceiling = yardstick[..., names.index(ORACLE), headline, :][..., None, None, :]
    span = np.broadcast_to(ceiling - floor, values.shape)
    return np.divide(values - floor, span, out=np.full(values.shape, np.nan), where=span > 1e-9)


def _spread(per_cell: np.ndarray, names: list[str]) -> np.ndarray:
    """Deviation of the shares over cells, [shape=(n_systems, n_scorings, n_metrics)]."""
    shares = _share(per_cell, per_cell, names)
    if len(shares) == 1:
        return np.full(shares.shape[1:], np.nan)
    deviation: np.ndarray = shares.std(axis=0, ddof=1)
    return deviation


def _differences(shares: np.ndarray, names: list[str]) -> Table:
    """Systems that learned from sound or labels against the linear baseline; variants, the cnn."""
    pairs = [
        (name, RIDGE)
        for name in names
        if name != RIDGE and find_system(name).role in ("baseline", "model")
    ]
    pairs += [(name, CNN) for name in names if name.startswith(f"{CNN}, ")]
    headline = shares[:, :, SCORINGS.index(HEADLINE)]
    table: Table = {}
    for name, base in pairs:
        if base in names:
            gap = headline[:, names.index(name)] - headline[:, names.index(base)]
            table[f"{name} - {base}"] = {
                metric: interval(gap[:, m]) for m, metric in enumerate(METRICS)
            }
    return table


def _tables(values: np.ndarray, names: list[str]) -> dict[str, Table]:
    return {
        scoring: {
            name: {metric: float(values[i, s, m]) for m, metric in enumerate(METRICS)}
            for i, name in enumerate(names)
        }
        for s, scoring in enumerate(SCORINGS)
    }


def _interval_tables(samples: np.ndarray, names: list[str]) -> dict[str, Table]:
    return {
        scoring: {
            name: {metric: interval(samples[:, i, s, m]) for m, metric in enumerate(METRICS)}
            for i, name in enumerate(names)
        }
        for s, scoring in enumerate(SCORINGS)
    }


def _cell_json(
    cell: Cell, scores: Mapping[str, CellScores], values: np.ndarray, names: list[str]
) -> dict[str, Any]:
    shares = _share(values, values, names)
    any_scores = scores[names[0]]
    return {
        "seed": cell.seed,
        "fold": cell.fold,
        "n_users": any_scores.values.shape[-1],
        "n_tracks": any_scores.n_cold,
        "systems": _tables(values, names)[HEADLINE],
        "share_of_oracle": _tables(shares, names)[HEADLINE],
        "facts": {name: scores[name].facts for name in names if scores[name].facts},
    }


def _seconds(table: Mapping[Cell, Mapping[str, CellScores]], names: list[str]) -> dict[str, float]:
    return {name: sum(scores[name].seconds for scores in table.values()) for name in names}


def _plain(value: Any) -> Any:
    """The same as JSON knows it: lists for tuples, None for what is not a number."""
    if isinstance(value, Interval):
        return None if np.isnan(value.low) else [value.low, value.high]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
