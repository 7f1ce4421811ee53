"""In-memory table of tracks, for listing and searching."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from heapq import nsmallest

import polars as pl

from audiorec.data.catalog import Catalog, Track, as_text
from audiorec.data.word_search import WEIGHTS, folded_words
from audiorec.recommend import song_of
from audiorec.workspace import Workspace

MOST_WORDS = 12
MOST_NEW = 50


class TableCatalog(Catalog):
    """A catalogue that looks up tracks in a table in memory first, then in its file.

    Parameters
    ----------
    workspace : Workspace
    table : callable
        Returns the current table.
    """

    def __init__(self, workspace: Workspace, table: Callable[[], TrackTable]) -> None:
        super().__init__(workspace.catalog, read_only=True)
        self._table = table

    def get(self, track_id: str) -> Track:
        """See `Catalog.get`."""
        return self._table().by_id.get(track_id) or super().get(track_id)

    def get_many(self, track_ids: Iterable[str]) -> dict[str, Track]:
        """See `Catalog.get_many`."""
        known, wanted = self._table().by_id, list(track_ids)
        found = {id_: known[id_] for id_ in wanted if id_ in known}
        rest = [id_ for id_ in wanted if id_ not in known]
        return found | super().get_many(rest) if rest else found

    def find(self, name: str) -> Track:
        """See `Catalog.find`."""
        return self._table().by_id.get(name) or super().find(name)

    def songs(self, track_ids: Sequence[str]) -> list[str]:
        """See `audiorec.recommend.versions.songs_of`."""
        table = self._table()
        return [table.song(id_) for id_ in track_ids]


class TrackTable:
    """Tracks in a stable order: artist, album, number, title, id.

    Parameters
    ----------
    tracks : sequence of Track
        In any order.
    added : dict of str to int
        Last change of each file, s since 1970, by track_id.
    version : object
        Version of the catalogue.
    """

    def __init__(
        self, tracks: Sequence[Track], *, added: dict[str, int], version: object = None
    ) -> None:
        self.tracks: tuple[Track, ...] = tuple(sorted(tracks, key=_order))
        self.by_id: dict[str, Track] = {track.track_id: track for track in self.tracks}
        self.added, self.version = added, version

        self._songs: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self.tracks)

    def song(self, track_id: str) -> str:
        """Return the song of a track; see `audiorec.recommend.versions.song_of`."""
        song = self._songs.get(track_id)
        if song is None:
            track = self.by_id.get(track_id)
            song = self._songs[track_id] = song_of(track) if track else ""
        return song

    def find(self, text: str, *, fields: Sequence[str] = tuple(WEIGHTS)) -> list[Track]:
        """Find the tracks that match all words, best first; see `audiorec.data.word_search`.

        Without words, all tracks in the stable order. Each word must occur in one of the `fields`.
        """
        words = folded_words(text)[:MOST_WORDS]
        if not words:
            return [] if text.strip().strip("\"'") else list(self.tracks)
        # Polars expressions let other threads run: no Python loop over tracks.
        scores = [_score(word, fields) for word in words]
        fits = pl.all_horizontal([score > 0 for score in scores])
        found = (
            self._folded.with_columns(score=pl.sum_horizontal(scores))
            .filter(fits)
            .select("row", "score", "rank")
            .sort("score", "rank", descending=[True, False])
        )
        return [self.tracks[row] for row in found["row"].to_list()]

    @cached_property
    def newest(self) -> list[str]:
        """Ids of the tracks by the last change of their files, latest first."""
        return nsmallest(MOST_NEW, self.by_id, key=lambda id_: (-self.added.get(id_, 0), id_))

    @cached_property
    def folders(self) -> list[str]:
        """Topmost folders of the tracks' files."""
        paths = {os.path.dirname(track.path) for track in self.tracks}  # noqa: PTH120 - faster
        return topmost(path for path in paths if os.path.isabs(path))  # noqa: PTH117 - faster

    @cached_property
    def _folded(self) -> pl.DataFrame:
        """Words of each field, each after a space, and the order among equal scores."""
        columns = {
            name: [" ".join(["", *folded_words(_text(track, name))]) for track in self.tracks]
            for name in WEIGHTS
        }
        order = sorted(range(len(self.tracks)), key=lambda row: _tie_breaker(self.tracks[row]))
        ranks = [0] * len(order)
        for rank, row in enumerate(order):
            ranks[row] = rank
        return pl.DataFrame({**columns, "row": range(len(order)), "rank": ranks})


def topmost(folders: Iterable[str]) -> list[str]:
    """Return the folders that lie within none of the others."""
    found: list[str] = []
    last = ""  # with a trailing separator, so that subfolders sort after it
    for folder in sorted({os.path.join(folder, "") for folder in folders}):  # noqa: PTH118 - faster
        if not last or not folder.startswith(last):
            last = folder
            found.append(folder.rstrip(os.sep) or folder)
    return found


def read_tracks(workspace: Workspace, *, version: object = None) -> TrackTable:
    """Read the table of a workspace's catalogue; empty before the first scan."""
    if not workspace.catalog.exists():
        return TrackTable((), added={}, version=version)
    with Catalog(workspace.catalog, read_only=True) as catalog:
        tracks = catalog.tracks()
        added = {id_: ns // 1_000_000_000 for id_, (_, ns) in catalog.file_states().items()}
    table = TrackTable(tracks, added=added, version=version)
    _ = table._folded
    return table


def _order(track: Track) -> tuple[object, ...]:
    return (track.artist.casefold(), track.album.casefold(), track.number or 0,
            track.title.casefold(), track.track_id)  # fmt: skip


def _tie_breaker(track: Track) -> tuple[object, ...]:
    return track.artist, track.album, track.number or 0, track.track_id


def _text(track: Track, field: str) -> str:
    return as_text(track.path) if field == "path" else str(getattr(track, field))


def _score(word: str, fields: Sequence[str]) -> pl.Expr:
    """Score each track for a word; see `audiorec.data.word_search`."""
    worth = [
        pl.when(pl.col(name).str.contains(f" {word}", literal=True))
        .then(pl.lit(float(weight)))
        .when(pl.col(name).str.contains(word, literal=True))
        .then(pl.lit(0.5 * weight))
        .otherwise(0.0)
        for name, weight in WEIGHTS.items()
        if name in fields
    ]
    return pl.max_horizontal(worth)
