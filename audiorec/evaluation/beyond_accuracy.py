"""Metrics beyond accuracy: by popularity, in a mixed catalogue, exposure and hubness.

All metrics here use the headline scoring and a system's first draw only: `draw_details` in one
hold-out, `summarize_beyond_accuracy` over all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import polars as pl

from audiorec import metrics
from audiorec.embeddings import unit_norm
from audiorec.evaluation.candidates import THIRDS, Candidates
from audiorec.evaluation.holdout import Holdout
from audiorec.evaluation.oracle_share import share_of_oracle
from audiorec.evaluation.systems import PredictedVectors, ScoreMatrix
from audiorec.id_map import IdMap
from audiorec.metrics import Interval, exposure, interval, lists, mean_of_known

K = 10
N_NEIGHBOURS = 5


@dataclass(frozen=True, eq=False)
class DrawDetails:
    """Stored details of a draw, as small arrays.

    Attributes
    ----------
    thirds : np.ndarray [shape=(3, n_metrics, n_listeners)], float32
        Metrics with only items of that third as relevant; all are ranked.
    mixed : np.ndarray [shape=(n_metrics, n_listeners)], float32
        Metrics with the same relevant cold tracks, ranked among these and the training tracks that
        the listener is not known to have played; NaN if the system has no training tracks.
    occurrence : np.ndarray [shape=(n_items,)], int32
        Number of listeners with each item in their top ten.
    place : np.ndarray [shape=(n_items,)], float32
        AUC of each item over the listeners: probability that one who played it ranks it higher
        than one who did not. NaN for items played by nobody or everybody.
    vectors : np.ndarray [shape=(n_cold, d)], float16
        Vectors of cold tracks, of unit norm; no rows if the system has none.
    neighbours : np.ndarray [shape=(n_cold, 5)], int32
        The nearest training tracks, as rows of the hold-out's targets; -1 if there are none.
    """

    thirds: np.ndarray
    mixed: np.ndarray
    occurrence: np.ndarray
    place: np.ndarray
    vectors: np.ndarray
    neighbours: np.ndarray

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays by name."""
        return dict(vars(self))


FIGURES = ("coverage", "Gini", "skew", "self-information", "same artist", "diversity")


def draw_details(
    holdout: Holdout,
    candidates: Candidates,
    draw: PredictedVectors | ScoreMatrix,
    scores: np.ndarray,
) -> tuple[DrawDetails, dict[str, float]]:
    """Compute the details of a draw, and the figures of `FIGURES` for its top ten.

    Parameters
    ----------
    holdout : Holdout
    candidates : Candidates
    draw : PredictedVectors or ScoreMatrix
    scores : np.ndarray [shape=(n_listeners, n_items)]
        By the headline scoring.
    """
    recommended = top_ten(scores, rng=holdout.rng(7))
    vectors = unit_norm(draw.cold) if isinstance(draw, PredictedVectors) else np.zeros((0, 1))
    details = DrawDetails(
        thirds=_by_third(scores, candidates),
        mixed=_mixed(holdout, candidates, draw),
        occurrence=exposure.k_occurrence(recommended, len(candidates.names)).astype(np.int32),
        place=_places(scores, candidates.relevant),
        vectors=vectors.astype(np.float16),
        neighbours=_neighbours(holdout, draw, vectors),
    )
    values = exposure.evaluate(recommended, len(candidates.names))
    figures = {
        **{name: values[name] for name in ("coverage", "Gini", "skew")},
        "self-information": exposure.self_information(
            recommended, candidates.listeners, n_listeners=len(holdout.warm.users)
        ),
        "same artist": lists.same_label(recommended, _artists(holdout, candidates)),
        "diversity": lists.diversity(recommended, _mel(holdout, candidates)),
    }
    return details, figures


def top_ten(scores: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
    """Return the columns of the top ten, ties in random order for each listener.

    Parameters
    ----------
    scores : np.ndarray [shape=(n_listeners, n_items)]
    rng : np.random.Generator

    Returns
    -------
    recommended : np.ndarray [shape=(n_listeners, min(10, n_items))], int64
    """
    order = rng.permuted(np.broadcast_to(np.arange(scores.shape[1]), scores.shape), axis=1)
    best = np.argsort(-np.take_along_axis(scores, order, axis=1), axis=1, kind="stable")
    return np.take_along_axis(order, best[:, :K], axis=1)


def _by_third(scores: np.ndarray, candidates: Candidates) -> np.ndarray:
    third = candidates.thirds()
    values = [
        list(metrics.evaluate(scores, candidates.relevant & (third == number)).values())
        for number in range(len(THIRDS))
    ]
    return np.asarray(values, dtype=np.float32)


def _mixed(
    holdout: Holdout, candidates: Candidates, draw: PredictedVectors | ScoreMatrix
) -> np.ndarray:
    """Rank cold tracks among training tracks; NaN without vectors of those, or by artist."""
    by_artist = len(candidates.names) != len(holdout.cold)
    everything = None if by_artist else _with_training_tracks(holdout, draw)
    if everything is None:
        shape = (len(metrics.METRICS), len(holdout.listeners))
        return np.full(shape, np.nan, dtype=np.float32)
    known = _known_plays(holdout)
    n_cold = len(holdout.cold)
    relevant = np.zeros(everything.shape, dtype=bool)
    relevant[:, :n_cold] = holdout.relevant
    exclude = np.zeros(everything.shape, dtype=bool)
    exclude[:, n_cold:] = known
    values = metrics.evaluate(everything, relevant, exclude=exclude)
    return np.stack(list(values.values())).astype(np.float32)


def _with_training_tracks(
    holdout: Holdout, draw: PredictedVectors | ScoreMatrix
) -> np.ndarray | None:
    """Return scores : np.ndarray [shape=(n_listeners, n_cold + n_targets)], or None."""
    if isinstance(draw, ScoreMatrix):
        if draw.warm is None:
            return None
        return np.concatenate([draw.matrix, draw.warm], axis=1)
    listeners = holdout.listener_factors if draw.listeners is None else draw.listeners
    warm = holdout.targets.vectors if draw.warm is None else draw.warm
    scores: np.ndarray = listeners @ np.concatenate([draw.cold, warm]).T
    return scores


def _known_plays(holdout: Holdout) -> np.ndarray:
    """Return known plays of training tracks : [shape=(n_listeners, n_targets)], bool."""
    plays = holdout.training_plays.filter(
        pl.col("user_id").is_in(list(holdout.listeners))
        & pl.col("track_id").is_in(list(holdout.targets.ids))
    )
    known = np.zeros((len(holdout.listeners), len(holdout.targets)), dtype=bool)
    rows = IdMap(holdout.listeners, noun="listener").rows(plays["user_id"].to_list())
    known[rows, holdout.targets.id_map.rows(plays["track_id"].to_list())] = True
    return known


def _places(scores: np.ndarray, relevant: np.ndarray) -> np.ndarray:
    order = np.argsort(scores, axis=1, kind="stable")
    place = np.empty(scores.shape, dtype=np.float32)
    np.put_along_axis(place, order, np.arange(scores.shape[1], dtype=np.float32)[None], axis=1)
    return metrics.auc(metrics.rank(place.T, relevant.T)).astype(np.float32)


def _neighbours(
    holdout: Holdout, draw: PredictedVectors | ScoreMatrix, vectors: np.ndarray
) -> np.ndarray:
    """Find the nearest training tracks of each cold one, if they share a space."""
    if not len(vectors) or (isinstance(draw, PredictedVectors) and draw.listeners is not None):
        return np.full((len(holdout.cold), N_NEIGHBOURS), -1, dtype=np.int32)
    likeness = vectors @ unit_norm(holdout.targets.vectors).T
    nearest = np.argsort(-likeness, axis=1, kind="stable")[:, :N_NEIGHBOURS].astype(np.int32)
    missing = N_NEIGHBOURS - nearest.shape[1]
    return np.pad(nearest, ((0, 0), (0, missing)), constant_values=-1)


def _artists(holdout: Holdout, candidates: Candidates) -> np.ndarray:
    """Return the artist label of each item : np.ndarray [shape=(n_items,)]."""
    labels = np.empty(len(candidates.names), dtype=object)
    labels[candidates.member] = [holdout.data.artists[i] for i in holdout.cold]
    return labels


def _mel(holdout: Holdout, candidates: Candidates) -> np.ndarray:
    """Return standardised mel statistics of items : np.ndarray [shape=(n_items, d)], float32."""
    statistics = holdout.data.mel_statistics
    spread = statistics.vectors.std(axis=0)
    everything = (statistics.vectors - statistics.vectors.mean(axis=0)) / np.where(
        spread > 0, spread, 1
    )
    cold = everything[statistics.id_map.rows(holdout.cold)]
    return candidates.scores(cold.T).T


Figures = dict[str, dict[str, float]]


class BeyondScores(Protocol):
    """Protocol of the scores needed here."""

    @property
    def details(self) -> DrawDetails:
        """Details of the first draw."""

    @property
    def figures(self) -> dict[str, float]:
        """The figures of `FIGURES`."""


class BeyondAccuracy(NamedTuple):
    """Figures of every system's first draw, by the headline scoring.

    Attributes
    ----------
    thirds : dict of str to (dict of str to (dict of str to float))
        By third of the candidates, system and metric: accuracy with that third relevant.
    mixed, mixed_shares : dict of str to (dict of str to float)
        By system and metric: cold tracks ranked among training tracks too, and the share of
        ALS fold-in. Systems without vectors of training tracks are left out.
    exposure : dict of str to (dict of str to float)
        By system: `FIGURES` of the top ten.
    third_intervals, mixed_intervals, mixed_share_intervals
        95 % intervals of the same, over listeners.
    """

    thirds: dict[str, Figures]
    mixed: Figures
    mixed_shares: Figures
    exposure: Figures
    third_intervals: dict[str, dict[str, dict[str, Interval]]]
    mixed_intervals: dict[str, dict[str, Interval]]
    mixed_share_intervals: dict[str, dict[str, Interval]]

    def to_json(self) -> dict[str, Any]:
        """Convert to JSON, except `Interval` and NaN."""
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


def summarize_beyond_accuracy(
    table: Sequence[Mapping[str, BeyondScores]], *, users: Sequence[Sequence[str]]
) -> BeyondAccuracy:
    """Average over listeners, then over hold-outs.

    Parameters
    ----------
    table : sequence of (mapping of str to HoldoutScores)
        The same systems in every hold-out.
    users : sequence of sequence of str
        Listeners of each hold-out; resampled once for all, with fixed candidates.
    """
    names = list(table[0])
    each = [np.stack([_stacked_details(scores[name]) for name in names]) for scores in table]
    mean = mean_of_known(np.stack([mean_of_known(values) for values in each], axis=-1))
    cells = [
        metrics.HoldoutValues(values.reshape(-1, values.shape[-1]).T, ids, np.zeros((0, 1)), ())
        for values, ids in zip(each, users, strict=True)
    ]
    sample = metrics.two_way(cells).reshape(-1, *mean.shape)
    placed = [i for i in range(len(names)) if np.isfinite(mean[i, -1]).any()]
    share, sampled_share = (
        share_of_oracle(mixed, mixed, names, axis=-2)
        for mixed in (mean[..., -1, :], sample[..., -1, :])
    )
    return BeyondAccuracy(
        thirds={t: _table(mean[:, n], names) for n, t in enumerate(THIRDS)},
        mixed=_table(mean[:, -1], names, placed),
        mixed_shares=_table(share, names, placed),
        exposure={
            name: {
                figure: float(np.mean([scores[name].figures[figure] for scores in table]))
                for figure in FIGURES
            }
            for name in names
        },
        third_intervals={t: _intervals(sample[:, :, n], names) for n, t in enumerate(THIRDS)},
        mixed_intervals=_intervals(sample[:, :, -1], names, placed),
        mixed_share_intervals=_intervals(sampled_share, names, placed),
    )


def _stacked_details(scores: BeyondScores) -> np.ndarray:
    """Stack thirds and mixed catalogue : [shape=(4, n_metrics, n_listeners)], float64."""
    details = scores.details
    return np.concatenate([details.thirds, details.mixed[None]]).astype(np.float64)


def _table(values: np.ndarray, names: list[str], rows: list[int] | None = None) -> Figures:
    return {
        names[i]: {metric: float(values[i, m]) for m, metric in enumerate(metrics.METRICS)}
        for i in (range(len(names)) if rows is None else rows)
    }


def _intervals(
    samples: np.ndarray, names: list[str], rows: list[int] | None = None
) -> dict[str, dict[str, Interval]]:
    return {
        names[i]: {metric: interval(samples[:, i, m]) for m, metric in enumerate(metrics.METRICS)}
        for i in (range(len(names)) if rows is None else rows)
    }
