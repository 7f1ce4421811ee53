"""The catalogue: one SQLite file of tracks, and of the files that could not be read."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from audiorec.artifacts import fingerprint
from audiorec.data.checksum import checksum_file, is_altered, remove_checksum, write_checksum
from audiorec.data.name_matching import CLEAR, CLOSE, closest, full_name, normalize_text
from audiorec.data.schema import open_tables
from audiorec.data.search import beginning, drop_names, likely, put_names, searchable
from audiorec.data.tags import TagTable
from audiorec.data.tracks import (
    CREDITS,
    Failure,
    FileRow,
    Track,
    artist_key,
    as_text,
    path_from,
    stored_path,
)
from audiorec.exceptions import AmbiguousNameError, NotFoundError, WorkspaceError
from audiorec.text import one_line

__all__ = ["Catalog", "Failure", "FileRow", "Track", "as_text"]

ALTERED = "it differs from its digest; remove {} if you have changed it yourself"
NOTE = "note"  # stage of what is wrong with a file that is used all the same
DETAILS = ("number", "guessed")  # kept in a table of their own, which older catalogues have not
OWN_COLUMNS = tuple(f.name for f in fields(Track) if f.name not in (*DETAILS, *CREDITS))
COLUMNS = (*OWN_COLUMNS, *DETAILS, "credits")
_detail = "(SELECT {} FROM details WHERE details.track_id = tracks.track_id)".format
_CREDITS = "(SELECT fields FROM credits WHERE credits.track_id = tracks.track_id)"
TRACK_COLUMNS = ", ".join([*OWN_COLUMNS, *map(_detail, DETAILS), _CREDITS])
FACTS = {
    **{name: name for name in ("artist", "album", "year", "genre", "duration", "path")},
    "changed": f"max(mtime_ns, coalesce({_detail('ctime_ns')}, 0))",
}
"""What filters look at, as SQL; `changed` is when the file's state last changed (ns since 1970)."""


class Catalog:
    """An open catalogue; a context manager that closes it.

    Parameters
    ----------
    path : Path
        The SQLite file, made with its folder unless `read_only`.
    read_only : bool
        Change nothing, and require that it is there.

    Raises
    ------
    WorkspaceError
        If it is missing, damaged, in use, not writable or from a newer version.

    Examples
    --------
    >>> with Catalog(Path("catalog.sqlite")) as catalog:
    ...     len(catalog), catalog.tracks()
    (0, [])
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = Path(path)
        self._read_only = read_only
        self._written = False
        with self._guard():
            self._db = open_tables(self.path, read_only=read_only)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        if self._written:
            write_checksum(self._db, self.path)
        self._db.close()

    def __len__(self) -> int:
        """Tracks whose files are there."""
        return int(self._rows("SELECT count(*) FROM tracks WHERE NOT missing")[0][0])

    @property
    def tags(self) -> TagTable:
        """Words for the tracks."""
        return TagTable(rows=self._rows, many=self._many, transaction=self.transaction)

    def __contains__(self, track_id: object) -> bool:
        return bool(self._rows("SELECT 1 FROM tracks WHERE track_id = ?", [track_id]))

    # -- reading ---------------------------------------------------------------------------------

    def last_change(self) -> int:
        """A number that another process's change of the catalogue changes."""
        return int(self._rows("PRAGMA data_version")[0][0])

    def tracks(self, *, include_missing: bool = False) -> list[Track]:
        """Every track, ordered by `track_id`."""
        where = "" if include_missing else "WHERE NOT missing"
        return self._tracks(f"{where} ORDER BY track_id")

    def facts(self, *columns: str) -> list[tuple[Any, ...]]:
        """What filters look at, of every track whose file is there, ordered by `track_id`.

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
        """Ids of the tracks whose files were gone at the last scan; every track is looked at."""
        rows = self._rows("SELECT track_id FROM tracks WHERE missing")
        return frozenset(track_id for (track_id,) in rows)

    def without_audio(self) -> frozenset[str]:
        """Ids of the tracks that no scan has heard: they came with imported vectors."""
        rows = self._rows("SELECT track_id FROM tracks WHERE clip_hash = ''")
        return frozenset(track_id for (track_id,) in rows)

    def get(self, track_id: str) -> Track:
        """The track of an id, missing or not; `NotFoundError` when there is none."""
        tracks = self._tracks("WHERE track_id = ?", [track_id])
        if not tracks:
            raise NotFoundError(
                one_line(f"unknown track {track_id!r}; look it up in 'audiorec status'")
            )
        return tracks[0]

    def get_many(self, track_ids: Iterable[str]) -> dict[str, Track]:
        """The tracks of ids, missing or not, by id; ids that have none are passed over."""
        wanted = json.dumps(list(track_ids))
        tracks = self._tracks("WHERE track_id IN (SELECT value FROM json_each(?))", [wanted])
        return {track.track_id: track for track in tracks}

    def find(self, name: str) -> Track:
        """The track that a person means.

        Parameters
        ----------
        name : str
            An id, a path, ``"Artist - Title"`` or a title; failing those, something close to one.

        Raises
        ------
        AmbiguousNameError
            If several recordings have the name; they are its candidates.
        NotFoundError
            If none has it; the message says what is close to it.
        """
        path = os.path.abspath(name) if name else ""  # noqa: PTH100 - links stay as they are
        for clause, values in (
            ("track_id = ?", [name]),
            ("path = ?", [stored_path(path)]),
            ("name_key = ?1 OR title_key = ?1", [normalize_text(name)]),
        ):
            try:
                tracks = self._tracks(f"WHERE {clause} ORDER BY missing, track_id", values)
            except UnicodeEncodeError:  # bytes that are no text are in no id and no title
                continue
            if tracks:
                return _only(name, tracks)
        try:
            return self._find_close(name)
        except NotFoundError:
            # A name of an artist or an album that has one track alone means that track.
            tracks = [track for track in self._of_name(name) if not track.missing]
            if len(tracks) == 1:
                return tracks[0]
            raise

    def _of_name(self, name: str) -> list[Track]:
        """Tracks of the artist, or else of the album, of a name."""
        by_artist = list(self.get_many(self.by_artist(name)).values())
        if by_artist or not name.strip():
            return by_artist
        try:
            return self._tracks("WHERE album = ? COLLATE NOCASE LIMIT 2", [name.strip()])
        except UnicodeEncodeError:  # bytes that are no text are no album's name
            return []

    def at(self, path: str | Path) -> Track | None:
        """The track whose file lies at a path, missing or not."""
        place = os.path.abspath(path)  # noqa: PTH100 - links stay as they are
        tracks = self._tracks("WHERE path = ?", [stored_path(place)])
        return tracks[0] if tracks else None

    def with_clip_hash(self, clip_hash: str) -> Track | None:
        """A track whose sound is exactly this; see `audiorec.audio.clip_hash`."""
        tracks = self._tracks("WHERE clip_hash = ? ORDER BY missing, track_id LIMIT 1", [clip_hash])
        return tracks[0] if tracks else None

    def failures(self) -> list[Failure]:
        """Files that could not be used, ordered by path and stage."""
        return self._failures("<>")

    def notes(self) -> list[Failure]:
        """Files that are used although something is wrong with them, ordered by path."""
        return self._failures("=")

    def _failures(self, relation: str) -> list[Failure]:
        rows = self._rows(
            f"SELECT path, stage, reason FROM failures WHERE stage {relation} ?"
            " ORDER BY path, stage",
            [NOTE],
        )
        return [Failure(*row) for row in rows]

    def duplicate_groups(self) -> dict[str, int]:
        """Group number of every track whose exact sound another track has too."""
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

    def by_artist(self, artist: str) -> list[str]:
        """Ids of an artist's tracks, missing ones too, sorted; none for `NOBODY`'s name."""
        key = artist_key(artist, track_id="")
        if key == artist_key("", track_id=""):
            return []
        names = [
            name
            for (name,) in self._rows("SELECT DISTINCT artist FROM tracks WHERE artist <> ''")
            if artist_key(name, track_id="") == key
        ]
        marks = ", ".join("?" * len(names))
        rows = self._rows(
            f"SELECT track_id FROM tracks WHERE artist IN ({marks}) ORDER BY track_id", names
        )
        return [track_id for (track_id,) in rows]

    def fingerprint(self) -> str:
        """Digest of what spectrograms depend on: ids and sounds, not paths and tags."""
        rows = self._rows(
            "SELECT track_id, clip_hash FROM tracks WHERE NOT missing ORDER BY track_id"
        )
        return fingerprint([list(row) for row in rows])

    def file_rows(self) -> list[FileRow]:
        """Every track, missing ones too, with the state its file had when it was heard."""
        rows = self._rows(
            f"SELECT {TRACK_COLUMNS}, size, mtime_ns, given, {_detail('ctime_ns')}"
            " FROM tracks ORDER BY track_id"
        )
        n = len(COLUMNS)
        try:
            return [
                FileRow(
                    _track(row[:n]), row[n], row[n + 1], json.loads(row[n + 2]), row[n + 3] or 0
                )
                for row in rows
            ]
        except (ValueError, TypeError) as error:
            raise self._damaged(str(error)) from None

    def without_credits(self) -> frozenset[str]:
        """Ids of tracks that were scanned before `CREDITS` were kept."""
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

        One that a killed run has left has no digest until it is written again. Then only what
        SQLite can tell is known: that pages, rows and indexes fit each other.
        """
        sealed = is_altered(self.path)
        if sealed:
            raise self._damaged(ALTERED.format(checksum_file(self.path).name))
        if sealed is False:
            return
        for (problem,) in self._rows("PRAGMA integrity_check(1)"):
            if problem != "ok":
                raise self._damaged(problem)
        self.file_rows()
        self.staged()

    # -- writing ---------------------------------------------------------------------------------

    def upsert(self, tracks: Iterable[Track | FileRow] | Track) -> None:
        """Add tracks, or replace those that have the same id or path, all in one transaction."""
        rows = [tracks] if isinstance(tracks, Track) else list(tracks)
        with self.transaction():
            self._put([row if isinstance(row, FileRow) else FileRow(row) for row in rows])

    def replace(self, track_ids: Sequence[str], rows: Sequence[FileRow]) -> None:
        """Take tracks out and put others in, in one transaction, so that paths can be swapped."""
        with self.transaction():
            self._drop(track_ids)
            self._put(rows)
            self.tags.drop_stale(track_ids)
            self._many("DELETE FROM staged", [()])

    def remove(self, track_ids: Sequence[str]) -> None:
        """Take tracks out, with their names and their words."""
        with self.transaction():
            self._drop(track_ids)
            self.tags.drop_stale(track_ids)

    def mark_missing(self, track_ids: Iterable[str]) -> None:
        """Say that the files of these tracks are gone; the tracks stay."""
        with self.transaction():
            self._many(
                "UPDATE tracks SET missing = 1 WHERE track_id = ?", [(id_,) for id_ in track_ids]
            )

    def keep_change_times(self, ctimes_ns: Mapping[str, int]) -> None:
        """Keep when the state of files last changed, ns, by track_id."""
        with self.transaction():
            self._many(
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
        """Keep why a file could not be used, in place of an earlier reason of that stage.

        Parameters
        ----------
        path : str or Path
            Bytes in it that are no text are written out.
        stage : str
        reason : str
        size, mtime_ns : int or None
            State of the file, bytes and ns; while it has that state, `scan` does not try again.
        """
        with self.transaction():
            self._many(
                "INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?, ?)",
                [(as_text(path), stage, one_line(reason), size, mtime_ns)],
            )

    def clear_failure(self, path: str | Path, *, stage: str | None = None) -> None:
        """Forget why a file could not be used, at one stage or at all."""
        with self.transaction():
            self._many(
                "DELETE FROM failures WHERE path = ? AND stage = ifnull(?, stage)",
                [(as_text(path), stage)],
            )

    def failed_states(self, *, stage: str) -> dict[str, tuple[int | None, int | None]]:
        """Size and time of change of every file that failed at a stage, by path as text."""
        rows = self._rows("SELECT path, size, mtime_ns FROM failures WHERE stage = ?", [stage])
        return {path: (size, mtime_ns) for path, size, mtime_ns in rows}

    def stage(self, path: str, *, size: int, mtime_ns: int, reading: Mapping[str, Any]) -> None:
        """Keep what was heard in a file until `replace` settles which track it is."""
        with self.transaction():
            self._many(
                "INSERT OR REPLACE INTO staged VALUES (?, ?, ?, ?)",
                [(stored_path(path), size, mtime_ns, json.dumps(reading))],
            )

    def staged(self) -> dict[str, tuple[int, int, dict[str, Any]]]:
        """Size, time of change and content of every staged file, by path."""
        rows = self._rows("SELECT path, size, mtime_ns, heard FROM staged ORDER BY path")
        try:
            return {
                path_from(path): (size, time, json.loads(reading))
                for path, size, time, reading in rows
            }
        except (ValueError, TypeError) as error:
            raise self._damaged(str(error)) from None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what is written within as one, or none of it; transactions may be nested."""
        if self._db.in_transaction:
            yield
            return
        with self._guard():
            self._db.execute("BEGIN IMMEDIATE")
            with self._db:
                if not self._written and is_altered(self.path):
                    raise self._damaged(ALTERED.format(checksum_file(self.path).name))
                self._written = True
                remove_checksum(self.path)
                yield

    # -- inside ----------------------------------------------------------------------------------

    @contextmanager
    def _guard(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise WorkspaceError(
                f"catalogue {self.path} cannot be used ({error}); "
                "wait for other runs to end and check its permissions and the disk"
            ) from None
        except sqlite3.IntegrityError:
            raise
        except sqlite3.DatabaseError as error:
            raise self._damaged(str(error)) from None
        except OSError as error:
            raise WorkspaceError(
                f"catalogue {self.path} cannot be written: {error.strerror}; check the path"
            ) from None

    def _damaged(self, reason: str) -> WorkspaceError:
        return WorkspaceError(
            one_line(
                f"catalogue {self.path} is damaged ({reason}); move it away and run "
                "'audiorec scan' again on the folders or the manifest that it came from"
            )
        )

    def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._guard(), closing(self._db.execute(sql, values)) as cursor:
            return cursor.fetchall()

    def _many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        with self._guard():
            self._db.executemany(sql, rows)

    def _drop(self, track_ids: Sequence[str]) -> None:
        for table in ("tracks", "details", "credits"):
            self._many(f"DELETE FROM {table} WHERE track_id = ?", [(id_,) for id_ in track_ids])
        with self._guard():
            drop_names(self._db, track_ids)

    def _put(self, rows: Sequence[FileRow]) -> None:
        paths = [stored_path(row.track.path) for row in rows]
        there = [
            track_id
            for path in paths
            for (track_id,) in self._rows("SELECT track_id FROM tracks WHERE path = ?", [path])
        ]
        marks = ", ".join("?" * (len(OWN_COLUMNS) + 5))
        self._many(
            f"INSERT OR REPLACE INTO tracks ({', '.join(OWN_COLUMNS)},"
            f" size, mtime_ns, given, name_key, title_key) VALUES ({marks})",
            [
                (
                    *_own_values(track),
                    size,
                    mtime_ns,
                    json.dumps(dict(given)),
                    normalize_text(full_name(track.artist, track.title)),
                    normalize_text(track.title),
                )
                for track, size, mtime_ns, given, _ in rows
            ],
        )
        self._many(
            "INSERT OR REPLACE INTO details VALUES (?, ?, ?, ?)",
            [
                (row.track.track_id, row.track.number, " ".join(row.track.guessed), row.ctime_ns)
                for row in rows
            ],
        )
        credits_ = [(row.track.track_id, _credits_of(row.track)) for row in rows]
        self._many("INSERT OR REPLACE INTO credits VALUES (?, ?)", credits_)
        # The last of those that share an id or a path is the one that stays.
        last = {row.track.path: row.track.track_id for row in rows}
        names = {
            track.track_id: normalize_text(full_name(track.artist, track.title))
            for track, *_ in rows
            if last[track.path] == track.track_id
        }
        with self._guard():
            drop_names(self._db, there)
            put_names(self._db, names.items())
        self.tags.drop_stale(row.track.track_id for row in rows)

    def _tracks(self, clause: str, values: Sequence[Any] = ()) -> list[Track]:
        return [
            _track(row)
            for row in self._rows(f"SELECT {TRACK_COLUMNS} FROM tracks {clause}", values)
        ]

    def _find_close(self, name: str) -> Track:
        folded = normalize_text(name)
        with self._guard():
            begun = beginning(self._db, folded)
            near = [*begun, *likely(self._db, folded)] if searchable(self._db) else None
        rows = self._rows(
            "SELECT track_id, name_key, title_key FROM tracks"
            + ("" if near is None else " WHERE track_id IN (SELECT value FROM json_each(?))")
            + " ORDER BY missing, track_id",
            [] if near is None else [json.dumps(near)],
        )
        keys = [key for row in rows for key in row[1:]]
        by_id: dict[str, float] = {}
        for position, score in closest(folded, keys, limit=20):
            by_id.setdefault(rows[position // 2][0], score)
        tracks = [self.get(track_id) for track_id in list(by_id)[:5]]
        failed = self.failures()
        for failure in failed:
            path = Path(failure.path)
            if name in (path.name, path.stem) or failure.path == as_text(os.path.abspath(name)):  # noqa: PTH100
                raise NotFoundError(
                    one_line(
                        f"{name!r} could not be read: {failure.reason} "
                        "('audiorec status --failures' lists all such files)"
                    )
                )
        scores = list(by_id.values())
        if scores and scores[0] >= CLOSE:
            level = [t for t, s in zip(tracks, scores, strict=False) if s > scores[0] - CLEAR]
            return _only(name, level)
        shown = list(dict.fromkeys([*begun, *by_id]))[:5]
        tracks = [self.get(track_id) for track_id in shown]
        hint = "; did you mean " + ", ".join(map(repr, _labels(tracks))) + "?" if tracks else ""
        remedy = hint or "; give its id, its path or 'Artist - Title'"
        if failed:
            files = "1 file" if len(failed) == 1 else f"{len(failed)} files"
            remedy += f" ({files} could not be read: see 'audiorec status --failures')"
        raise NotFoundError(one_line(f"no track is called {name!r}{remedy}"))


def _own_values(track: Track) -> list[Any]:
    """What the table of tracks keeps of one, in the order of `OWN_COLUMNS`."""
    values = {name: getattr(track, name) for name in OWN_COLUMNS}
    return list({**values, "path": stored_path(track.path)}.values())


def _track(row: Sequence[Any]) -> Track:
    values = dict(zip(COLUMNS, row, strict=True))
    guessed = tuple((values["guessed"] or "").split())
    path, missing = path_from(values["path"]), bool(values["missing"])
    more = json.loads(values.pop("credits") or "{}")
    return Track(**{**values, **more, "path": path, "missing": missing, "guessed": guessed})


def _credits_of(track: Track) -> str:
    """What the table of credits keeps of a track: what it has of them."""
    known = {name: value for name in CREDITS if (value := getattr(track, name))}
    return json.dumps(known, ensure_ascii=False)


def _labels(tracks: Sequence[Track]) -> list[str]:
    return list(dict.fromkeys(track.name for track in tracks))


def _only(name: str, tracks: Sequence[Track]) -> Track:
    """The one track, or the first of several whose sound is the same to the sample."""
    present = [track for track in tracks if not track.missing] or list(tracks)
    sounds = {track.clip_hash or track.track_id for track in present}
    if len(sounds) == 1:
        return present[0]
    candidates = [f"{track.track_id} ({track.name}, {track.path})" for track in present]
    raise AmbiguousNameError(
        one_line(
            f"{name!r} could be {len(present)} tracks; name one by its id: "
            + ", ".join(candidates[:5])
            + (", ..." if len(candidates) > 5 else "")
        ),
        candidates=[one_line(candidate) for candidate in candidates],
    )
