"""Store of the server's listeners: one SQLite file in the workspace, written durably.

A change is on the disk when `ServerStore.writing` ends: the write-ahead log is synchronised at each
commit. Plays and likes are copied to the workspace's plays by
`audiorec.data.server.listening.store_server_plays`.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from audiorec.exceptions import WorkspaceError

FILE = "server.sqlite"


class ServerStore:
    """An SQLite file shared by threads; created at the first write.

    Parameters
    ----------
    path : Path
        In an existing folder.

    Examples
    --------
    >>> store = ServerStore(Path("server.sqlite"))
    >>> store.ensure("CREATE TABLE IF NOT EXISTS queue (user TEXT, track_id TEXT);")
    >>> with store.writing() as connection:
    ...     _ = connection.execute("INSERT INTO queue VALUES ('me', 't1')")
    >>> with store.reading() as connection:
    ...     connection.execute("SELECT track_id FROM queue").fetchall()
    [('t1',)]
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self._lock = threading.RLock()
        self._schemas: list[str] = []
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._memory: sqlite3.Connection | None = None

    def ensure(self, schema: str) -> None:
        """Declare tables to be created before anything is read or written.

        Parameters
        ----------
        schema : str
            ``CREATE TABLE IF NOT EXISTS ...;`` and the like. Tables about listeners have their
            names in a column ``user``.
        """
        with self._lock:
            if schema not in self._schemas:
                self._schemas.append(schema)
                self._drop_connections()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Open a transaction, which is on the disk when the block ends, or has not happened.

        Raises
        ------
        WorkspaceError
            If it cannot be stored: the disk is full or read-only, or the folder is gone.
        """
        with self._lock:
            try:
                connection = self._open_writer()
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                    connection.execute("COMMIT")
                except BaseException:
                    with suppress(sqlite3.Error):
                        connection.execute("ROLLBACK")
                    raise
            except (sqlite3.Error, OSError) as error:
                self._drop_connections()
                raise WorkspaceError(
                    f"{self.path} cannot be written: {str(error).lower()}; nothing was stored: "
                    "check its permissions and the disk"
                ) from None

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Open the tables for reading; empty ones if the file is missing.

        Raises
        ------
        WorkspaceError
            If the file cannot be read.
        """
        with self._lock:
            try:
                yield self._open_reader()
            except (sqlite3.Error, OSError) as error:
                self._drop_connections()
                raise WorkspaceError(
                    f"{self.path} cannot be read: {str(error).lower()}; move it away, and the "
                    "server makes a new one"
                ) from None

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._lock:
            self._drop_connections()

    def _open_writer(self) -> sqlite3.Connection:
        if self._writer is not None and not self.path.exists():
            self._drop_connections()  # moved away: writes would go with it
        if self._writer is None:
            if not self.path.parent.is_dir():
                raise OSError(f"there is no folder {self.path.parent}")
            connection = self._connect(str(self.path))
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                for schema in self._schemas:
                    connection.executescript(schema)
            except BaseException:
                connection.close()
                raise
            self.path.chmod(0o600)
            self._writer = connection
        return self._writer

    def _open_reader(self) -> sqlite3.Connection:
        if self._writer is not None:
            return self._writer
        if not self.path.exists():
            return self._empty()
        if self._reader is None:
            self._reader = self._connected_reader()
        return self._reader

    def _connected_reader(self) -> sqlite3.Connection:
        """Connect to the file; read-only where it cannot be written."""
        with suppress(sqlite3.Error, OSError):
            return self._open_writer()
        uri = self.path.resolve().as_uri()
        for more in ("?mode=ro", "?mode=ro&immutable=1"):
            connection = self._connect(uri + more, uri=True)
            try:
                connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            except sqlite3.OperationalError:
                connection.close()
                continue
            return self._with_tables(connection)
        raise OSError("unable to open database file")

    def _with_tables(self, connection: sqlite3.Connection) -> sqlite3.Connection:
        """Add empty temporary tables for those that the file lacks."""
        for schema in self._schemas:
            for table in _tables_of(schema):
                there = connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", [table])
                if there.fetchone() is None:
                    temporary = schema.replace("CREATE TABLE", "CREATE TEMP TABLE")
                    connection.executescript(temporary)
                    break
        return connection

    def _empty(self) -> sqlite3.Connection:
        if self._memory is None:
            self._memory = self._connect(":memory:")
            for schema in self._schemas:
                self._memory.executescript(schema)
        return self._memory

    def _connect(self, name: str, *, uri: bool = False) -> sqlite3.Connection:
        return sqlite3.connect(
            name, uri=uri, timeout=10, isolation_level=None, check_same_thread=False
        )

    def _drop_connections(self) -> None:
        for connection in (self._writer, self._reader, self._memory):
            if connection is not None:
                with suppress(sqlite3.Error):
                    connection.close()
        self._writer = self._reader = self._memory = None


def forget_listener(path: Path, user: str) -> int:
    """Remove a listener from every table of a server's file; return the number of rows removed."""
    if not path.exists():
        return 0
    store = ServerStore(path)
    rows = 0
    try:
        with store.writing() as connection:
            names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            for (table,) in names.fetchall():
                columns = connection.execute("SELECT name FROM pragma_table_info(?)", [table])
                if ("user",) in columns.fetchall():
                    gone = connection.execute(f'DELETE FROM "{table}" WHERE user = ?', [user])
                    rows += gone.rowcount
    finally:
        store.close()
    return rows


def _tables_of(schema: str) -> list[str]:
    """Names of the tables that a schema creates."""
    words = schema.split()
    return [
        words[place + 5].strip("(")
        for place in range(len(words) - 5)
        if [word.upper() for word in words[place : place + 5]]
        == ["CREATE", "TABLE", "IF", "NOT", "EXISTS"]
    ]
