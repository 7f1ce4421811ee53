from __future__ import annotations

import sqlite3

import pytest

from audiorec.data.catalog import schema
from audiorec.data.catalog.database import Catalog, Failure, Track
from audiorec.data.catalog.row_mapping import OWN_COLUMNS
from audiorec.exceptions import WorkspaceError

OLD = Track("t1", "/m/joga.mp3", "Björk", "Jóga", "Homogenic", 1997, "pop", 3.5, 44100, 2, "mp3")


@pytest.fixture
def old(tmp_path):
    """A catalogue as the first version wrote it."""
    file = tmp_path / "catalog.sqlite"
    database = sqlite3.connect(file)
    database.executescript(schema.MIGRATIONS[0])
    row = (
        *(getattr(OLD, name) for name in OWN_COLUMNS),
        *(7, 8, '{"artist": "Björk"}', "björk - jóga", "jóga"),
    )
    database.execute(f"INSERT INTO tracks VALUES ({', '.join('?' * len(row))})", row)
    database.execute("INSERT INTO failures VALUES ('/m/x', 'scan', 'is torn', 5, 6)")
    database.execute("INSERT INTO staged VALUES ('/m/y', 1, 2, '{\"title\": \"y\"}')")
    database.execute("PRAGMA user_version = 1")
    database.commit()
    database.close()
    return file


def version(file):
    database = sqlite3.connect(file)
    found = database.execute("PRAGMA user_version").fetchone()[0]
    database.close()
    return found


def test_a_migration_loses_nothing(old):
    for _ in range(2):  # and is done once
        with Catalog(old) as catalog:
            row = catalog.file_rows()[0]
            assert (row.track, row.size, row.mtime_ns) == (OLD, 7, 8)
            assert row.manifest_values == {"artist": "Björk"}
            assert catalog.find("Björk - Jóga") == OLD
            assert catalog.failures() == [Failure("/m/x", "scan", "is torn")]
            assert catalog.staged() == {"/m/y": (1, 2, {"title": "y"})}
            assert catalog.tags.of(["t1"])["t1"][0].tag == "pop"
    assert version(old) == schema.SCHEMA_VERSION


def test_an_old_catalogue_is_read_as_it_is(old):
    before = old.read_bytes()
    with Catalog(old, read_only=True) as catalog:
        assert catalog.tracks() == [OLD]
        assert catalog.tags.n_untagged() == 1
        assert catalog.tags.having("POP") == {"t1"}
    assert old.read_bytes() == before


def test_a_migration_that_fails_leaves_the_old_catalogue(old, monkeypatch):
    broken = (schema.MIGRATIONS[0], schema.MIGRATIONS[1] + "CREATE TABLE tracks (x);")
    monkeypatch.setattr(schema, "MIGRATIONS", broken)
    with pytest.raises(WorkspaceError, match="already exists"):
        Catalog(old)
    assert version(old) == 1
    monkeypatch.undo()
    with Catalog(old) as catalog:
        assert catalog.tracks() == [OLD]


def test_a_new_catalogue_and_a_migrated_one_have_the_same_tables(old, tmp_path):
    Catalog(old).close()
    Catalog(tmp_path / "new.sqlite").close()
    tables = []
    for file in (old, tmp_path / "new.sqlite"):
        database = sqlite3.connect(file)
        tables.append(database.execute("SELECT name, sql FROM sqlite_master ORDER BY 1").fetchall())
        database.close()
    assert tables[0] == tables[1]
