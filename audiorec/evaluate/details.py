"""What a draw tells beside its accuracy: by popularity, in a mixed catalogue, and whom it reaches.

Everything here is by the headline scoring and of a system's first draw alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from audiorec import metrics
from audiorec.embeddings import unit_norm
from audiorec.evaluate.answers import Scores, Vectors
from audiorec.evaluate.items import THIRDS, Items
from audiorec.evaluate.protocol import World
from audiorec.ids import IdMap
from audiorec.metrics import lists, reach

K = 10
N_NEIGHBOURS = 5


@dataclass(frozen=True, eq=False)
class Details:
    """What is kept of a draw, as small arrays.

    Attributes
    ----------
    thirds : np.ndarray [shape=(3, n_metrics, n_listeners)], float32
        Only an item of that third is a right answer; all are ranked.
    mixed : np.ndarray [shape=(n_metrics, n_listeners)], float32
        Right answers are the same cold tracks, ranked among these and the training tracks that
        the listener is not known to have played; NaN where the system places no training tracks.
    occurrence : np.ndarray [shape=(n_items,)], int32
        How many listeners have each item among their ten best.
    place : np.ndarray [shape=(n_items,)], float32
        AUC of each item over the listeners: how likely one who played it has it higher in their
        ranking than one who did not. NaN for what nobody played, or everybody.
    vectors : np.ndarray [shape=(n_cold, d)], float16
        Of cold tracks, scaled to length 1; no rows where the system has none.
    neighbours : np.ndarray [shape=(n_cold, 5)], int32
        The nearest training tracks, rows of the world's targets; -1 where there are none.
    """

    thirds: np.ndarray
    mixed: np.ndarray
    occurrence: np.ndarray
    place: np.ndarray
    vectors: np.ndarray
    neighbours: np.ndarray

    def arrays(self) -> dict[str, np.ndarray]:
        """Name to array."""
        return dict(vars(self))


FIGURES = ("coverage", "Gini", "skew", "self-information", "same artist", "diversity")


def look_closer(
    world: World, items: Items, draw: Vectors | Scores, scores: np.ndarray
) -> tuple[Details, dict[str, float]]:
    """Details of a draw, and the figures of `FIGURES` for its ten best.

    Parameters
    ----------
    world : World
    items : Items
    draw : Vectors or Scores
    scores : np.ndarray [shape=(n_listeners, n_items)]
        By the headline scoring.
    """
    offered = ten_best(scores, rng=world.rng(7))
    vectors = unit_norm(draw.cold) if isinstance(draw, Vectors) else np.zeros((0, 1))
    details = Details(
        thirds=_by_third(scores, items),
        mixed=_mixed(world, items, draw),
        occurrence=reach.occurrence(offered, len(items.names)).astype(np.int32),
        place=_places(scores, items.relevant),
        vectors=vectors.astype(np.float16),
        neighbours=_neighbours(world, draw, vectors),
    )
    values = reach.evaluate(offered, len(items.names))
    figures = {
        **{name: values[name] for name in ("coverage", "Gini", "skew")},
        "self-information": reach.self_information(
            offered, items.listeners, n_listeners=len(world.warm.users)
        ),
        "same artist": lists.same_label(offered, _artists(world, items)),
        "diversity": lists.diversity(offered, _sound(world, items)),
    }
    return details, figures


def ten_best(scores: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
    """Columns of the ten best, the tied in an order of its own for each listener.

    Parameters
    ----------
    scores : np.ndarray [shape=(n_listeners, n_items)]
    rng : np.random.Generator

    Returns
    -------
    offered : np.ndarray [shape=(n_listeners, min(10, n_items))], int64
    """
    order = rng.permuted(np.broadcast_to(np.arange(scores.shape[1]), scores.shape), axis=1)
    best = np.argsort(-np.take_along_axis(scores, order, axis=1), axis=1, kind="stable")
    return np.take_along_axis(order, best[:, :K], axis=1)


def _by_third(scores: np.ndarray, items: Items) -> np.ndarray:
    third = items.thirds()
    values = [
        list(metrics.evaluate(scores, items.relevant & (third == number)).values())
        for number in range(len(THIRDS))
    ]
    return np.asarray(values, dtype=np.float32)


def _mixed(world: World, items: Items, draw: Vectors | Scores) -> np.ndarray:
    """Cold tracks among training tracks too; NaN where those have no place, or artists rank."""
    by_artist = len(items.names) != len(world.cold)
    everything = None if by_artist else _with_training_tracks(world, draw)
    if everything is None:
        shape = (len(metrics.METRICS), len(world.listeners))
        return np.full(shape, np.nan, dtype=np.float32)
    known = _known(world)
    n_cold = len(world.cold)
    relevant = np.zeros(everything.shape, dtype=bool)
    relevant[:, :n_cold] = world.relevant
    exclude = np.zeros(everything.shape, dtype=bool)
    exclude[:, n_cold:] = known
    values = metrics.evaluate(everything, relevant, exclude=exclude)
    return np.stack(list(values.values())).astype(np.float32)


def _with_training_tracks(world: World, draw: Vectors | Scores) -> np.ndarray | None:
    """Scores : np.ndarray [shape=(n_listeners, n_cold + n_targets)], or None."""
    if isinstance(draw, Scores):
        if draw.warm is None:
            return None
        return np.concatenate([draw.matrix, draw.warm], axis=1)
    listeners = world.listener_factors if draw.listeners is None else draw.listeners
    warm = world.targets.vectors if draw.warm is None else draw.warm
    scores: np.ndarray = listeners @ unit_norm(np.concatenate([draw.cold, warm])).T
    return scores


def _known(world: World) -> np.ndarray:
    """Who is known to have played which training track : [shape=(n_listeners, n_targets)], bool."""
    plays = world.material.plays.filter(
        pl.col("user_id").is_in(list(world.listeners))
        & pl.col("track_id").is_in(list(world.targets.ids))
    )
    known = np.zeros((len(world.listeners), len(world.targets)), dtype=bool)
    rows = IdMap(world.listeners, noun="listener").rows(plays["user_id"].to_list())
    known[rows, world.targets.id_map.rows(plays["track_id"].to_list())] = True
    return known


def _places(scores: np.ndarray, relevant: np.ndarray) -> np.ndarray:
    order = np.argsort(scores, axis=1, kind="stable")
    rank = np.empty(scores.shape, dtype=np.float32)
    np.put_along_axis(rank, order, np.arange(scores.shape[1], dtype=np.float32)[None], axis=1)
    return metrics.auc(rank.T, relevant.T).astype(np.float32)


def _neighbours(world: World, draw: Vectors | Scores, vectors: np.ndarray) -> np.ndarray:
    """Nearest training tracks of each cold one, where they are placed in one space."""
    if not len(vectors) or (isinstance(draw, Vectors) and draw.listeners is not None):
        return np.full((len(world.cold), N_NEIGHBOURS), -1, dtype=np.int32)
    likeness = vectors @ unit_norm(world.targets.vectors).T
    nearest = np.argsort(-likeness, axis=1, kind="stable")[:, :N_NEIGHBOURS].astype(np.int32)
    missing = N_NEIGHBOURS - nearest.shape[1]
    return np.pad(nearest, ((0, 0), (0, missing)), constant_values=-1)


def _artists(world: World, items: Items) -> np.ndarray:
    """Label of each item : np.ndarray [shape=(n_items,)]."""
    labels = np.empty(len(items.names), dtype=object)
    labels[items.member] = [world.material.artists[i] for i in world.cold]
    return labels


def _sound(world: World, items: Items) -> np.ndarray:
    """Standardised mel statistics of items : np.ndarray [shape=(n_items, d)], float32."""
    statistics = world.material.mel_statistics
    spread = statistics.vectors.std(axis=0)
    everything = (statistics.vectors - statistics.vectors.mean(axis=0)) / np.where(
        spread > 0, spread, 1
    )
    cold = everything[statistics.id_map.rows(world.cold)]
    return items.scores(cold.T).T
