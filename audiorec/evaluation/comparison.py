"""Comparison of systems: means, shares of ALS fold-in, and intervals over listeners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from audiorec import metrics
from audiorec.evaluation.beyond_accuracy import summarize_beyond_accuracy
from audiorec.evaluation.holdout import HoldoutKey
from audiorec.evaluation.holdout_scores import HEADLINE, SCORINGS, HoldoutScores
from audiorec.evaluation.holdout_summary import HoldoutSummary
from audiorec.evaluation.notes import notes
from audiorec.evaluation.oracle_share import share_of_oracle
from audiorec.evaluation.report import PageData, SplitReport, Table
from audiorec.evaluation.systems import MEL_STATISTICS, Role
from audiorec.metrics import interval, mean_of_known
from audiorec.pipeline import EvaluateConfig

if TYPE_CHECKING:
    from audiorec.data.catalog import Track

SYSTEMS_AXIS = -3  # then scorings and metrics


class ResampledMeans(NamedTuple):
    """Resampled means over the hold-outs.

    Attributes
    ----------
    own : np.ndarray [shape=(n_resamples, n_systems, n_scorings, n_metrics)]
        For a system with several draws, one draw per resample, so that its interval includes
        the variation between draws.
    pooled : np.ndarray, same shape
        Mean over the draws.
    """

    own: np.ndarray
    pooled: np.ndarray


def compare_systems(
    split: str,
    table: Mapping[HoldoutKey, Mapping[str, HoldoutScores]],
    summaries: Sequence[HoldoutSummary],
    *,
    config: EvaluateConfig,
    roles: Mapping[str, Role],
    skipped: Mapping[str, str],
    unit_norm: bool,
    seconds: float,
    tracks: Mapping[str, Track] | None = None,
) -> SplitReport:
    """Compare systems over all hold-outs of a split.

    A figure is the mean over listeners within a hold-out, then the mean over hold-outs; shares are
    taken of those means. Listeners and artists are resampled once for all hold-outs and systems.

    Parameters
    ----------
    split : str
    table : mapping of HoldoutKey to (mapping of str to HoldoutScores)
        The same systems in every hold-out.
    summaries : sequence of HoldoutSummary
        Summaries of the hold-outs, in the order of `table`.
    config : EvaluateConfig
    roles : mapping of str to str
        Of each system.
    skipped : mapping of str to str
        Systems that are not applicable, with the reasons.
    unit_norm : bool
        Whether models learned factors of unit norm, for the notes.
    seconds : float
        Duration of this evaluation; less than that of its systems if scores were cached.
    tracks : mapping of str to Track, optional
        The catalogue, for the page.
    """
    names = list(next(iter(table.values())))
    each = _seconds(table, names)
    per_cell = np.stack([_means(cell, names) for cell in table.values()])
    means = per_cell.mean(axis=0)
    samples = _resample(table, summaries, names)
    shares = _share(means, means, names)
    sampled_shares = _share(samples.own, samples.pooled, names)
    sampled_shares[:, ~np.isfinite(shares)] = np.nan
    first = [cell[names[0]] for cell in table.values()]
    headline = SCORINGS.index(HEADLINE)
    return SplitReport(
        split=split,
        seeds=tuple(dict.fromkeys(key.seed for key in table)),
        n_users=round(np.mean([scores.values.shape[-1] for scores in first])),
        n_tracks=round(np.mean([scores.n_cold for scores in first])),
        roles=dict(roles),
        means=_tables(means, names),
        shares=_tables(shares, names),
        mean_intervals=_interval_tables(samples.own, names),
        share_intervals=_interval_tables(sampled_shares, names),
        difference_intervals=_differences(
            shares[:, headline], sampled_shares[:, :, headline], names, roles=roles
        ),
        spread=_tables(_spread(per_cell, names), names)[HEADLINE],
        cells=tuple(
            _cell_json(key, scores, values, names)
            for (key, scores), values in zip(table.items(), per_cell, strict=True)
        ),
        seconds={"total": max(seconds, sum(each.values())), "systems": each},
        ranked=config.rank_by,
        beyond=summarize_beyond_accuracy(
            list(table.values()),
            users=[summary.users for summary in summaries],
        ),
        scene=None if tracks is None else PageData(summaries[0], tracks, table),
        notes=tuple(
            notes(
                table,
                means[:, headline],
                shares[:, headline],
                skipped=skipped,
                unit_norm=unit_norm,
                config=config,
                suspects=[summary.suspects for summary in summaries],
            )
        ),
    )


def _means(scores: Mapping[str, HoldoutScores], names: list[str]) -> np.ndarray:
    """Average over draws and listeners, [shape=(n_systems, n_scorings, n_metrics)]."""
    return np.stack([mean_of_known(scores[name].values.mean(axis=0)) for name in names])


def _resample(
    table: Mapping[HoldoutKey, Mapping[str, HoldoutScores]],
    summaries: Sequence[HoldoutSummary],
    names: list[str],
) -> ResampledMeans:
    """Resample listeners and artists, each once for all hold-outs."""
    draws = [len(next(iter(table.values()))[name].values) for name in names]
    cells = []
    for scores, summary in zip(table.values(), summaries, strict=True):
        values = np.concatenate([scores[name].values for name in names])
        effects = np.concatenate(
            [
                np.repeat(scores[name].effects[None], n, axis=0)
                for name, n in zip(names, draws, strict=True)
            ]
        )
        cells.append(
            metrics.HoldoutValues(
                values.reshape(-1, values.shape[-1]).T,
                summary.users,
                effects.reshape(-1, effects.shape[-1]).T,
                summary.groups,
            )
        )
    sampled = metrics.two_way(cells)
    n_resamples = len(sampled)
    sampled = sampled.reshape(n_resamples, -1, len(SCORINGS), len(metrics.METRICS))
    groups = np.split(sampled, np.cumsum(draws)[:-1], axis=1)
    rng, rows = np.random.default_rng(0), np.arange(n_resamples)
    own = [group[rows, rng.integers(group.shape[1], size=n_resamples)] for group in groups]
    return ResampledMeans(
        np.stack(own, axis=1), np.stack([group.mean(axis=1) for group in groups], axis=1)
    )


def _share(values: np.ndarray, reference_values: np.ndarray, names: list[str]) -> np.ndarray:
    """Compute shares of each scoring's oracle, [shape=(..., n_systems, n_scorings, n_metrics)]."""
    return share_of_oracle(values, reference_values, names, axis=SYSTEMS_AXIS)


def _spread(per_cell: np.ndarray, names: list[str]) -> np.ndarray:
    """Compute deviations of shares over cells, [shape=(n_systems, n_scorings, n_metrics)]."""
    shares = _share(per_cell, per_cell, names)
    if len(shares) == 1:
        return np.full(shares.shape[1:], np.nan)
    deviation: np.ndarray = shares.std(axis=0, ddof=1)
    return deviation


def _differences(
    shares: np.ndarray, samples: np.ndarray, names: list[str], *, roles: Mapping[str, Role]
) -> Table:
    """Compare baselines and models with the linear baseline, and models with the best other one.

    Parameters
    ----------
    shares : np.ndarray [shape=(n_systems, n_metrics)]
    samples : np.ndarray [shape=(n_resamples, n_systems, n_metrics)]
    names : list of str
        Names of the systems, in the order of the arrays.
    roles : mapping of str to str
        Of each system.
    """
    base = MEL_STATISTICS
    compared = [n for n in names if n != base and roles[n] in ("baseline", "model")]
    pairs = [(name, base) for name in compared] if base in names else []
    models = [name for name in names if roles[name] == "model"]
    pairs += [(a, b) for n, a in enumerate(models) for b in models[n + 1 :]]
    if not pairs:
        return {}
    rows = [(names.index(a), names.index(b)) for a, b in pairs]
    table: Table = {f"{a} - {b}": {} for a, b in pairs}
    for m, metric in enumerate(metrics.METRICS):
        gaps = np.stack([samples[:, a, m] - samples[:, b, m] for a, b in rows], axis=1)
        means = np.array([shares[a, m] - shares[b, m] for a, b in rows])
        for (a, b), ends in zip(pairs, metrics.simultaneous(gaps, means), strict=True):
            table[f"{a} - {b}"][metric] = ends
    return table


def _tables(values: np.ndarray, names: list[str]) -> dict[str, Table]:
    return {
        scoring: {
            name: {metric: float(values[i, s, m]) for m, metric in enumerate(metrics.METRICS)}
            for i, name in enumerate(names)
        }
        for s, scoring in enumerate(SCORINGS)
    }


def _interval_tables(samples: np.ndarray, names: list[str]) -> dict[str, Table]:
    return {
        scoring: {
            name: {
                metric: interval(samples[:, i, s, m]) for m, metric in enumerate(metrics.METRICS)
            }
            for i, name in enumerate(names)
        }
        for s, scoring in enumerate(SCORINGS)
    }


def _cell_json(
    key: HoldoutKey, scores: Mapping[str, HoldoutScores], values: np.ndarray, names: list[str]
) -> dict[str, Any]:
    shares = _share(values, values, names)
    any_scores = scores[names[0]]
    return {
        "seed": key.seed,
        "fold": key.fold,
        "n_users": any_scores.values.shape[-1],
        "n_tracks": any_scores.n_cold,
        "systems": _tables(values, names)[HEADLINE],
        "share_of_oracle": _tables(shares, names)[HEADLINE],
        "facts": {name: scores[name].facts for name in names if scores[name].facts},
    }


def _seconds(
    table: Mapping[HoldoutKey, Mapping[str, HoldoutScores]], names: list[str]
) -> dict[str, float]:
    return {name: sum(scores[name].seconds for scores in table.values()) for name in names}
