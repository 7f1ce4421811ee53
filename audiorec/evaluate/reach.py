"""What the dial of popularity and hub correction cost in accuracy, and give in reach.

The catalogue is mixed: training tracks where their factors place them, cold ones where their sound
does. So that both can be right answers, a share of the plays of training tracks is hidden before
anything is learned. Hub correction knows training tracks and the vectors of listeners alone. Reach
is of the ten best: for listeners among what they are not known to have played, for tracks among all
others.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

from audiorec import metrics
from audiorec.embeddings import Embeddings, unit_norm
from audiorec.evaluate.material import Material, gather
from audiorec.evaluate.placed import from_sound
from audiorec.evaluate.protocol import Cell, World, cells, prepare
from audiorec.evaluate.systems import CNN
from audiorec.evaluate.table import aligned, count
from audiorec.ids import IdMap
from audiorec.index import Index, Metric, build_index, with_popularity
from audiorec.index.config import IndexConfig
from audiorec.metrics import Interval, interval, reach
from audiorec.pipeline.recipe import Recipe
from audiorec.progress import Progress, silent

if TYPE_CHECKING:
    from audiorec.data.catalog import Track
    from audiorec.mel.store import MelStore

K = 10
K_ACCURACY = 50
# Who asks, evenly drawn from all: enough for every track to come up 10 times, up to this many.
MAX_ASKING = 20_000
BLOCK = 1024
# Share of the plays of training tracks that are hidden.
HIDDEN = 0.2
FIGURES = ("never", "Gini", "skew", "self-information")


class Setting(NamedTuple):
    """A way to answer: whom, with hubs corrected or not, and where the dial stands."""

    asked_by: Literal["listeners", "tracks"]
    hubs: Literal["none", "csls", "reach"]
    popularity: float


SETTINGS = (
    *(Setting("listeners", "none", p) for p in (0.0, -1.0, -0.5, 0.5, 1.0)),
    Setting("listeners", "csls", 0.0),
    Setting("listeners", "reach", 0.0),
    *(Setting("tracks", "none", p) for p in (0.0, -1.0, -0.5, 0.5, 1.0)),
    Setting("tracks", "csls", 0.0),
    Setting("tracks", "reach", 0.0),
)


class ReachRow(NamedTuple):
    """What came out with one setting.

    Attributes
    ----------
    setting : Setting
    accuracy : dict of str to float
        nDCG@50 of what a listener played and nothing has seen: "cold", of the held-out tracks
        among themselves; "mixed", of them and of hidden plays among the whole catalogue. Asked by
        tracks, the query is one track that the listener is known to have played.
    change : dict of str to float
        Its relative change against no correction and the dial at 0.
    intervals : dict of str to Interval
        Of the change: 95 %, over listeners, paired.
    figures : dict of str to float
        "never": share of the catalogue in nobody's ten best (1 - coverage); Gini coefficient and
        skew of the k-occurrence; mean self-information of what is offered, bits.
    """

    setting: Setting
    accuracy: dict[str, float]
    change: dict[str, float]
    intervals: dict[str, Interval]
    figures: dict[str, float]


@dataclass(frozen=True)
class ReachReport:
    """Accuracy and reach of every setting on one kind of split."""

    split: str
    system: str
    n_users: int
    n_tracks: int
    n_catalogue: int
    n_cells: int
    rows: tuple[ReachRow, ...]
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        rows = [
            row._asdict()
            | {
                "setting": row.setting._asdict(),
                "intervals": {name: [*ends] for name, ends in row.intervals.items()},
            }
            for row in self.rows
        ]
        return {**vars(self), "metric": f"nDCG@{K_ACCURACY}", "k": K, "rows": rows}

    def to_text(self) -> str:
        """A table for people."""
        title = (
            f"{self.split}, accuracy and reach: {self.n_catalogue} tracks, {self.n_tracks} of them "
            f"new and placed by sound ({self.system}); {self.n_users} listeners, "
            f"{count(self.n_cells, 'hold-out')}, {self.seconds:.0f} s"
        )
        header = [
            "asked by, hubs, popularity",
            f"nDCG@{K_ACCURACY} cold", "change", f"nDCG@{K_ACCURACY} mixed", "change",
            f"never in {K} best", "Gini", "skew", "bits",
        ]  # fmt: skip
        notes = (
            "Change: relative to no correction and the dial at 0, with its 95 % interval, paired "
            "by listener. Cold: new tracks ranked among themselves; mixed: these and "
            f"{HIDDEN:.0%} of the plays of other tracks, hidden from all that learns, ranked among "
            "the whole catalogue. Bits: mean self-information of what is offered."
        )
        return "\n".join([title, "", *aligned([header, *map(_cells, self.rows)]), "", notes])


def evaluate_reach(
    store: MelStore,
    plays: pl.DataFrame,
    tracks: Sequence[Track],
    *,
    recipe: Recipe,
    work_directory: Path | None = None,
    system: str = CNN,
    progress: Progress = silent,
) -> list[ReachReport]:
    """Score every setting on every kind of split; parameters as of `evaluate_thin`."""
    material = gather(store, plays, tracks, recipe=recipe)
    reports = []
    for split in recipe.evaluate.splits:
        start = time.monotonic()
        earlier = 0.0
        worlds: list[World] = []
        scored = []
        for cell in cells(material, split=split):
            progress("evaluate", len(worlds), None, str(cell))
            world = prepare(hide(material, cell), cell)
            sound = from_sound(world, system, work_directory=work_directory, progress=progress)
            earlier += sound.earlier
            worlds.append(world)
            scored.append(score_reach(world, sound.tracks, everything=material.plays))
        sizes = [(len(w.listeners), len(w.cold), len(w.cold) + len(w.targets)) for w in worlds]
        n_users, n_tracks, n_catalogue = (round(n) for n in np.mean(sizes, axis=0))
        reports.append(
            ReachReport(
                split=split,
                system=system,
                n_users=n_users,
                n_tracks=n_tracks,
                n_catalogue=n_catalogue,
                n_cells=len(worlds),
                rows=tuple(summarise(scored, n_resamples=recipe.evaluate.n_bootstrap)),
                seconds=earlier + time.monotonic() - start,
            )
        )
    return reports


def hide(material: Material, cell: Cell) -> Material:
    """The same without `HIDDEN` of the plays of the tracks that a cell does not hold out."""
    world = prepare(material, cell)
    plays = material.plays
    drawn = pl.Series(world.rng(4).random(len(plays)) < HIDDEN)
    hidden = drawn & ~plays["track_id"].is_in(sorted(world.held_out))
    return replace(material, plays=plays.filter(~hidden))


class Reached(NamedTuple):
    """Scores of one hold-out, in the order of `SETTINGS`.

    Attributes
    ----------
    accuracy : np.ndarray [shape=(n_settings, 2, n_listeners)], float64
        nDCG@50 cold and mixed.
    figures : np.ndarray [shape=(n_settings, len(FIGURES))], float64
    """

    accuracy: np.ndarray
    figures: np.ndarray


def score_reach(world: World, sound: Embeddings, *, everything: pl.DataFrame) -> Reached:
    """Answer with every setting in one hold-out.

    Parameters
    ----------
    world : World
        Made from what `hide` left.
    sound : Embeddings
        Of the cold tracks, as long as factors are.
    everything : polars.DataFrame
        Plays, the hidden ones included.
    """
    catalogue = world.targets.updated(sound)
    catalogue = catalogue.take(sorted(catalogue.ids))
    mean_norm = float(np.linalg.norm(world.targets.vectors, axis=1).mean())
    indexes = {
        hubs: build_index(
            catalogue,
            config=IndexConfig(kind="exact", hubs=hubs),
            listeners=world.factors.users.vectors,
            heard=csr_matrix(_heard(world, world.factors.users.ids, catalogue)),
            asking=world.targets.ids,
        )
        for hubs in ("none", "csls", "reach")
    }
    sides = {"listeners": _listeners(world, catalogue), "tracks": _tracks(world, catalogue)}
    counts = _counts(everything, catalogue.ids)
    columns = catalogue.id_map.rows(world.cold)
    known = _heard(world, world.listeners, catalogue)
    played = everything.filter(pl.col("plays") > 0)
    relevant = _pairs(played, world.listeners, catalogue) & ~known
    accuracy, figures = [], []
    for setting in SETTINGS:
        side = sides[setting.asked_by]
        index = indexes[setting.hubs]
        metric: Metric = side.metric
        if setting.popularity:
            index = with_popularity(index, setting.popularity, metric=metric, mean_norm=mean_norm)
            metric = "inner_product"
        scores = _scores(index, metric, side.listeners)
        cold = metrics.ndcg(scores[:, columns], world.relevant, k=K_ACCURACY)
        accuracy.append([cold, metrics.ndcg(scores, relevant, k=K_ACCURACY, exclude=known)])
        offered = _offered(index, metric, side)
        values = reach.evaluate(offered, len(catalogue))
        bits = reach.self_information(offered, counts, n_listeners=len(world.warm.users))
        figures.append([1 - values["coverage"], values["Gini"], values["skew"], bits])
    return Reached(np.array(accuracy), np.array(figures))


def summarise(scored: Sequence[Reached], *, n_resamples: int) -> list[ReachRow]:
    """A row per setting: means over listeners, then over hold-outs."""
    means, samples = metrics.pooled([one.accuracy for one in scored], n_resamples=n_resamples)
    figures = np.mean([one.figures for one in scored], axis=0)
    rows = []
    for place, setting in enumerate(SETTINGS):
        base = SETTINGS.index(Setting(setting.asked_by, "none", 0.0))
        changes = samples[:, place] / samples[:, base] - 1
        change = means[place] / means[base] - 1
        names = ("cold", "mixed")
        rows.append(
            ReachRow(
                setting,
                dict(zip(names, means[place].tolist(), strict=True)),
                dict(zip(names, change.tolist(), strict=True)),
                {name: interval(changes[:, i]) for i, name in enumerate(names)},
                dict(zip(FIGURES, figures[place].tolist(), strict=True)),
            )
        )
    return rows


class _Side(NamedTuple):
    """Those who ask, and what must not be answered to them.

    Attributes
    ----------
    metric : {"cosine", "inner_product"}
    asking : np.ndarray [shape=(n_asking, d)], float32
    barred : np.ndarray [shape=(n_asking, n_catalogue)], bool
    listeners : np.ndarray [shape=(n_listeners, d)], float32
        What asks for each of the world's listeners.
    """

    metric: Metric
    asking: np.ndarray
    barred: np.ndarray
    listeners: np.ndarray


def _listeners(world: World, catalogue: Embeddings) -> _Side:
    users = _spread(world.factors.users.ids)
    return _Side(
        "inner_product",
        world.factors.users.take(users).vectors,
        _heard(world, users, catalogue),
        world.listener_factors,
    )


def _tracks(world: World, catalogue: Embeddings) -> _Side:
    ids = _spread(catalogue.ids)
    barred = np.zeros((len(ids), len(catalogue)), dtype=bool)
    barred[np.arange(len(ids)), catalogue.id_map.rows(ids)] = True
    heard = _heard(world, world.listeners, catalogue)
    one = (heard * world.rng(5).random(heard.shape)).argmax(axis=1)  # of what each has played
    return _Side("cosine", catalogue.take(ids).vectors, barred, catalogue.vectors[one])


def _offered(index: Index, metric: Metric, side: _Side) -> np.ndarray:
    """Columns of the ten best : np.ndarray [shape=(n_asking, K)], int64; -1 for none."""
    k = min(K, side.barred.shape[1])
    found = []
    for start in range(0, len(side.asking), BLOCK):
        scores = _scores(index, metric, side.asking[start : start + BLOCK])
        scores[side.barred[start : start + BLOCK]] = -np.inf
        best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        there = np.isfinite(np.take_along_axis(scores, best, axis=1))
        found.append(np.where(there, best, -1))
    return np.concatenate(found)


def _scores(index: Index, metric: Metric, asking: np.ndarray) -> np.ndarray:
    """What `Index.search` scores every id with : np.ndarray [shape=(n_asking, n)], float32."""
    vectors = index.embeddings().vectors
    if metric == "cosine":
        vectors, asking = unit_norm(vectors), unit_norm(asking)
    offsets = index.offsets(metric)
    scores: np.ndarray = asking @ vectors.T
    if offsets is not None:
        scores += np.linalg.norm(asking, axis=1)[:, np.newaxis] * offsets
    return scores


def _heard(world: World, users: Sequence[str], catalogue: Embeddings) -> np.ndarray:
    """Which tracks each is known to have played : np.ndarray [shape=(n_users, n)], bool."""
    plays = world.material.plays.filter(~pl.col("track_id").is_in(sorted(world.held_out)))
    return _pairs(plays, users, catalogue)


def _pairs(plays: pl.DataFrame, users: Sequence[str], catalogue: Embeddings) -> np.ndarray:
    """Who played what : np.ndarray [shape=(n_users, n_catalogue)], bool."""
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
    """Listeners of each track."""
    counts = plays.group_by("track_id").len()
    known = dict(zip(counts["track_id"].to_list(), counts["len"].to_list(), strict=True))
    return np.array([known.get(id_, 0) for id_ in ids])


def _spread(ids: Sequence[str]) -> list[str]:
    some = np.unique(np.linspace(0, len(ids) - 1, min(len(ids), MAX_ASKING)).astype(np.int64))
    return [ids[place] for place in some]


def _cells(row: ReachRow) -> list[str]:
    asked_by, hubs, popularity = row.setting
    cells = [f"{asked_by}, {hubs}, {popularity:+.1f}"]
    for name in ("cold", "mixed"):
        low, high = row.intervals[name]
        cells += [
            f"{row.accuracy[name]:.3f}",
            f"{row.change[name]:+.1%} [{low:+.1%} .. {high:+.1%}]",
        ]
    never, *rest = (row.figures[name] for name in FIGURES)
    return [*cells, f"{never:.1%}", *(f"{value:.2f}" for value in rest)]
