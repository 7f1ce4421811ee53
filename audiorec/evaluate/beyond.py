"""What lies beyond accuracy, brought together over cells: thirds, the mixed catalogue, exposure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from audiorec import metrics
from audiorec.evaluate.details import FIGURES
from audiorec.evaluate.items import THIRDS
from audiorec.evaluate.protocol import Cell
from audiorec.evaluate.scores import CellScores
from audiorec.evaluate.systems import ORACLE, RANDOM
from audiorec.metrics import Interval, interval

METRICS = tuple(metrics.METRICS)
MIXED = "mixed"

Figures = dict[str, dict[str, float]]


class Beyond(NamedTuple):
    """Figures of every system's first draw, by the headline scoring.

    Attributes
    ----------
    thirds : dict of str to (dict of str to (dict of str to float))
        By third of the candidates, system and metric: accuracy where only that third is right.
    mixed, mixed_shares : dict of str to (dict of str to float)
        By system and metric: cold tracks ranked among training tracks too, and the share of the
        honest oracle. Systems that place no training tracks are left out.
    exposure : dict of str to (dict of str to float)
        By system: `details.FIGURES` of the ten best.
    third_intervals, mixed_intervals, mixed_share_intervals
        Of the same, 95 % over listeners.
    """

    thirds: dict[str, Figures]
    mixed: Figures
    mixed_shares: Figures
    exposure: Figures
    third_intervals: dict[str, dict[str, dict[str, Interval]]]
    mixed_intervals: dict[str, dict[str, Interval]]
    mixed_share_intervals: dict[str, dict[str, Interval]]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, but for `Interval` and what is not a number."""
        return {
            "popularity_thirds": {"systems": self.thirds, "intervals": self.third_intervals},
            "mixed_catalogue": {
                "systems": self.mixed,
                "share_of_oracle": self.mixed_shares,
                "intervals": {
                    "systems": self.mixed_intervals,
                    "share_of_oracle": self.mixed_share_intervals,
                },
            },
            "ten_best": self.exposure,
        }


def bring_together(
    table: Mapping[Cell, Mapping[str, CellScores]], *, n_resamples: int
) -> Beyond | None:
    """Means over listeners, then over cells; None where nothing was kept of a system.

    Parameters
    ----------
    table : mapping of Cell to (mapping of str to CellScores)
        The same systems in every cell.
    n_resamples : int
        Behind the intervals; listeners are resampled within each cell, alike for all systems.
    """
    names = list(next(iter(table.values())))
    if any(cell[name].details is None for cell in table.values() for name in names):
        return None
    means, samples = [], []
    for number, cell in enumerate(table.values()):
        values = np.stack([_views(cell[name]) for name in names])
        means.append(_nanmean(values))
        columns = values.reshape(-1, values.shape[-1])
        resampled = metrics.resampled_means(columns.T, n_resamples=n_resamples, seed=number)
        samples.append(resampled.reshape(n_resamples, *values.shape[:-1]))
    mean, sample = _nan_over(np.stack(means)), _nan_over(np.stack(samples))
    placed = [i for i in range(len(names)) if np.isfinite(mean[i, -1]).any()]
    share, sampled_share = (_share(v[..., -1, :], names) for v in (mean, sample))
    return Beyond(
        thirds={t: _table(mean[:, n], names) for n, t in enumerate(THIRDS)},
        mixed=_table(mean[:, -1], names, placed),
        mixed_shares=_table(share, names, placed),
        exposure={
            name: {
                figure: float(np.mean([cell[name].figures[figure] for cell in table.values()]))
                for figure in FIGURES
            }
            for name in names
        },
        third_intervals={t: _intervals(sample[:, :, n], names) for n, t in enumerate(THIRDS)},
        mixed_intervals=_intervals(sample[:, :, -1], names, placed),
        mixed_share_intervals=_intervals(sampled_share, names, placed),
    )


def _views(scores: CellScores) -> np.ndarray:
    """Thirds, then the mixed catalogue : [shape=(4, n_metrics, n_listeners)], float64."""
    details = scores.details
    assert details is not None
    return np.concatenate([details.thirds, details.mixed[None]]).astype(np.float64)


def _nanmean(values: np.ndarray) -> np.ndarray:
    known = ~np.isnan(values)
    count = known.sum(axis=-1)
    total = np.where(known, values, 0.0).sum(axis=-1)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def _nan_over(cells: np.ndarray) -> np.ndarray:
    """Mean over the first axis of what is known."""
    return _nanmean(np.moveaxis(cells, 0, -1))


def _share(values: np.ndarray, names: list[str]) -> np.ndarray:
    floor = values[..., names.index(RANDOM), :][..., None, :]
    span = np.broadcast_to(values[..., names.index(ORACLE), :][..., None, :] - floor, values.shape)
    nothing = np.full(values.shape, np.nan)
    return np.divide(values - floor, span, out=nothing, where=span > 1e-9)


def _table(values: np.ndarray, names: list[str], rows: list[int] | None = None) -> Figures:
    return {
        names[i]: {metric: float(values[i, m]) for m, metric in enumerate(METRICS)}
        for i in (range(len(names)) if rows is None else rows)
    }


def _intervals(
    samples: np.ndarray, names: list[str], rows: list[int] | None = None
) -> dict[str, dict[str, Interval]]:
    return {
        names[i]: {metric: interval(samples[:, i, m]) for m, metric in enumerate(METRICS)}
        for i in (range(len(names)) if rows is None else rows)
    }
