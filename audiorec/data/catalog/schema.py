"""Tables of the catalogue, and migrations from older versions.

A migration adds or renames: a catalogue of an older version keeps every row, and is migrated in one
transaction by the first process that opens it for writing.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from audiorec.data.catalog.corruption_check import remove_checksum
from audiorec.data.names import strip_accents
from audiorec.exceptions import WorkspaceError

# Statements that migrate from each version to the next; a new catalogue executes all of them.
MIGRATIONS = (
    """
CREATE TABLE tracks (
    track_id TEXT PRIMARY KEY, path TEXT NOT NULL UNIQUE,
    artist TEXT NOT NULL, title TEXT NOT NULL, album TEXT NOT NULL, year INTEGER,
    genre TEXT NOT NULL, duration REAL NOT NULL, sr INTEGER NOT NULL, channels INTEGER NOT NULL,
    format TEXT NOT NULL, clip_hash TEXT NOT NULL, missing INTEGER NOT NULL,
    size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, given TEXT NOT NULL,
    name_key TEXT NOT NULL, title_key TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX tracks_by_hash ON tracks (clip_hash);
CREATE INDEX tracks_by_name ON tracks (name_key);
CREATE INDEX tracks_by_title ON tracks (title_key);
CREATE TABLE staged (
    path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, heard TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE failures (
    path TEXT NOT NULL, stage TEXT NOT NULL, reason TEXT NOT NULL,
    size INTEGER, mtime_ns INTEGER, PRIMARY KEY (path, stage)
) WITHOUT ROWID;
""",
    # A tag of a track with its confidence and its source. Features of a network are stored as
    # well, so that a probe can be trained on them without encoding again.
    """
CREATE TABLE tags (
    track_id TEXT NOT NULL, tag TEXT NOT NULL, confidence REAL NOT NULL, source TEXT NOT NULL,
    PRIMARY KEY (track_id, source, tag)
) WITHOUT ROWID;
CREATE INDEX tags_by_name ON tags (tag, confidence, track_id);
CREATE TABLE heard (
    track_id TEXT NOT NULL, source TEXT NOT NULL, clip_hash TEXT NOT NULL, features BLOB NOT NULL,
    PRIMARY KEY (track_id, source)
);
""",
    # Names by their trigrams, folded and without accents; `names` maps every track to its number
    # in the full-text table. See `audiorec.data.catalog.name_search`.
    """
CREATE TABLE names (number INTEGER PRIMARY KEY, track_id TEXT NOT NULL UNIQUE);
CREATE VIRTUAL TABLE name_search USING fts5 (name, tokenize = 'trigram');
INSERT INTO names (track_id) SELECT track_id FROM tracks ORDER BY track_id;
INSERT INTO name_search (rowid, name)
    SELECT number, bare(name_key) FROM names JOIN tracks USING (track_id);
""",
    # Further columns of a track: its number on the album, the names guessed from its path,
    # and the time of the last change of its file's state (ns).
    """
CREATE TABLE details (
    track_id TEXT PRIMARY KEY, number INTEGER, guessed TEXT NOT NULL, ctime_ns INTEGER NOT NULL
) WITHOUT ROWID;
""",
    # Values that few tracks have or few commands read, as JSON; see `tracks.CREDITS`.
    """
CREATE TABLE credits (
    track_id TEXT PRIMARY KEY, fields TEXT NOT NULL
) WITHOUT ROWID;
""",
    # Plain names: the features that tags were predicted from, and the contents read of a file.
    """
ALTER TABLE heard RENAME TO tag_features;
ALTER TABLE staged RENAME COLUMN heard TO reading;
""",
)
SCHEMA_VERSION = len(MIGRATIONS)
# Views in place of the last migration, for a catalogue of an earlier version opened read-only.
RENAMED_IN = 6
RENAMED_VIEWS = """
CREATE TEMPORARY VIEW tag_features AS SELECT * FROM heard;
CREATE TEMPORARY VIEW staged AS SELECT path, size, mtime_ns, heard AS reading FROM main.staged;
"""
OLDEST_SQLITE = (3, 34)  # the first that searches by trigrams


def open_tables(path: Path, *, read_only: bool) -> sqlite3.Connection:
    """Open a catalogue, created with its folder unless `read_only`, and migrate its tables.

    Raises
    ------
    WorkspaceError
        If it is missing, empty or of a newer version.
    """
    if not read_only:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():  # if it was moved away, its checksum is still there
            remove_checksum(path)
        # Absolute: some builds of SQLite take a name such as file:w for a URI.
        return _prepared(_connect(str(path.absolute())), path, read_only=False)
    if not path.is_file():
        raise WorkspaceError(f"there is no catalogue at {path}; run 'audiorec scan' first")
    uri = f"{path.resolve().as_uri()}?mode=ro"
    try:
        return _prepared(_connect(uri, uri=True), path, read_only=True)
    except sqlite3.OperationalError:
        # To read beside writers SQLite creates a file of its own: where nothing can be written, or
        # the disk is full, nobody writes either, and the catalogue is read as it is.
        log = path.with_name(f"{path.name}-wal")
        if log.exists() and log.stat().st_size:
            raise
        return _prepared(_connect(f"{uri}&immutable=1", uri=True), path, read_only=True)


def _connect(name: str, *, uri: bool = False) -> sqlite3.Connection:
    return sqlite3.connect(name, uri=uri, timeout=30, isolation_level=None)


def _prepared(database: sqlite3.Connection, path: Path, *, read_only: bool) -> sqlite3.Connection:
    try:
        prepare(database, path, read_only=read_only)
    except BaseException:
        database.close()
        raise
    return database


def prepare(database: sqlite3.Connection, path: Path, *, read_only: bool) -> None:
    """Migrate an open catalogue; a read-only one only appears migrated.

    Parameters
    ----------
    database : sqlite3.Connection
        In autocommit mode.
    path : Path
        Name of the catalogue in errors.
    read_only : bool

    Raises
    ------
    WorkspaceError
        If it is of a newer version, or is empty and must not be written.
    """
    version = _version(database, path)
    if read_only:
        if version == 0:
            raise WorkspaceError(f"catalogue {path} is empty; run 'audiorec scan' first")
        _add_stand_ins(database, version)
        return
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    if version == SCHEMA_VERSION:
        return
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise WorkspaceError(
            f"catalogue {path} needs SQLite 3.34 or later, and this Python has "
            f"{sqlite3.sqlite_version}; use a newer Python"
        )
    database.create_function("bare", 1, strip_accents, deterministic=True)
    remove_checksum(path)
    database.execute("BEGIN IMMEDIATE")
    try:
        # Checked again under the lock: another process may have been faster.
        for statements in MIGRATIONS[_version(database, path) :]:
            for statement in statements.split(";"):
                database.execute(statement)
        database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:  # a full disk ends it already
            database.execute("ROLLBACK")
        raise


def _add_stand_ins(database: sqlite3.Connection, version: int) -> None:
    """Add empty temporary tables for those that are missing, and views under their other names."""
    for statements in MIGRATIONS[version:]:
        for statement in map(str.strip, statements.split(";")):
            if statement.startswith("CREATE TABLE"):
                database.execute(statement.replace("CREATE TABLE", "CREATE TEMPORARY TABLE"))
            elif statement.startswith("CREATE INDEX"):
                database.execute(statement.replace("CREATE INDEX ", "CREATE INDEX temp."))
    if version < RENAMED_IN:
        database.executescript(RENAMED_VIEWS)


def _version(database: sqlite3.Connection, path: Path) -> int:
    version = int(database.execute("PRAGMA user_version").fetchone()[0])
    if version > SCHEMA_VERSION:
        raise WorkspaceError(
            f"catalogue {path} has version {version}, newer than {SCHEMA_VERSION}; upgrade audiorec"
        )
    return version
