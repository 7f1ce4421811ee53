"""What the SQLite databases of other programs share: how they are known, and what they lack."""

from __future__ import annotations

import sqlite3

from audiorec.data.histories.export import Member

MAGIC = b"SQLite format 3\0"


def holds_table(member: Member, *tables: str) -> bool:
    """Whether a file is a SQLite database whose beginning names all these tables.

    The schema lies in the first pages of a database, as the text of its statements.
    """
    head = member.head()
    return head.startswith(MAGIC) and all(table.encode() in head for table in tables)


def has_table(database: sqlite3.Connection, table: str) -> bool:
    """Whether there is such a table."""
    return bool(
        database.execute(
            "SELECT 1 FROM sqlite_master WHERE type IN ('table', 'view') AND name = ?", [table]
        ).fetchone()
    )


def has_columns(database: sqlite3.Connection, table: str, *names: str) -> bool:
    """Whether a table has all these columns."""
    known = {row[1] for row in database.execute(f"PRAGMA table_info('{table}')")}
    return known.issuperset(names)


def column(database: sqlite3.Connection, table: str, name: str, *, alias: str, absent: str) -> str:
    """A column as a query selects it: what stands for it where this version has none."""
    there = has_columns(database, table, name)
    return f"{alias}.{name} AS {name}" if there else f"{absent} AS {name}"
