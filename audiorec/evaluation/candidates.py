"""Candidates to rank: held-out tracks, or their artists if plays are known by artist only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from audiorec.evaluation.holdout import Holdout

THIRDS = ("least played third", "middle third", "most played third")


@dataclass(frozen=True, eq=False)
class Candidates:
    """The candidates of a hold-out.

    Attributes
    ----------
    names : tuple of str
        Track ids, or artists, sorted.
    member : np.ndarray [shape=(n_cold,)], int64
        Item of each cold track.
    relevant : np.ndarray [shape=(n_listeners, n_items)], bool
    listeners : np.ndarray [shape=(n_items,)], int64
        Number of listeners of each, scored or not, without suspects: its popularity.
    groups : np.ndarray [shape=(n_items,)], str
        Artist of each, artists who share a recording as one: the resampling unit of intervals.
    """

    names: tuple[str, ...]
    member: np.ndarray
    relevant: np.ndarray
    listeners: np.ndarray
    groups: np.ndarray

    def scores(self, matrix: np.ndarray) -> np.ndarray:
        """Convert scores of cold tracks to scores of items, an artist's being their tracks' mean.

        Parameters
        ----------
        matrix : np.ndarray [shape=(n_listeners, n_cold)]

        Returns
        -------
        scores : np.ndarray [shape=(n_listeners, n_items)]
        """
        if len(self.names) == len(self.member):
            return matrix
        weights = np.zeros((len(self.member), len(self.names)), dtype=np.float32)
        weights[np.arange(len(self.member)), self.member] = 1
        return matrix @ (weights / weights.sum(axis=0))

    def thirds(self) -> np.ndarray:
        """Third of each item by its listeners, 0 the least played : [shape=(n_items,)], int64."""
        order = np.argsort(self.listeners, kind="stable")
        third = np.empty(len(order), dtype=np.int64)
        third[order] = np.arange(len(order)) * len(THIRDS) // len(order)
        return third


def candidates_of(holdout: Holdout) -> Candidates:
    """Return a hold-out's tracks, or their artists, by the recipe's `evaluate.rank_by`."""
    by_artist = holdout.data.recipe.evaluate.rank_by == "artists"
    of_track = [holdout.data.artists[i] if by_artist else i for i in holdout.cold]
    names, member = np.unique(np.asarray(of_track, dtype=np.str_), return_inverse=True)
    relevant = np.zeros((len(holdout.listeners), len(names)), dtype=bool)
    for column, item in enumerate(member):
        relevant[:, item] |= holdout.relevant[:, column]
    name_of = pl.DataFrame({"track_id": list(holdout.cold), "item": member})
    plays = holdout.plays_of_held_out().filter(pl.col("plays") > 0)
    counts = plays.join(name_of, on="track_id").unique(["user_id", "item"])["item"].to_numpy()
    groups = np.empty(len(names), dtype=object)
    groups[member] = [holdout.data.artist_groups[i] for i in holdout.cold]
    return Candidates(
        names=tuple(names.tolist()),
        member=member,
        relevant=relevant,
        listeners=np.bincount(counts, minlength=len(names)),
        groups=groups.astype(np.str_),
    )
