"""Helpers for SQLite databases of other programs: recognition, and tables of other versions."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from audiorec.data.histories.export_files import ExportFile
from audiorec.exceptions import DataError

MAGIC = b"SQLite format 3\0"


def holds_table(member: ExportFile, *tables: str) -> bool:
    """Whether a file is a SQLite database with all of these tables.

    If it cannot be opened, names of the tables in its first bytes are enough: the defect is
    reported when it is read.
    """
    head = member.head()
    if not head.startswith(MAGIC):
        return False
    if all(table.encode() in head for table in tables):
        return True
    try:
        return _tables(member).issuperset(tables)
    except (sqlite3.Error, DataError):
        return False


def _tables(member: ExportFile) -> set[str]:
    """Names of a database's tables: its schema may be anywhere in it."""
    with tempfile.TemporaryDirectory(prefix="audiorec-") as folder:
        path = member.path
        if path is None:
            path = Path(folder) / "copy.sqlite"
            member.copy_to(path)
        # Immutable: neither locked nor written, though its own program may do both.
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?immutable=1", uri=True)
        with closing(connection):
            return {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}


def has_table(database: sqlite3.Connection, table: str) -> bool:
    """Whether the database has a table."""
    return bool(
        database.execute(
            "SELECT 1 FROM sqlite_master WHERE type IN ('table', 'view') AND name = ?", [table]
        ).fetchone()
    )


def has_columns(database: sqlite3.Connection, table: str, *names: str) -> bool:
    """Whether a table has all of these columns."""
    known = {row[1] for row in database.execute(f"PRAGMA table_info('{table}')")}
    return known.issuperset(names)


def column(database: sqlite3.Connection, table: str, name: str, *, alias: str, absent: str) -> str:
    """SQL that selects a column, or a substitute if this version lacks it."""
    there = has_columns(database, table, name)
    return f"{alias}.{name} AS {name}" if there else f"{absent} AS {name}"
