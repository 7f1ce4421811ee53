"""Plays, skips, likes and ratings of the server's listeners, and their conversion to plays.

Each is stored in the server's own file at once, and copied to the plays of the workspace, for
the next `run`, as soon as no other process writes there.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

from audiorec.data.server.store import FILE, ServerStore
from audiorec.workspace import Workspace

if TYPE_CHECKING:
    import polars as pl

# Imports in functions: polars, only if there is something to convert.

SOURCE = "server"
PART = "part-server.parquet"
SCHEMA = """
CREATE TABLE IF NOT EXISTS listening (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, user TEXT NOT NULL, track_id TEXT NOT NULL,
    kind TEXT NOT NULL, at INTEGER, rating REAL
);
CREATE TABLE IF NOT EXISTS opinions (
    user TEXT NOT NULL, track_id TEXT NOT NULL, liked INTEGER NOT NULL, stars INTEGER NOT NULL,
    starred_at INTEGER, PRIMARY KEY (user, track_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS stars (
    user TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (user, kind, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS play_counts (
    user TEXT NOT NULL, track_id TEXT NOT NULL, plays INTEGER NOT NULL, last INTEGER NOT NULL,
    PRIMARY KEY (user, track_id)
) WITHOUT ROWID;
"""


def listening_store(workspace: Workspace) -> ServerStore:
    """Open the server's file of a workspace, with the tables of listening."""
    store = ServerStore(workspace.root / FILE)
    store.ensure(SCHEMA)
    return store


def is_pending(store: ServerStore) -> bool:
    """Whether there is listening that is not yet in the plays."""
    with store.reading() as connection:
        return connection.execute("SELECT 1 FROM listening LIMIT 1").fetchone() is not None


def store_server_plays(workspace: Workspace, store: ServerStore | None = None) -> int:
    """Copy the server's listening to the workspace's plays.

    Parameters
    ----------
    workspace : Workspace
        Locked for writing.
    store : ServerStore, optional
        If it is open already.

    Returns
    -------
    count : int
        Number of copied events. If killed between the two files, the next call copies them again,
        and none counts twice.
    """
    if store is None:
        if not (workspace.root / FILE).exists():
            return 0
        store = listening_store(workspace)
        try:
            return store_server_plays(workspace, store)
        finally:
            store.close()
    with store.reading() as connection:
        rows = connection.execute(
            "SELECT seq, user, track_id, kind, at, rating FROM listening ORDER BY seq"
        ).fetchall()
    if not rows:
        return 0
    _store_plays(workspace, rows)
    with store.writing() as connection:
        connection.execute("DELETE FROM listening WHERE seq <= ?", [rows[-1][0]])
    return len(rows)


def _store_plays(workspace: Workspace, rows: list[tuple[Any, ...]]) -> None:
    import polars as pl

    from audiorec.data.histories.imported_frame import OPTIONAL
    from audiorec.data.histories.imported_frame import SCHEMA as COLUMNS
    from audiorec.data.plays import stored_names, writing_plays
    from audiorec.data.plays.writer import FEEDBACK

    names = stored_names({row[1] for row in rows}, workspace=workspace)
    schema = {**COLUMNS, **OPTIONAL}
    none = dict.fromkeys(schema)
    plays = [
        none | {"user_id": names[user], "track_id": track, "plays": 1.0, "timestamp": at,
                "skipped": float(kind == "skip")}
        for _, user, track, kind, at, _ in rows
        if kind != "rating"
    ]  # fmt: skip
    ratings = {(names[user], track): rating for _, user, track, kind, _, rating in rows
               if kind == "rating"}  # fmt: skip
    said = [
        none | {"user_id": user, "track_id": track, "plays": 0.0, "rating": rating}
        for (user, track), rating in ratings.items()
    ]
    with writing_plays(workspace.plays) as writer:
        if plays:
            stored = _frame(writer, PART, schema)
            frame = pl.concat([stored, pl.DataFrame(plays, schema)])
            frame = frame.unique(["user_id", "track_id", "timestamp"], keep="first",
                                 maintain_order=True)  # fmt: skip
            writer.drop(PART)
            writer.put(PART, frame, source=SOURCE, file="")
        if said:
            new = pl.DataFrame(said, schema)
            rest = _frame(writer, FEEDBACK, schema).join(
                new, on=["user_id", "track_id"], how="anti", maintain_order="left"
            )
            frame = pl.concat([rest, new.filter(pl.col("rating").is_not_null())])
            writer.drop(FEEDBACK)
            if len(frame):
                writer.put(FEEDBACK, frame, source="feedback", file="")
        writer.commit()


def _frame(writer: Any, part: str, schema: dict[str, Any]) -> pl.DataFrame:
    import polars as pl

    return writer.frame(part) if part in writer.parts else pl.DataFrame(schema=schema)


def add_event(
    connection: sqlite3.Connection,
    user: str,
    track_id: str,
    *,
    kind: str,
    at: int | None = None,
    rating: float | None = None,
) -> None:
    """Record a ``"play"``, ``"skip"`` or ``"rating"`` (None withdraws) for `store_server_plays`."""
    connection.execute(
        "INSERT INTO listening (user, track_id, kind, at, rating) VALUES (?, ?, ?, ?, ?)",
        [user, track_id, kind, at, rating],
    )
