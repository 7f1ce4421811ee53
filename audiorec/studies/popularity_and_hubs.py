"""Effects of popularity weighting and hub correction on accuracy and exposure.

The catalogue is mixed: training tracks have their factors, cold ones their predictions from audio.
So that both can be relevant, a share of the plays of training tracks is hidden before training. Hub
correction uses only training tracks and the vectors of listeners. Exposure is that of the top ten:
for listeners among tracks not known to be played by them, for tracks among all others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

from audiorec import metrics
from audiorec.embeddings import Embeddings, unit_norm
from audiorec.evaluation import EvaluationData, Holdout, HoldoutKey, holdout_keys
from audiorec.evaluation.holdout import prepare
from audiorec.id_map import IdMap
from audiorec.index import Index, IndexConfig, Metric, build_index, with_popularity
from audiorec.index.exact import spread_rows
from audiorec.metrics import exposure
from audiorec.studies.bootstrap import bootstrap_means
from audiorec.studies.cold_vector_cache import cold_vectors, placing_system
from audiorec.studies.inputs import StudyInputs
from audiorec.studies.tables import StudyReport, StudyTable, scope

K = 10
K_ACCURACY = 50
# Queries, evenly drawn: enough for every track to occur 10 times, up to this many.
MAX_QUERIES = 20_000
BLOCK = 1024
# Share of the plays of training tracks to hide.
HIDDEN = 0.2
FIGURES = ("never", "Gini", "skew", "self-information")


class ServingVariant(NamedTuple):
    """A variant of serving: kind of query, hub correction, and popularity."""

    query_kind: Literal["listeners", "tracks"]
    hubs: Literal["none", "csls", "reach"]
    popularity: float


SETTINGS = (
    *(ServingVariant("listeners", "none", p) for p in (0.0, -1.0, -0.5, 0.5, 1.0)),
    ServingVariant("listeners", "csls", 0.0),
    ServingVariant("listeners", "reach", 0.0),
    *(ServingVariant("tracks", "none", p) for p in (0.0, -1.0, -0.5, 0.5, 1.0)),
    ServingVariant("tracks", "csls", 0.0),
    ServingVariant("tracks", "reach", 0.0),
)


def run(study: StudyInputs) -> StudyReport:
    """Score every setting on every kind of split of the recipe."""
    return StudyReport(tuple(_split(study, split) for split in study.recipe.evaluate.splits))


def _split(study: StudyInputs, split: str) -> StudyTable:
    data = study.data
    holdouts: list[Holdout] = []
    scored = []
    for key in holdout_keys(data, split=split):
        study.progress("evaluate", len(holdouts), None, str(key))
        holdout = prepare(hide(data, key), key)
        name, system = placing_system(holdout, study.system)
        cold = cold_vectors(
            holdout, name, system, work_directory=study.work_directory, progress=study.progress
        )
        holdouts.append(holdout)
        scored.append(score_settings(holdout, cold.tracks, everything=data.plays))
    resampled = bootstrap_means([one.accuracy for one in scored], holdouts)
    figures = np.mean([one.figures for one in scored], axis=0)
    rows = []
    for place, setting in enumerate(SETTINGS):
        base = SETTINGS.index(ServingVariant(setting.query_kind, "none", 0.0))
        row: dict[str, Any] = {
            "setting": f"{setting.query_kind}, {setting.hubs}, {setting.popularity:+.1f}"
        }
        for n, kind in enumerate(("cold", "mixed")):
            change = resampled.samples[:, place, n] / resampled.samples[:, base, n] - 1
            row |= {
                kind: float(resampled.means[place, n]),
                f"{kind}, change": metrics.interval(change),
            }
        rows.append(row | dict(zip(FIGURES, figures[place].tolist(), strict=True)))
    columns = ("setting", "cold", "cold, change", "mixed", "mixed, change", *FIGURES)
    return StudyTable(
        f"{scope(split, holdouts)}; nDCG@{K_ACCURACY} and who comes up in the {K} best, asked by "
        f"whom, with which hub correction, where the dial stands; sound by {name}",
        columns,
        tuple(rows),
        (
            "Change: relative to no correction and the dial at 0, 95 %, paired by listener. Cold: "
            f"new tracks among themselves; mixed: these and {HIDDEN:.0%} of the plays of other "
            "tracks, hidden from all that learns, among the whole catalogue. Never: share of the "
            "catalogue in nobody's ten best. Self-information: bits.",
        ),
        {"split": split, "system": name, "metric": f"nDCG@{K_ACCURACY}"},
    )


def hide(data: EvaluationData, key: HoldoutKey) -> EvaluationData:
    """Return the data without `HIDDEN` of the plays of a hold-out's training tracks."""
    holdout = prepare(data, key)
    plays = data.plays
    drawn = pl.Series(holdout.rng(4).random(len(plays)) < HIDDEN)
    hidden = plays.filter(drawn & ~plays["track_id"].is_in(sorted(holdout.held_out)))
    pairs = ["user_id", "track_id"]
    return replace(
        data,
        plays=plays.join(hidden, on=pairs, how="anti"),
        raw_plays=data.raw_plays.join(hidden, on=pairs, how="anti"),
    )


class SettingScores(NamedTuple):
    """Scores of one hold-out, in the order of `SETTINGS`.

    Attributes
    ----------
    accuracy : np.ndarray [shape=(n_settings, 2, n_listeners)], float64
        nDCG@50, cold and mixed.
    figures : np.ndarray [shape=(n_settings, len(FIGURES))], float64
    """

    accuracy: np.ndarray
    figures: np.ndarray


def score_settings(
    holdout: Holdout, sound: Embeddings, *, everything: pl.DataFrame
) -> SettingScores:
    """Score every setting in one hold-out.

    Parameters
    ----------
    holdout : Holdout
        Hold-out of the data returned by `hide`.
    sound : Embeddings
        Predictions of the cold tracks, of the norm of factors.
    everything : polars.DataFrame
        Plays, including the hidden ones.
    """
    catalogue = holdout.targets.updated(sound)
    catalogue = catalogue.take(sorted(catalogue.ids))
    mean_norm = float(np.linalg.norm(holdout.targets.vectors, axis=1).mean())
    indexes = {
        hubs: build_index(
            catalogue,
            config=IndexConfig(kind="exact", hubs=hubs),
            listeners=holdout.factors.users.vectors,
            plays=csr_matrix(_play_matrix(holdout, holdout.factors.users.ids, catalogue)),
            query_ids=holdout.targets.ids,
        )
        for hubs in ("none", "csls", "reach")
    }
    sides = {"listeners": _listeners(holdout, catalogue), "tracks": _tracks(holdout, catalogue)}
    counts = _counts(everything, catalogue.ids)
    columns = catalogue.id_map.rows(holdout.cold)
    known = _play_matrix(holdout, holdout.listeners, catalogue)
    played = everything.filter(pl.col("plays") > 0)
    relevant = _pairs(played, holdout.listeners, catalogue) & ~known
    accuracy, figures = [], []
    for setting in SETTINGS:
        side = sides[setting.query_kind]
        index = indexes[setting.hubs]
        metric: Metric = side.metric
        if setting.popularity:
            index = with_popularity(index, setting.popularity, metric=metric, mean_norm=mean_norm)
            metric = "inner_product"
        scores = _scores(index, metric, side.listeners)
        rankings = (
            metrics.rank(scores[:, columns], holdout.relevant),
            metrics.rank(scores, relevant, exclude=known),
        )
        accuracy.append([metrics.ndcg(positions, k=K_ACCURACY) for positions in rankings])
        recommended = _recommended(index, metric, side)
        values = exposure.evaluate(recommended, len(catalogue))
        bits = exposure.self_information(recommended, counts, n_listeners=len(holdout.warm.users))
        figures.append([1 - values["coverage"], values["Gini"], values["skew"], bits])
    return SettingScores(np.array(accuracy), np.array(figures))


class _Queries(NamedTuple):
    """Query vectors, and the tracks excluded from their answers.

    Attributes
    ----------
    metric : {"cosine", "inner_product"}
    vectors : np.ndarray [shape=(n_queries, d)], float32
    excluded : np.ndarray [shape=(n_queries, n_catalogue)], bool
    listeners : np.ndarray [shape=(n_listeners, d)], float32
        Query vector of each of the hold-out's listeners.
    """

    metric: Metric
    vectors: np.ndarray
    excluded: np.ndarray
    listeners: np.ndarray


def _listeners(holdout: Holdout, catalogue: Embeddings) -> _Queries:
    users = _spread(holdout.factors.users.ids)
    return _Queries(
        "inner_product",
        holdout.factors.users.take(users).vectors,
        _play_matrix(holdout, users, catalogue),
        holdout.listener_factors,
    )


def _tracks(holdout: Holdout, catalogue: Embeddings) -> _Queries:
    ids = _spread(catalogue.ids)
    excluded = np.zeros((len(ids), len(catalogue)), dtype=bool)
    excluded[np.arange(len(ids)), catalogue.id_map.rows(ids)] = True
    counts = _play_matrix(holdout, holdout.listeners, catalogue)
    one = (counts * holdout.rng(5).random(counts.shape)).argmax(axis=1)  # one played track each
    return _Queries("cosine", catalogue.take(ids).vectors, excluded, catalogue.vectors[one])


def _recommended(index: Index, metric: Metric, side: _Queries) -> np.ndarray:
    """Return the columns of the top ten : np.ndarray [shape=(n_queries, K)], int64; -1 for none."""
    k = min(K, side.excluded.shape[1])
    shares = []
    for start in range(0, len(side.vectors), BLOCK):
        scores = _scores(index, metric, side.vectors[start : start + BLOCK])
        scores[side.excluded[start : start + BLOCK]] = -np.inf
        best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        there = np.isfinite(np.take_along_axis(scores, best, axis=1))
        shares.append(np.where(there, best, -1))
    return np.concatenate(shares)


def _scores(index: Index, metric: Metric, queries: np.ndarray) -> np.ndarray:
    """Return the scores of `Index.search` of every id : [shape=(n_queries, n)], float32."""
    vectors = index.embeddings().vectors
    if metric == "cosine":
        vectors, queries = unit_norm(vectors), unit_norm(queries)
    offsets = index.offsets(metric)
    scores: np.ndarray = queries @ vectors.T
    if offsets is not None:
        scores += np.linalg.norm(queries, axis=1)[:, np.newaxis] * offsets
    return scores


def _play_matrix(holdout: Holdout, users: Sequence[str], catalogue: Embeddings) -> np.ndarray:
    """Return the known plays of each user : np.ndarray [shape=(n_users, n)], bool."""
    plays = holdout.training_plays
    return _pairs(plays, users, catalogue)


def _pairs(plays: pl.DataFrame, users: Sequence[str], catalogue: Embeddings) -> np.ndarray:
    """Convert plays to a matrix : np.ndarray [shape=(n_users, n_catalogue)], bool."""
    plays = plays.filter(
        pl.col("user_id").is_in(list(users)) & pl.col("track_id").is_in(list(catalogue.ids))
    )
    pairs = np.zeros((len(users), len(catalogue)), dtype=bool)
    pairs[
        IdMap(users).rows(plays["user_id"].to_list()),
        catalogue.id_map.rows(plays["track_id"].to_list()),
    ] = True
    return pairs


def _counts(plays: pl.DataFrame, ids: Sequence[str]) -> np.ndarray:
    """Count the listeners of each track."""
    counts = plays.group_by("track_id").len()
    known = dict(zip(counts["track_id"].to_list(), counts["len"].to_list(), strict=True))
    return np.array([known.get(id_, 0) for id_ in ids])


def _spread(ids: Sequence[str]) -> list[str]:
    return [ids[row] for row in spread_rows(len(ids), MAX_QUERIES)]
