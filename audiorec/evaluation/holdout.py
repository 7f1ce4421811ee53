"""From a split and a seed to a hold-out in which some tracks are new.

In it the factors are learned from all plays but those of held-out tracks, plays of tracks without
audio included. The listeners with a history there are halved: half A is used to fold the held-out
tracks in, which gives ALS fold-in; half B is scored. Which tracks are held out, who has a
history and who is in which half follow from the catalogue, the training plays and the seed alone:
no play of a held-out track has a say in anything that a system may see, oracles and the leaky
control excepted.

A time-cold hold-out is cut in time: held out are the tracks that were first played on the day of
the cut or later, and what trains is what was played before it, at a known time. Nothing that
anybody played after the cut, of whatever track, trains anything.

Listeners who are suspect for what they did with the training tracks are left out of everything:
they teach nothing and are not scored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import polars as pl

from audiorec.data.plays.bot_filter import Suspects, find_suspects
from audiorec.data.plays.interactions import Interactions, to_interactions
from audiorec.data.splits import split_tracks, split_users
from audiorec.embeddings import Embeddings
from audiorec.evaluation.data import EvaluationData
from audiorec.exceptions import DataError, ParameterError
from audiorec.factors import Factors, fit_factors
from audiorec.id_map import IdMap

if TYPE_CHECKING:
    from audiorec.training import TrainResult

GROUPED_BY: dict[str, Literal["artist", "track"]] = {"artist-cold": "artist", "track-cold": "track"}
TIME_COLD = "time-cold"
FROZEN = "frozen artists"


class HoldoutKey(NamedTuple):
    """Which hold-out.

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


def splits_of(data: EvaluationData) -> tuple[str, ...]:
    """Kinds of split that are asked for."""
    return (*data.recipe.evaluate.splits, *((FROZEN,) if data.frozen else ()))


def holdout_keys(data: EvaluationData, *, split: str) -> Iterator[HoldoutKey]:
    """Every hold-out that the recipe asks for of one kind of split."""
    config = data.recipe.evaluate
    for seed in config.seeds:
        # a cut in time leaves one part, and the frozen artists are one
        dealt = config.folds and split not in (TIME_COLD, FROZEN)
        for fold in range(config.folds) if dealt else (None,):
            yield HoldoutKey(split, seed, fold)


@dataclass(frozen=True, eq=False)
class Holdout:
    """A prepared hold-out.

    Attributes
    ----------
    data : EvaluationData
    key : HoldoutKey
    held_out : frozenset of str
        Tracks whose plays training does not see.
    cold : tuple of str
        The candidates: held-out tracks with audio, sorted.
    training_plays : polars.DataFrame
        Plays that training sees, columns user_id, track_id, plays; those of suspects left out.
    warm : Interactions
        The same as a matrix.
    folding : tuple of str
        Half A of the listeners with a history.
    listeners : tuple of str
        Those of half B who played a candidate.
    relevant : np.ndarray [shape=(n_listeners, n_cold)], bool
        Who of `listeners` played which of `cold`.
    suspects : Suspects
        Whom the training plays make suspect: neither learned from nor scored.
    trained : dict of str to TrainResult
        Models that several systems ask for, by their settings.
    whole : Holdout or None
        The same with the factors of all training tracks, where this one has those of some.
    """

    data: EvaluationData
    key: HoldoutKey
    held_out: frozenset[str]
    cold: tuple[str, ...]
    training_plays: pl.DataFrame
    warm: Interactions
    folding: tuple[str, ...]
    listeners: tuple[str, ...]
    relevant: np.ndarray
    suspects: Suspects
    trained: dict[str, TrainResult] = field(default_factory=dict)
    whole: Holdout | None = None

    @cached_property
    def factors(self) -> Factors:
        """Factors of the plays that training sees."""
        if self.whole is not None:
            return self.whole.factors
        return fit_factors(self.warm, config=self.data.recipe.factors, seed=self.key.seed)

    @cached_property
    def targets(self) -> Embeddings:
        """Factors, as they are, of the training tracks with audio: what is learned from.

        Raises
        ------
        DataError
            If there is no such track.
        """
        ids = [i for i in self.data.audio if i in self.factors.tracks]
        if not ids:
            raise DataError(
                f"{self.key}: no training track has both audio and plays; "
                "import plays of the tracks in the catalogue with 'audiorec plays FILE'"
            )
        if self.key.labels < 1:
            drawn = self.rng(8).permutation(len(ids))[: n_labelled(len(ids), self.key.labels)]
            ids = [ids[row] for row in sorted(drawn)]
        return self.factors.tracks.take(ids)

    @cached_property
    def listener_factors(self) -> np.ndarray:
        """Factors of `listeners` : np.ndarray [shape=(n_listeners, d)], float32."""
        return self.factors.users.take(self.listeners).vectors

    @cached_property
    def plays(self) -> pl.DataFrame:
        """All plays but those of suspects, columns user_id, track_id, plays: for oracles alone."""
        return self.suspects.without(self.data.plays)

    def plays_of_held_out(self, *, users: tuple[str, ...] | None = None) -> pl.DataFrame:
        """Plays of held-out tracks, by all but suspects or by `users`: for the oracles."""
        plays = self.plays.filter(pl.col("track_id").is_in(sorted(self.held_out)))
        return plays if users is None else plays.filter(pl.col("user_id").is_in(users))

    def rng(self, purpose: int) -> np.random.Generator:
        """Randomness of its own for each hold-out and purpose, however many labels there are."""
        fold = 0 if self.key.fold is None else 1 + self.key.fold
        return np.random.default_rng([self.key.seed, fold, purpose])


def prepare(data: EvaluationData, key: HoldoutKey) -> Holdout:
    """Hold tracks out and say who is scored on what.

    Raises
    ------
    ParameterError
        If the catalogue cannot be split so, or no held-out track has audio.
    DataError
        If no listener has a history, or none of half B played a candidate.
    """
    config = data.recipe.factors
    cut = _cut_in_time(data, share=data.recipe.evaluate.test_fraction) if _in_time(key) else None
    held_out = frozenset(_hold_out(data, key) if cut is None else cut.held_out)
    cold = tuple(i for i in data.audio if i in held_out)
    if not cold:
        raise ParameterError(
            f"{key}: none of the {len(held_out)} held-out tracks has mels; "
            "run 'audiorec mel', or raise test_fraction"
        )
    seen = ~pl.col("track_id").is_in(sorted(held_out))
    plays, daily = data.plays.filter(seen), data.daily.filter(seen)
    if cut is not None:
        plays = data.plays_before(cut.day).filter(seen)
        daily = daily.filter(pl.col("day") < cut.day)
    suspects = find_suspects(daily, config=data.recipe.interactions)
    plays = suspects.without(plays)
    try:
        warm = to_interactions(
            plays,
            min_tracks_per_user=config.min_tracks_per_user,
            min_users_per_track=config.min_users_per_track,
        )
        folding, scored = split_users(warm.users.ids, seed=key.seed)
    except (DataError, ParameterError) as error:
        raise DataError(f"{key}: no history beside the held-out tracks: {error}") from None
    listeners, relevant = _relevant(data.plays, cold=cold, scored=scored)
    if not listeners:
        raise DataError(
            f"{key}: none of the {len(scored)} listeners that are scored played any of the "
            f"{len(cold)} held-out tracks; import more plays, or raise test_fraction"
        )
    return Holdout(
        data=data,
        key=key,
        held_out=held_out,
        cold=cold,
        training_plays=plays,
        warm=warm,
        folding=tuple(folding),
        listeners=listeners,
        relevant=relevant,
        suspects=suspects,
    )


def check_holdouts(data: EvaluationData) -> None:
    """Raise where tracks cannot be held out, before anything that takes hours.

    Raises
    ------
    ParameterError, DataError
        See `prepare`.
    """
    for split in splits_of(data):
        prepare(data, next(holdout_keys(data, split=split)))


def with_labels(holdout: Holdout, share: float) -> Holdout:
    """The same hold-out where only a share of the training tracks have listeners to learn from.

    Only `Holdout.targets` shrinks. Factors, candidates, listeners and oracles stay, so that what is
    scored differs in what it learned from alone. Tracks are drawn one by one, whoever their artist
    is; those of a smaller share are among those of a larger one.

    Parameters
    ----------
    holdout : Holdout
    share : float
        Above 0, at most 1.
    """
    if share == holdout.key.labels:
        return holdout
    return replace(holdout, key=holdout.key._replace(labels=share), trained={}, whole=holdout)


def n_labelled(n_tracks: int, share: float) -> int:
    """How many of so many training tracks a share is, at least one."""
    return max(1, round(share * n_tracks))


def _in_time(key: HoldoutKey) -> bool:
    return key.split == TIME_COLD


def _hold_out(data: EvaluationData, key: HoldoutKey) -> tuple[str, ...]:
    """Tracks of the catalogue to hold out, those without audio among them."""
    config = data.recipe.evaluate
    if key.split == FROZEN:
        return tuple(i for i in data.tracks if data.owners[i] in data.frozen)
    by = GROUPED_BY[key.split]
    if key.fold is None:
        return split_tracks(
            data.may_hold_out,
            data.artists,
            by=by,
            test_fraction=config.test_fraction,
            seed=key.seed,
            together=data.duplicates,
        ).test
    folds = assign_folds(data, by=by, n_folds=config.folds, seed=key.seed)
    return folds[key.fold]


class _Cut(NamedTuple):
    """A cut in time: its day, since 1970-01-01, and the tracks first played on it or later."""

    day: int
    held_out: tuple[str, ...]


def _cut_in_time(data: EvaluationData, *, share: float) -> _Cut:
    """The latest cut that leaves about a share of the tracks to hold out, duplicates kept whole.

    Raises
    ------
    ParameterError
        If no play has a time, or all tracks were first played on the same day.
    """
    first: dict[int, list[str]] = {}
    for part in _indivisible(data, by="track"):
        days = [data.first_days[i] for i in part if i in data.first_days]
        if days:
            first[min(days)] = [*first.get(min(days), []), *part]
    if len(first) < 2:
        raise ParameterError(
            f"{TIME_COLD} holds out the tracks first played last, and the plays tell "
            f"{len(first)} day{'' if len(first) == 1 else 's'} of first plays; "
            "import plays with a timestamp column, or take another split"
        )
    wanted = share * sum(map(len, first.values()))
    held_out: list[str] = []
    for day in sorted(first, reverse=True)[:-1]:  # something was played before any cut
        if held_out and len(held_out) + len(first[day]) > wanted:
            break
        held_out += first[day]
        cut = day
    return _Cut(cut, tuple(sorted(held_out)))


def assign_folds(
    data: EvaluationData, *, by: Literal["artist", "track"], n_folds: int, seed: int
) -> list[tuple[str, ...]]:
    """Deal the catalogue into folds of like size, artists (or tracks) and duplicates kept whole.

    Raises
    ------
    ParameterError
        If there are fewer parts to deal than folds.
    """
    parts = _indivisible(data, by=by)
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


def _indivisible(data: EvaluationData, *, by: str) -> list[list[str]]:
    """Sets of tracks that must not be parted, in the order of their first track."""
    groups: Mapping[str, str | int] = data.owners if by == "artist" else data.duplicates
    parts: dict[str | int, list[str]] = {}
    for track_id in data.may_hold_out:
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
