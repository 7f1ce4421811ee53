"""Hold-outs: splits of the data by split kind and seed, in which some tracks are new.

Factors are learned from all plays except those of held-out tracks, including plays of tracks
without audio. The listeners with a history there are halved: half A is used to fold the held-out
tracks in, which gives ALS fold-in; half B is scored. The held-out tracks, the listeners with a
history and the halves depend only on the catalogue, the training plays and the seed: no play of a
held-out track influences anything that a system may see, except for oracles and the leaky control.

A time-cold hold-out is cut in time: held out are the tracks first played on the day of the cut or
later, and the training plays are those before it, at a known time. No play after the cut, of any
track, is used for training.

Listeners whose plays of the training tracks are suspect are left out of both training and scoring.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import polars as pl

from audiorec.data import split_tracks, split_users
from audiorec.data.plays import Interactions, Suspects, find_suspects, to_interactions
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
    """Key of a hold-out.

    Attributes
    ----------
    split : str
        Kind of split.
    seed : int
    fold : int or None
        None without folds.
    labels : float
        Share of the training tracks whose factors may be learned from.

    Examples
    --------
    >>> str(HoldoutKey("artist-cold", seed=0, fold=1))
    'artist-cold, seed 0, fold 2'
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
    """Return the requested kinds of split."""
    return (*data.recipe.evaluate.splits, *((FROZEN,) if data.frozen else ()))


def holdout_keys(data: EvaluationData, *, split: str) -> Iterator[HoldoutKey]:
    """Yield the keys of the recipe's hold-outs of one kind of split."""
    config = data.recipe.evaluate
    for seed in config.seeds:
        # a cut in time has a single part, and so have the frozen artists
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
        Tracks whose plays are left out of training.
    cold : tuple of str
        The candidates: held-out tracks with audio, sorted.
    training_plays : polars.DataFrame
        Training plays without suspects, columns user_id, track_id, plays.
    warm : Interactions
        Training plays as a matrix.
    folding : tuple of str
        Half A of the listeners with a history.
    listeners : tuple of str
        Listeners of half B who played a candidate.
    relevant : np.ndarray [shape=(n_listeners, n_cold)], bool
        Whether each of `listeners` played each of `cold`.
    suspects : Suspects
        Suspect listeners by the training plays, neither learned from nor scored.
    trained : dict of str to TrainResult
        Models shared by several systems, by their settings.
    whole : Holdout or None
        The hold-out with factors of all training tracks, if this one has only some.
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
        """Factors of the training plays."""
        if self.whole is not None:
            return self.whole.factors
        return fit_factors(self.warm, config=self.data.recipe.factors, seed=self.key.seed)

    @cached_property
    def targets(self) -> Embeddings:
        """Unscaled factors of the training tracks with audio: the learning targets.

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
        """All plays without suspects, columns user_id, track_id, plays; for oracles only."""
        return self.suspects.without(self.data.plays)

    def plays_of_held_out(self, *, users: tuple[str, ...] | None = None) -> pl.DataFrame:
        """Return plays of held-out tracks, by all but suspects or by `users`; for oracles only."""
        plays = self.plays.filter(pl.col("track_id").is_in(sorted(self.held_out)))
        return plays if users is None else plays.filter(pl.col("user_id").is_in(users))

    def rng(self, purpose: int) -> np.random.Generator:
        """Return a generator for each hold-out and purpose, independent of the labels."""
        fold = 0 if self.key.fold is None else 1 + self.key.fold
        return np.random.default_rng([self.key.seed, fold, purpose])


def prepare(data: EvaluationData, key: HoldoutKey) -> Holdout:
    """Hold tracks out, and select the scored listeners.

    Raises
    ------
    ParameterError
        If the catalogue cannot be split this way, or no held-out track has audio.
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
    """Raise if tracks cannot be held out, before hours of work.

    Raises
    ------
    ParameterError, DataError
        See `prepare`.
    """
    for split in splits_of(data):
        prepare(data, next(holdout_keys(data, split=split)))


def with_labels(holdout: Holdout, share: float) -> Holdout:
    """Return the hold-out with factors of only a share of the training tracks.

    Only `Holdout.targets` shrinks. Factors, candidates, listeners and oracles stay the same, so
    that systems differ only in their training tracks. Tracks are drawn individually, regardless of
    artist; those of a smaller share are among those of a larger one.

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
    """Return the number of training tracks in a share, at least one."""
    return max(1, round(share * n_tracks))


def _in_time(key: HoldoutKey) -> bool:
    return key.split == TIME_COLD


def _hold_out(data: EvaluationData, key: HoldoutKey) -> tuple[str, ...]:
    """Return the tracks of the catalogue to hold out, including those without audio."""
    config = data.recipe.evaluate
    if key.split == FROZEN:
        return tuple(i for i in data.tracks if data.artist_groups[i] in data.frozen)
    by = GROUPED_BY[key.split]
    if key.fold is None:
        return split_tracks(
            data.may_hold_out,
            data.artists,
            by=by,
            test_fraction=config.test_fraction,
            seed=key.seed,
            duplicates=data.duplicates,
        ).test
    folds = assign_folds(data, by=by, n_folds=config.folds, seed=key.seed)
    return folds[key.fold]


class _Cut(NamedTuple):
    """A cut in time: its day, since 1970-01-01, and the tracks first played on it or later."""

    day: int
    held_out: tuple[str, ...]


def _cut_in_time(data: EvaluationData, *, share: float) -> _Cut:
    """Find the latest cut that holds out about a share of the tracks, duplicates kept together.

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
            f"{TIME_COLD} holds out the tracks first played last, and the plays have "
            f"{len(first)} day{'' if len(first) == 1 else 's'} of first plays; "
            "import plays with a timestamp column, or take another split"
        )
    wanted = share * sum(map(len, first.values()))
    held_out: list[str] = []
    for day in sorted(first, reverse=True)[:-1]:  # there are plays before any cut
        if held_out and len(held_out) + len(first[day]) > wanted:
            break
        held_out += first[day]
        cut = day
    return _Cut(cut, tuple(sorted(held_out)))


def assign_folds(
    data: EvaluationData, *, by: Literal["artist", "track"], n_folds: int, seed: int
) -> list[tuple[str, ...]]:
    """Split the catalogue into folds of similar size, artists and duplicates kept together.

    Raises
    ------
    ParameterError
        If there are fewer groups than folds.
    """
    parts = _indivisible(data, by=by)
    if len(parts) < n_folds:
        raise ParameterError(
            f"folds={n_folds} needs as many {by}s and there are {len(parts)}; lower folds"
        )
    order = np.random.default_rng(seed).permutation(len(parts))
    folds: list[list[str]] = [[] for _ in range(n_folds)]
    # the largest first, each to the smallest fold so far: similar sizes in any drawn order
    for part in sorted((parts[i] for i in order), key=len, reverse=True):
        min(folds, key=len).extend(part)
    return [tuple(sorted(fold)) for fold in folds]


def _indivisible(data: EvaluationData, *, by: str) -> list[list[str]]:
    """Return groups of tracks that must stay together, in the order of their first track."""
    groups: Mapping[str, str | int] = data.artist_groups if by == "artist" else data.duplicates
    parts: dict[str | int, list[str]] = {}
    for track_id in data.may_hold_out:
        parts.setdefault(groups.get(track_id, track_id), []).append(track_id)
    return list(parts.values())


def _relevant(
    plays: pl.DataFrame, *, cold: tuple[str, ...], scored: tuple[str, ...]
) -> tuple[tuple[str, ...], np.ndarray]:
    """Return those of `scored` who played any of `cold`, and which; skips do not count."""
    rows = plays.filter(
        pl.col("user_id").is_in(scored) & pl.col("track_id").is_in(cold) & (pl.col("plays") > 0)
    )
    users = IdMap(sorted(set(rows["user_id"].to_list())), noun="listener")
    relevant = np.zeros((len(users), len(cold)), dtype=bool)
    relevant[
        users.rows(rows["user_id"].to_list()), IdMap(cold).rows(rows["track_id"].to_list())
    ] = True
    return users.ids, relevant
