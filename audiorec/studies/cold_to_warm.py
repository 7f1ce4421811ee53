"""Cold-to-warm study: held-out tracks regain the plays of a few listeners, then of more.

Each track gets three vectors: by its audio, by the listeners that it has so far, and by both, as in
an index with nothing else by the artist. The regained listeners are of half A; half B is scored.
The plays of a track at n are among those at every larger n.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import scipy.sparse

from audiorec import metrics
from audiorec.data.plays import Interactions, to_interactions
from audiorec.embeddings import Embeddings
from audiorec.evaluation import Holdout
from audiorec.factors import PriorDecay, fold_in_tracks
from audiorec.id_map import IdMap
from audiorec.studies.bootstrap import bootstrap_means
from audiorec.studies.cold_vector_cache import ColdVectors, cold_vectors, placing_system
from audiorec.studies.inputs import StudyInputs
from audiorec.studies.tables import StudyReport, StudyTable, scope

PLAYS = (0, 1, 2, 5, 10, 50, None)
SPACES = ("content", "collaborative", "hybrid")
K = 50


def run(study: StudyInputs) -> StudyReport:
    """Score tracks with growing numbers of plays, on every kind of split of the recipe."""
    return StudyReport(tuple(_split(study, split) for split in study.recipe.evaluate.splits))


def _split(study: StudyInputs, split: str) -> StudyTable:
    holdouts, values = [], []
    for holdout in study.holdouts(split):
        name, system = placing_system(holdout, study.system)
        cold = cold_vectors(
            holdout, name, system, work_directory=study.work_directory, progress=study.progress
        )
        holdouts.append(holdout)
        values.append(score_each(holdout, cold))
    resampled = bootstrap_means(values, holdouts)
    rows = []
    for place, plays in enumerate(PLAYS):
        means = resampled.means[place]
        best = int(means[:2].argmax())
        gain = resampled.samples[:, place, 2] - resampled.samples[:, place, best]
        rows.append(
            {
                "plays": "all" if plays is None else str(plays),
                **dict(zip(SPACES, means.tolist(), strict=True)),
                "hybrid - better of two": float(means[2] - means[best]),
                "interval": metrics.interval(gain),
            }
        )
    return StudyTable(
        f"{scope(split, holdouts)}; nDCG@{K} by the inner product, placed by sound ({name}), by "
        "the plays that they have got back, and by both",
        ("plays", *SPACES, "hybrid - better of two", "interval"),
        tuple(rows),
        ("Intervals: 95 %, listeners drawn once for all hold-outs, paired.",),
        {"split": split, "system": name, "metric": f"nDCG@{K}"},
    )


def score_each(holdout: Holdout, cold: ColdVectors) -> np.ndarray:
    """Compute nDCG@50 by number of plays : [shape=(len(PLAYS), 3, n_listeners)], float64."""
    full = _half_a(holdout)
    order = _turns_of_plays(full, rng=holdout.rng(3))
    decay = PriorDecay(holdout.data.recipe.index.prior_half_life_users, cold.agreement)
    values = []
    for plays in PLAYS:
        few = _first(full, order, plays)
        spaces = (
            cold.tracks,
            _folded_in_tracks(holdout, few),
            _folded_in_tracks(holdout, few, prior=cold.tracks, decay=decay),
        )
        values.append([_ndcg(holdout, tracks.take(holdout.cold).vectors) for tracks in spaces])
    return np.array(values)


def _half_a(holdout: Holdout) -> Interactions:
    """Return half A's feedback on the cold tracks, negative included; a column per track."""
    plays = holdout.plays_of_held_out(users=holdout.folding)
    plays = plays.filter(pl.col("track_id").is_in(holdout.cold))
    columns = IdMap(holdout.cold)
    if plays.is_empty():
        empty = scipy.sparse.csr_matrix((len(holdout.folding), len(columns)), dtype=np.float32)
        return Interactions(empty, IdMap(holdout.folding, noun="listener"), columns)
    interactions = to_interactions(plays, min_tracks_per_user=0, min_users_per_track=0)
    matrix = interactions.user_items.tocoo()
    wide = scipy.sparse.csr_matrix(
        (matrix.data, (matrix.row, columns.rows(interactions.tracks.ids)[matrix.col])),
        shape=(len(interactions.users), len(columns)),
    )
    return Interactions(wide, interactions.users, columns)


def _turns_of_plays(full: Interactions, *, rng: np.random.Generator) -> np.ndarray:
    """Draw the order in which a track's plays return : [shape=(nnz,)], int64, by column."""
    indptr = full.user_items.tocsc().indptr
    return np.concatenate(
        [np.empty(0, np.int64), *(rng.permutation(n) for n in np.diff(indptr).tolist())]
    )


def _first(full: Interactions, turns: np.ndarray, n: int | None) -> Interactions:
    """Return the plays of each track's first `n` listeners."""
    if n is None:
        return full
    kept = full.user_items.tocsc().copy()
    kept.data[turns >= n] = 0
    kept.eliminate_zeros()
    return Interactions(kept.tocsr(), full.users, full.tracks)


def _folded_in_tracks(holdout: Holdout, plays: Interactions, **how: Any) -> Embeddings:
    return fold_in_tracks(
        holdout.factors, plays, config=holdout.data.recipe.factors, among=holdout.folding, **how
    )


def _ndcg(holdout: Holdout, vectors: np.ndarray) -> np.ndarray:
    places = metrics.rank(holdout.listener_factors @ vectors.T, holdout.relevant)
    return metrics.ndcg(places, k=K)
