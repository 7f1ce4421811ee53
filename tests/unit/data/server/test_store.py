"""The server's file: durable, and read as it stands where nothing can be written."""

from __future__ import annotations

import sqlite3

import pytest

from audiorec.data.server import ServerStore, forget_listener, listening_store, store_server_plays
from audiorec.data.server.store import FILE
from audiorec.exceptions import WorkspaceError
from audiorec.workspace import Workspace

QUEUE = "CREATE TABLE IF NOT EXISTS queue (user TEXT, track_id TEXT);"
STARS = "CREATE TABLE IF NOT EXISTS stars (user TEXT, track_id TEXT);"


def opened(path, *schemas):
    store = ServerStore(path)
    for schema in schemas:
        store.ensure(schema)
    return store


def write(store, *rows):
    with store.writing() as connection:
        connection.executemany("INSERT INTO queue VALUES (?, ?)", rows)


def read(store, table="queue"):
    with store.reading() as connection:
        return connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()


@pytest.fixture
def path(tmp_path):
    store = opened(tmp_path / FILE, QUEUE)
    write(store, ("me", "t1"))
    store.close()
    return tmp_path / FILE


def test_where_nothing_can_be_written_it_is_read_as_it_stands(path, full_disk):
    """Tables that are not in it yet are empty."""
    store = opened(path, QUEUE, STARS)
    with full_disk():
        assert read(store) == [("me", "t1")] and read(store, "stars") == []
        with pytest.raises(WorkspaceError, match=r"server.sqlite cannot be written: .*; nothing"):
            write(store, ("me", "t2"))
        assert read(store) == [("me", "t1")]
    write(store, ("me", "t3"))
    assert read(store) == [("me", "t1"), ("me", "t3")]
    store.close()


def test_what_fails_has_not_happened(path):
    store = opened(path, QUEUE)
    with pytest.raises(KeyError), store.writing() as connection:
        connection.execute("INSERT INTO queue VALUES ('me', 't9')")
        raise KeyError
    with pytest.raises(WorkspaceError, match="no such table: polka; nothing was stored"):
        write_polka(store)
    assert read(store) == [("me", "t1")]
    store.close()


def write_polka(store):
    with store.writing() as connection:
        connection.execute("INSERT INTO polka VALUES (1)")


@pytest.mark.parametrize("content", [b"no database" * 99, b"SQLite format 3\0" + b"x" * 999])
def test_a_damaged_file_is_named(path, content):
    path.write_bytes(content)
    store = opened(path, QUEUE)
    for _ in range(2):
        with pytest.raises(
            WorkspaceError, match=r"cannot be read: .*; move it away, and the server makes a new"
        ):
            read(store)
    assert path.read_bytes() == content
    path.rename(path.with_name("away"))
    assert read(store) == []
    write(store, ("me", "t1"))
    assert read(store) == [("me", "t1")]
    store.close()


def test_a_file_that_is_moved_away_is_begun_anew(path):
    store = opened(path, QUEUE)
    write(store, ("me", "t2"))
    path.rename(path.with_name("away"))
    write(store, ("me", "t3"))
    assert read(store) == [("me", "t3")]
    store.close()
    gone = opened(path.parent / "nowhere" / FILE, QUEUE)
    with pytest.raises(WorkspaceError, match="there is no folder .*nowhere"):
        write(gone, ("me", "t1"))


def test_a_listener_is_forgotten_in_every_table(path):
    store = opened(path, QUEUE, STARS, "CREATE TABLE IF NOT EXISTS other (name TEXT);")
    write(store, ("you", "t1"), ("you", "t2"))
    with store.writing() as connection:
        connection.execute("INSERT INTO stars VALUES ('you', 't7')")
        connection.execute("INSERT INTO other VALUES ('you')")
    store.close()
    assert forget_listener(path, "you") == 3 and forget_listener(path, "you") == 0
    assert sqlite3.connect(path).execute("SELECT * FROM queue").fetchall() == [("me", "t1")]
    assert forget_listener(path.with_name("none"), "you") == 0


def test_nothing_was_listened_to(tmp_path):
    workspace = Workspace(tmp_path / "ws")
    workspace.create()
    assert store_server_plays(workspace) == 0
    store = listening_store(workspace)
    with store.writing():
        pass
    assert store_server_plays(workspace, store) == 0
    store.close()
    assert store_server_plays(workspace) == 0 and not workspace.plays.exists()
