"""Plays as a sparse matrix of listeners and tracks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import scipy.sparse

from audiorec.data.plays.config import RATING_PLAYS
from audiorec.data.plays.net_play_counts import net_plays
from audiorec.exceptions import DataError, ParameterError
from audiorec.id_map import IdMap


@dataclass(frozen=True, eq=False)
class Interactions:
    """Plays of listeners and tracks as a sparse matrix.

    Parameters
    ----------
    user_items : scipy.sparse.csr_matrix [shape=(n_users, n_tracks)], float32, plays
        Below 0 where skips and dislikes outweigh the plays: see `audiorec.data.plays.net_plays`.
    users, tracks : IdMap
        Ids of the rows and of the columns.
    users_left_out, tracks_left_out : int
        Number of those left out for too little listening.
    """

    user_items: scipy.sparse.csr_matrix
    users: IdMap
    tracks: IdMap
    users_left_out: int = 0
    tracks_left_out: int = 0

    def __post_init__(self) -> None:
        shape = (len(self.users), len(self.tracks))
        if self.user_items.shape != shape:
            raise ParameterError(
                f"user_items of shape {self.user_items.shape} must have that of the ids, {shape}"
            )

    @property
    def n_plays(self) -> float:
        """Total number of plays."""
        return float(self.user_items.data.clip(min=0).sum(dtype=np.float64))

    def only_tracks(self, ids: Iterable[str]) -> Interactions:
        """Keep these tracks, and all listeners; ids without listening are ignored."""
        wanted = set(ids)
        return self._take_tracks([row for row, id_ in enumerate(self.tracks) if id_ in wanted])

    def only_users(self, ids: Iterable[str]) -> Interactions:
        """Keep these listeners, and all tracks; unknown ids are ignored."""
        wanted = set(ids)
        return self._take_users([row for row, id_ in enumerate(self.users) if id_ in wanted])

    def track_listeners(self) -> np.ndarray:
        """Listeners of each track : np.ndarray [shape=(n_tracks,)], int64.

        Those whose skips and dislikes outweigh their plays are not among them.
        """
        return _columns_played(self.user_items)

    def tracks_of(self, user_id: str) -> tuple[str, ...]:
        """Tracks that a listener played, skipped or rated, in the order of the columns."""
        row = self.users.row(user_id)
        start, stop = self.user_items.indptr[row : row + 2]
        return tuple(self.tracks[int(column)] for column in self.user_items.indices[start:stop])

    def pruned(self, *, min_tracks_per_user: int, min_users_per_track: int) -> Interactions:
        """Drop listeners and tracks with too little listening, until all that stay have enough.

        Dropping a track takes one from each of its listeners, so both limits are applied in
        turn until nothing changes.
        """
        users, tracks = np.arange(len(self.users)), np.arange(len(self.tracks))
        matrix = self.user_items
        while True:
            enough_users = _rows_played(matrix) >= min_tracks_per_user
            matrix, users = matrix[enough_users], users[enough_users]
            enough = _columns_played(matrix) >= min_users_per_track
            if enough.all():
                break
            matrix, tracks = matrix[:, enough].tocsr(), tracks[enough]
        return Interactions(
            matrix,
            IdMap((self.users[row] for row in users.tolist()), noun="listener"),
            IdMap(self.tracks[row] for row in tracks.tolist()),
            users_left_out=self.users_left_out + len(self.users) - len(users),
            tracks_left_out=self.tracks_left_out + len(self.tracks) - len(tracks),
        )

    def _take_tracks(self, rows: list[int]) -> Interactions:
        matrix = self.user_items[:, np.asarray(rows, dtype=np.int64)].tocsr()
        return replace(self, user_items=matrix, tracks=IdMap(self.tracks[row] for row in rows))

    def _take_users(self, rows: list[int]) -> Interactions:
        matrix = self.user_items[np.asarray(rows, dtype=np.int64)].tocsr()
        users = IdMap((self.users[row] for row in rows), noun="listener")
        return replace(self, user_items=matrix, users=users)


def _rows_played(matrix: scipy.sparse.csr_matrix) -> np.ndarray:
    """Values above 0 in each row : np.ndarray [shape=(n_rows,)], int64."""
    above = np.concatenate([[0], np.cumsum(matrix.data > 0)])
    return np.asarray(np.diff(above[matrix.indptr]))


def _columns_played(matrix: scipy.sparse.csr_matrix) -> np.ndarray:
    """Values above 0 in each column : np.ndarray [shape=(n_columns,)], int64."""
    return np.bincount(matrix.indices[matrix.data > 0], minlength=matrix.shape[1])


def to_interactions(
    frame: pl.DataFrame,
    *,
    min_tracks_per_user: int = 1,
    min_users_per_track: int = 1,
    rating_plays: float = RATING_PLAYS,
) -> Interactions:
    """Sum plays per listener and track into a sparse matrix.

    Parameters
    ----------
    frame : pl.DataFrame
        Columns user_id, track_id and plays, and optionally skipped and rating.
    min_tracks_per_user, min_users_per_track : int
        Listeners and tracks with fewer are left out, and counted. Those with only skips and
        dislikes have none, and are kept if the limit is 0.
    rating_plays : float
        See `audiorec.data.plays.net_play_counts.net_plays`.

    Returns
    -------
    interactions : Interactions
        Rows and columns in the order of their ids, independent of the order of `frame`.

    Raises
    ------
    DataError
        If nothing is left.

    Examples
    --------
    >>> columns = {"user_id": ["ann", "bob"], "track_id": ["x", "y"], "plays": [3.0, 1.0]}
    >>> plays = pl.DataFrame({**columns, "timestamp": [0, 0]})
    >>> interactions = to_interactions(plays)
    >>> interactions.users.ids, interactions.tracks.ids
    (('ann', 'bob'), ('x', 'y'))
    >>> interactions.user_items.toarray().tolist()
    [[3.0, 0.0], [0.0, 1.0]]
    """
    frame = net_plays(frame, rating_plays=rating_plays)
    users, user_rows = _codes(frame["user_id"])
    tracks, track_rows = _codes(frame["track_id"])
    matrix = scipy.sparse.coo_matrix(
        (frame["plays"].to_numpy(), (user_rows, track_rows)), shape=(len(users), len(tracks))
    ).tocsr()
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    everything = Interactions(
        matrix.astype(np.float32), IdMap(users, noun="listener"), IdMap(tracks)
    )
    kept = everything.pruned(
        min_tracks_per_user=min_tracks_per_user, min_users_per_track=min_users_per_track
    )
    if not kept.user_items.nnz:
        raise DataError(
            f"no listener has min_tracks_per_user={min_tracks_per_user} tracks with "
            f"min_users_per_track={min_users_per_track} listeners each, of {len(users)} listeners "
            f"and {len(tracks)} tracks; lower the two, import more plays, factorise sessions "
            "([factors] rows = \"sessions\"), or do without: 'audiorec run library'"
        )
    return kept


def _codes(ids: pl.Series) -> tuple[list[str], np.ndarray]:
    """Distinct ids in order, and the rank of each value : np.ndarray [shape=(n,)], int32."""
    dtype = ids.dtype
    if not isinstance(dtype, pl.Enum) or not dtype.categories.is_sorted():
        ids = ids.cast(pl.String)
        dtype = pl.Enum(ids.unique().drop_nulls().sort())
        ids = ids.cast(dtype)
    names = dtype.categories.to_numpy()
    codes = ids.to_physical().to_numpy()
    used = np.bincount(codes, minlength=len(names)) > 0
    ranks = (np.cumsum(used) - 1).astype(np.int32)
    return names[used].tolist(), ranks[codes]
