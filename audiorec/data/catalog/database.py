"""The catalogue: one SQLite file of tracks, and of files that could not be read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from audiorec.artifacts import fingerprint
from audiorec.data.catalog.connection import ALTERED
from audiorec.data.catalog.corruption_check import checksum_file, is_altered
from audiorec.data.catalog.name_search import drop_names, put_names
from audiorec.data.catalog.records import (
    Failure,
    FileRow,
    Track,
    artist_key,
    as_text,
    path_from,
    stored_path,
)
from audiorec.data.catalog.row_mapping import (
    COLUMNS,
    FACTS,
    OWN_COLUMNS,
    TRACK_COLUMNS,
    credits_of,
    detail,
    own_values,
    track_of,
)
from audiorec.data.catalog.tags import TagTable
from audiorec.data.catalog.track_lookup import NOTE, TrackLookup
from audiorec.data.names import full_name, normalize_text
from audiorec.printable_text import one_line

__all__ = ["NOTE", "Catalog", "Failure", "FileRow", "Track", "as_text"]


class Catalog(TrackLookup):
    """An open catalogue; as a context manager it closes itself.

    Parameters
    ----------
    path : Path
        The SQLite file, created with its folder unless `read_only`.
    read_only : bool
        Require that it exists, and do not change it.

    Raises
    ------
    WorkspaceError
        If it is missing, damaged, in use, not writable or of a newer version.

    Examples
    --------
    >>> with Catalog(Path("catalog.sqlite")) as catalog:
    ...     len(catalog), catalog.tracks()
    (0, [])
    """

    def __len__(self) -> int:
        """Number of tracks whose files exist."""
        return int(self._rows("SELECT count(*) FROM tracks WHERE NOT missing")[0][0])

    @property
    def tags(self) -> TagTable:
        """Tags of the tracks."""
        return TagTable(rows=self._rows, many=self._execute_many, transaction=self.transaction)

    def __contains__(self, track_id: object) -> bool:
        return bool(self._rows("SELECT 1 FROM tracks WHERE track_id = ?", [track_id]))

    # -- reading -----------------------------------------------------------------------------------

    def tracks(self, *, include_missing: bool = False) -> list[Track]:
        """Every track, ordered by `track_id`."""
        where = "" if include_missing else "WHERE NOT missing"
        return self._tracks(f"{where} ORDER BY track_id")

    def facts(self, *columns: str) -> list[tuple[Any, ...]]:
        """Columns that filters read, of every track whose file exists, ordered by `track_id`.

        Parameters
        ----------
        *columns : str
            Of `FACTS`.

        Returns
        -------
        rows : list of tuple
            track_id, then the columns.
        """
        named = ", ".join(("track_id", *(FACTS[column] for column in columns)))
        rows = self._rows(f"SELECT {named} FROM tracks WHERE NOT missing ORDER BY track_id")
        if "path" not in columns:
            return rows
        place = 1 + columns.index("path")
        return [(*row[:place], path_from(row[place]), *row[place + 1 :]) for row in rows]

    def missing(self) -> frozenset[str]:
        """Ids of the tracks whose files were gone at the last scan, among all tracks."""
        rows = self._rows("SELECT track_id FROM tracks WHERE missing")
        return frozenset(track_id for (track_id,) in rows)

    def without_audio(self) -> frozenset[str]:
        """Ids of the tracks that no scan has decoded: they came with imported vectors."""
        rows = self._rows("SELECT track_id FROM tracks WHERE clip_hash = ''")
        return frozenset(track_id for (track_id,) in rows)

    def duplicate_groups(self) -> dict[str, int]:
        """Group number of every track whose exact audio another track has too."""
        rows = self._rows(
            "SELECT track_id, clip_hash FROM tracks WHERE clip_hash IN"
            " (SELECT clip_hash FROM tracks WHERE clip_hash <> '' GROUP BY clip_hash"
            " HAVING count(*) > 1) ORDER BY track_id"
        )
        numbers: dict[str, int] = {}
        return {track_id: numbers.setdefault(hash_, len(numbers)) for track_id, hash_ in rows}

    def artists(self) -> dict[str, str]:
        """`Track.artist_key` of every track, missing ones too, by track_id."""
        rows = self._rows("SELECT track_id, artist FROM tracks ORDER BY track_id")
        return {track_id: artist_key(artist, track_id=track_id) for track_id, artist in rows}

    def fingerprint(self) -> str:
        """Digest of the inputs of spectrograms: ids and audio, not paths and tags."""
        rows = self._rows(
            "SELECT track_id, clip_hash FROM tracks WHERE NOT missing ORDER BY track_id"
        )
        return fingerprint([list(row) for row in rows])

    def file_rows(self) -> list[FileRow]:
        """Every track, missing ones too, with the state of its file when it was decoded."""
        rows = self._rows(
            f"SELECT {TRACK_COLUMNS}, size, mtime_ns, given, {detail('ctime_ns')}"
            " FROM tracks ORDER BY track_id"
        )
        n = len(COLUMNS)
        try:
            return [
                FileRow(
                    track_of(row[:n]), row[n], row[n + 1], json.loads(row[n + 2]), row[n + 3] or 0
                )
                for row in rows
            ]
        except (ValueError, TypeError) as error:
            raise self._damaged(str(error)) from None

    def without_credits(self) -> frozenset[str]:
        """Ids of tracks that were scanned before `CREDITS` were stored."""
        rows = self._rows(
            "SELECT track_id FROM tracks WHERE track_id NOT IN (SELECT track_id FROM credits)"
        )
        return frozenset(track_id for (track_id,) in rows)

    def file_states(self) -> dict[str, tuple[int, int]]:
        """Size and time of change, bytes and ns, of every track's file at its scan, by track_id."""
        rows = self._rows("SELECT track_id, size, mtime_ns FROM tracks")
        return {track_id: (size, mtime_ns) for track_id, size, mtime_ns in rows}

    def check(self) -> None:
        """Read all of it, and raise `WorkspaceError` if any of it is damaged.

        A catalogue left by a killed run has no digest until it is written again. Then only SQLite's
        own check applies: that pages, rows and indexes are consistent.
        """
        altered = is_altered(self.path)
        if altered:
            raise self._damaged(ALTERED.format(checksum_file(self.path).name))
        if altered is False:
            return
        for (problem,) in self._rows("PRAGMA integrity_check(1)"):
            if problem != "ok":
                raise self._damaged(problem)
        self.file_rows()
        self.staged()

    # -- writing -----------------------------------------------------------------------------------

    def upsert(self, tracks: Iterable[Track | FileRow] | Track) -> None:
        """Add tracks, or replace those with the same id or path, in one transaction."""
        rows = [tracks] if isinstance(tracks, Track) else list(tracks)
        with self.transaction():
            self._write_rows([row if isinstance(row, FileRow) else FileRow(row) for row in rows])

    def replace(self, track_ids: Sequence[str], rows: Sequence[FileRow]) -> None:
        """Delete tracks and add others, in one transaction, so that paths can be swapped."""
        with self.transaction():
            self._delete_tracks(track_ids)
            self._write_rows(rows)
            self.tags.drop_stale(track_ids)
            self._execute_many("DELETE FROM staged", [()])

    def remove(self, track_ids: Sequence[str]) -> None:
        """Delete tracks, with their names and their tags."""
        with self.transaction():
            self._delete_tracks(track_ids)
            self.tags.drop_stale(track_ids)

    def mark_missing(self, track_ids: Iterable[str]) -> None:
        """Mark the files of these tracks as missing; the tracks stay."""
        with self.transaction():
            self._execute_many(
                "UPDATE tracks SET missing = 1 WHERE track_id = ?", [(id_,) for id_ in track_ids]
            )

    def keep_change_times(self, ctimes_ns: Mapping[str, int]) -> None:
        """Store the times of the last change of files' states, ns, by track_id."""
        with self.transaction():
            self._execute_many(
                "INSERT INTO details VALUES (?1, NULL, '', ?2)"
                " ON CONFLICT (track_id) DO UPDATE SET ctime_ns = ?2",
                ctimes_ns.items(),
            )

    def record_failure(
        self,
        path: str | Path,
        *,
        stage: str,
        reason: str,
        size: int | None = None,
        mtime_ns: int | None = None,
    ) -> None:
        """Record why a file could not be used, in place of an earlier reason of that stage.

        Parameters
        ----------
        path : str or Path
            Undecodable bytes in it are escaped.
        stage : str
        reason : str
        size, mtime_ns : int or None
            State of the file, bytes and ns; while it has that state, `scan` does not try again.
        """
        with self.transaction():
            self._execute_many(
                "INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?, ?)",
                [(as_text(path), stage, one_line(reason), size, mtime_ns)],
            )

    def clear_failure(self, path: str | Path, *, stage: str | None = None) -> None:
        """Delete the record of a file that could not be used, at one stage or at all."""
        with self.transaction():
            self._execute_many(
                "DELETE FROM failures WHERE path = ? AND stage = ifnull(?, stage)",
                [(as_text(path), stage)],
            )

    def failed_states(self, *, stage: str) -> dict[str, tuple[int | None, int | None]]:
        """Size and time of change of every file that failed at a stage, by path as text."""
        rows = self._rows("SELECT path, size, mtime_ns FROM failures WHERE stage = ?", [stage])
        return {path: (size, mtime_ns) for path, size, mtime_ns in rows}

    def stage(self, path: str, *, size: int, mtime_ns: int, reading: Mapping[str, Any]) -> None:
        """Stage the contents of a file until `replace` stores it as a track."""
        with self.transaction():
            self._execute_many(
                "INSERT OR REPLACE INTO staged VALUES (?, ?, ?, ?)",
                [(stored_path(path), size, mtime_ns, json.dumps(reading))],
            )

    def staged(self) -> dict[str, tuple[int, int, dict[str, Any]]]:
        """Size, time of change and content of every staged file, by path."""
        rows = self._rows("SELECT path, size, mtime_ns, reading FROM staged ORDER BY path")
        try:
            return {
                path_from(path): (size, time, json.loads(reading))
                for path, size, time, reading in rows
            }
        except (ValueError, TypeError) as error:
            raise self._damaged(str(error)) from None

    # -- inside ------------------------------------------------------------------------------------

    def _delete_tracks(self, track_ids: Sequence[str]) -> None:
        for table in ("tracks", "details", "credits"):
            self._execute_many(
                f"DELETE FROM {table} WHERE track_id = ?", [(id_,) for id_ in track_ids]
            )
        with self._named_errors():
            drop_names(self._db, track_ids)

    def _write_rows(self, rows: Sequence[FileRow]) -> None:
        paths = [stored_path(row.track.path) for row in rows]
        there = [
            track_id
            for path in paths
            for (track_id,) in self._rows("SELECT track_id FROM tracks WHERE path = ?", [path])
        ]
        marks = ", ".join("?" * (len(OWN_COLUMNS) + 5))
        self._execute_many(
            f"INSERT OR REPLACE INTO tracks ({', '.join(OWN_COLUMNS)},"
            f" size, mtime_ns, given, name_key, title_key) VALUES ({marks})",
            [
                (
                    *own_values(track),
                    size,
                    mtime_ns,
                    json.dumps(dict(given)),
                    normalize_text(full_name(track.artist, track.title)),
                    normalize_text(track.title),
                )
                for track, size, mtime_ns, given, _ in rows
            ],
        )
        self._execute_many(
            "INSERT OR REPLACE INTO details VALUES (?, ?, ?, ?)",
            [
                (row.track.track_id, row.track.number, " ".join(row.track.guessed), row.ctime_ns)
                for row in rows
            ],
        )
        credits_ = [(row.track.track_id, credits_of(row.track)) for row in rows]
        self._execute_many("INSERT OR REPLACE INTO credits VALUES (?, ?)", credits_)
        # Of those that share an id or a path, the last one is kept.
        last = {row.track.path: row.track.track_id for row in rows}
        names = {
            track.track_id: normalize_text(full_name(track.artist, track.title))
            for track, *_ in rows
            if last[track.path] == track.track_id
        }
        with self._named_errors():
            drop_names(self._db, there)
            put_names(self._db, names.items())
        self.tags.drop_stale(row.track.track_id for row in rows)
