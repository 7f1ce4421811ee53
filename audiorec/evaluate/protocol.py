"""From a split and a seed to a world in which the held-out tracks are new.

In it the factors are learned from all plays but those of held-out tracks, plays of tracks without
audio included. The listeners with a history there are halved: half A is used to fold the held-out
tracks in, which gives the honest oracle; half B is scored. Which tracks are held out, who has a
history and who is in which half follow from the catalogue, the training plays and the seed alone:
no play of a held-out track has a say in anything that a system may see, oracles and the leaky
control excepted.

Listeners who are suspect for what they did with the other tracks are left out of everything: they
teach nothing and are not scored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import polars as pl

from audiorec.data.bot_filter import Suspects, find_suspects
from audiorec.data.interactions import Interactions, to_interactions
from audiorec.data.splits import split_tracks, split_users
from audiorec.embeddings import Embeddings
from audiorec.evaluate.material import Material
from audiorec.exceptions import DataError, ParameterError
from audiorec.factors import Factors, fit_factors
from audiorec.factors.config import FactorsConfig
from audiorec.ids import IdMap

if TYPE_CHECKING:
    from audiorec.evaluate.ears import Ear
    from audiorec.training import TrainResult

GROUPED_BY: dict[str, Literal["artist", "track"]] = {"artist-cold": "artist", "track-cold": "track"}
TIME_COLD = "time-cold"


class Cell(NamedTuple):
    """One hold-out.

    Attributes
    ----------
    split : str
        Kind of split.
    seed : int
    fold : int or None
        None where there are none.
    labels : float
        Share of the training tracks that anything may learn their factors from.
    """

    split: str
    seed: int
    fold: int | None
    labels: float = 1.0

    def __str__(self) -> str:
        fold = "" if self.fold is None else f", fold {self.fold + 1}"
        labels = "" if self.labels == 1 else f", {100 * self.labels:g} % of the labels"
        return f"{self.split}, seed {self.seed}{fold}{labels}"


def cells(material: Material, *, split: str) -> Iterator[Cell]:
    """Every hold-out that the recipe asks for of one kind of split."""
    config = material.recipe.evaluate
    for seed in config.seeds:
        dealt = config.folds and split != TIME_COLD  # only one part of the tracks came last
        for fold in range(config.folds) if dealt else (None,):
            yield Cell(split, seed, fold)


@dataclass(frozen=True, eq=False)
class World:
    """A prepared hold-out.

    Attributes
    ----------
    material : Material
    cell : Cell
    held_out : frozenset of str
        Tracks whose plays training does not see.
    cold : tuple of str
        The candidates: held-out tracks that can be heard, sorted.
    warm : Interactions
        The plays that training sees.
    folding : tuple of str
        Half A of the listeners with a history.
    listeners : tuple of str
        Those of half B who played a candidate.
    relevant : np.ndarray [shape=(n_listeners, n_cold)], bool
        Who of `listeners` played which of `cold`.
    suspects : Suspects
        Whom the training plays make suspect: neither learned from nor scored.
    trained : dict of str to TrainResult
        Networks that several systems ask for, by their settings.
    whole : World or None
        The same with the factors of all training tracks, where this one has those of some.
    """

    material: Material
    cell: Cell
    held_out: frozenset[str]
    cold: tuple[str, ...]
    warm: Interactions
    folding: tuple[str, ...]
    listeners: tuple[str, ...]
    relevant: np.ndarray
    suspects: Suspects
    trained: dict[str, TrainResult] = field(default_factory=dict)
    whole: World | None = None

    @property
    def factors_config(self) -> FactorsConfig:
        """Settings of the factors, with the cell's seed."""
        return self.material.recipe.factors.model_copy(update={"seed": self.cell.seed})

    @cached_property
    def factors(self) -> Factors:
        """Factors of the plays that training sees."""
        if self.whole is not None:
            return self.whole.factors
        return fit_factors(self.warm, config=self.factors_config)

    @cached_property
    def targets(self) -> Embeddings:
        """Factors, as they are, of the training tracks that can be heard: what is learned from.

        Raises
        ------
        DataError
            If there is no such track.
        """
        ids = [i for i in self.material.audio if i in self.factors.tracks]
        if not ids:
            raise DataError(
                f"{self.cell}: no training track has both audio and plays; "
                "import plays of the tracks in the catalogue with 'audiorec plays FILE'"
            )
        if self.cell.labels < 1:
            drawn = self.rng(8).permutation(len(ids))[: n_labelled(len(ids), self.cell.labels)]
            ids = [ids[row] for row in sorted(drawn)]
        return self.factors.tracks.take(ids)

    @property
    def unlabelled(self) -> tuple[str, ...]:
        """Training tracks that can be heard, but have no factors or keep them to themselves."""
        known = self.held_out.union(self.targets.ids)
        return tuple(i for i in self.material.audio if i not in known)

    @cached_property
    def listener_factors(self) -> np.ndarray:
        """Factors of `listeners` : np.ndarray [shape=(n_listeners, d)], float32."""
        return self.factors.users.take(self.listeners).vectors

    @cached_property
    def believed(self) -> pl.DataFrame:
        """All plays but those of suspects, columns user_id, track_id, plays."""
        return self.suspects.without(self.material.plays)

    def plays_of_held_out(self, *, users: tuple[str, ...] | None = None) -> pl.DataFrame:
        """Plays of held-out tracks, by all who are believed or by `users`: for the oracles."""
        plays = self.believed.filter(pl.col("track_id").is_in(sorted(self.held_out)))
        return plays if users is None else plays.filter(pl.col("user_id").is_in(users))

    def rng(self, purpose: int) -> np.random.Generator:
        """Randomness of its own for each cell and purpose, however many labels there are."""
        fold = 0 if self.cell.fold is None else 1 + self.cell.fold
        return np.random.default_rng([self.cell.seed, fold, purpose])


def prepare(material: Material, cell: Cell) -> World:
    """Hold tracks out and say who is scored on what.

    Raises
    ------
    ParameterError
        If the catalogue cannot be split so, or no held-out track can be heard.
    DataError
        If no listener has a history, or none of half B played a candidate.
    """
    config = material.recipe.factors
    held_out = frozenset(_hold_out(material, cell))
    cold = tuple(i for i in material.audio if i in held_out)
    if not cold:
        raise ParameterError(
            f"{cell}: none of the {len(held_out)} held-out tracks has mels; "
            "run 'audiorec mel', or raise test_fraction"
        )
    seen = ~pl.col("track_id").is_in(sorted(held_out))
    suspects = find_suspects(material.daily.filter(seen), config=material.recipe.interactions)
    try:
        warm = to_interactions(
            suspects.without(material.plays.filter(seen)),
            min_tracks_per_user=config.min_tracks_per_user,
            min_users_per_track=config.min_users_per_track,
        )
        folding, scored = split_users(warm.users.ids, seed=cell.seed)
    except (DataError, ParameterError) as error:
        raise DataError(f"{cell}: no history beside the held-out tracks: {error}") from None
    listeners, relevant = _relevant(material.plays, cold=cold, scored=scored)
    if not listeners:
        raise DataError(
            f"{cell}: none of the {len(scored)} listeners that are scored played any of the "
            f"{len(cold)} held-out tracks; import more plays, or raise test_fraction"
        )
    return World(
        material=material,
        cell=cell,
        held_out=held_out,
        cold=cold,
        warm=warm,
        folding=tuple(folding),
        listeners=listeners,
        relevant=relevant,
        suspects=suspects,
    )


def hearing(material: Material, ear: Ear | Callable[[], Ear]) -> Material:
    """The same with what a pretrained network hears.

    Parameters
    ----------
    material : Material
    ear : Ear, or callable
        One that hears only when it is called, which may take hours, is not called before it is
        known that tracks can be held out.

    Raises
    ------
    ParameterError, DataError
        See `prepare`.
    """
    if callable(ear):
        for split in material.recipe.evaluate.splits:
            prepare(material, next(cells(material, split=split)))
        ear = ear()
    return replace(material, ear=ear)


def with_labels(world: World, share: float) -> World:
    """The same hold-out where only a share of the training tracks have listeners to learn from.

    Only `World.targets` shrinks. Factors, candidates, listeners and oracles stay, so that what is
    scored differs in what it learned from alone. Tracks are drawn one by one, whoever their artist
    is; those of a smaller share are among those of a larger one.

    Parameters
    ----------
    world : World
    share : float
        Above 0, at most 1.
    """
    if share == world.cell.labels:
        return world
    return replace(world, cell=world.cell._replace(labels=share), trained={}, whole=world)


def n_labelled(n_tracks: int, share: float) -> int:
    """How many of so many training tracks a share is, at least one."""
    return max(1, round(share * n_tracks))


def _hold_out(material: Material, cell: Cell) -> tuple[str, ...]:
    """Tracks of the catalogue to hold out, those without audio among them."""
    config = material.recipe.evaluate
    if cell.split == TIME_COLD:
        return _latest(material, share=config.test_fraction)
    by = GROUPED_BY[cell.split]
    if cell.fold is None:
        return split_tracks(
            tuple(material.tracks),
            material.artists,
            by=by,
            test_fraction=config.test_fraction,
            seed=cell.seed,
            together=material.together,
        ).test
    folds = deal(material, by=by, n_folds=config.folds, seed=cell.seed)
    return folds[cell.fold]


def _latest(material: Material, *, share: float) -> tuple[str, ...]:
    """Tracks that were first played last, duplicates kept whole; those never played stay.

    Raises
    ------
    ParameterError
        If no play has a time, or all tracks were first played on the same day.
    """
    parts = []
    for part in _indivisible(material, by="track"):
        days = [material.first_days[i] for i in part if i in material.first_days]
        if days:
            parts.append((min(days), part))
    n_days = len({day for day, _ in parts})
    if n_days < 2:
        raise ParameterError(
            f"{TIME_COLD} holds out the tracks first played last, and the plays tell "
            f"{n_days} day{'' if n_days == 1 else 's'} of first plays; "
            "import plays with a timestamp column, or take another split"
        )
    wanted = share * sum(len(part) for _, part in parts)
    held_out: list[str] = []
    for _, part in sorted(parts, key=lambda p: (-p[0], p[1])):
        if held_out and len(held_out) + len(part) > wanted:
            break
        held_out.extend(part)
    return tuple(sorted(held_out))


def deal(
    material: Material, *, by: Literal["artist", "track"], n_folds: int, seed: int
) -> list[tuple[str, ...]]:
    """Deal the catalogue into folds of like size, artists (or tracks) and duplicates kept whole.

    Raises
    ------
    ParameterError
        If there are fewer parts to deal than folds.
    """
    parts = _indivisible(material, by=by)
    if len(parts) < n_folds:
        raise ParameterError(
            f"folds={n_folds} needs as many {by}s and there are {len(parts)}; lower folds"
        )
    order = np.random.default_rng(seed).permutation(len(parts))
    folds: list[list[str]] = [[] for _ in range(n_folds)]
    # the largest first, each to the smallest fold yet: like sizes, whatever the order drawn
    for part in sorted((parts[i] for i in order), key=len, reverse=True):
        min(folds, key=len).extend(part)
    return [tuple(sorted(fold)) for fold in folds]


def _indivisible(material: Material, *, by: str) -> list[list[str]]:
    """Sets of tracks that must not be parted, in the order of their first track."""
    groups: Mapping[str, str | int] = material.owners if by == "artist" else material.together
    parts: dict[str | int, list[str]] = {}
    for track_id in material.tracks:
        parts.setdefault(groups.get(track_id, track_id), []).append(track_id)
    return list(parts.values())


def _relevant(
    plays: pl.DataFrame, *, cold: tuple[str, ...], scored: tuple[str, ...]
) -> tuple[tuple[str, ...], np.ndarray]:
    """Those of `scored` who played one of `cold`, and which; skips and dislikes are no plays."""
    rows = plays.filter(
        pl.col("user_id").is_in(scored) & pl.col("track_id").is_in(cold) & (pl.col("plays") > 0)
    )
    users = IdMap(sorted(set(rows["user_id"].to_list())), noun="listener")
    relevant = np.zeros((len(users), len(cold)), dtype=bool)
    relevant[
        users.rows(rows["user_id"].to_list()), IdMap(cold).rows(rows["track_id"].to_list())
    ] = True
    return users.ids, relevant
