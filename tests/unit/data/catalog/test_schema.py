from __future__ import annotations

import json
import sqlite3
import subprocess
import sys

import numpy as np
import pytest

from audiorec.artifacts import digest_file
from audiorec.data.catalog import Catalog, Failure, Track, schema
from audiorec.data.catalog.row_mapping import OWN_COLUMNS
from audiorec.data.names import strip_accents
from audiorec.exceptions import WorkspaceError

OLD = Track("t1", "/m/joga.mp3", "Björk", "Jóga", "Homogenic", 1997, "pop", 3.5, 44100, 2, "mp3")


def write_old(file, version):
    """Write a catalogue as a version of before wrote it."""
    database = sqlite3.connect(file)
    database.create_function("bare", 1, strip_accents)
    for migration in schema.MIGRATIONS[:version]:
        database.executescript(migration)
    row = (
        *(getattr(OLD, name) for name in OWN_COLUMNS),
        *(7, 8, '{"artist": "Björk"}', "björk - jóga", "jóga"),
    )
    database.execute(f"INSERT INTO tracks VALUES ({', '.join('?' * len(row))})", row)
    database.execute("INSERT INTO failures VALUES ('/m/x', 'scan', 'is torn', 5, 6)")
    database.execute("INSERT INTO staged VALUES ('/m/y', 1, 2, '{\"title\": \"y\"}')")
    database.execute(f"PRAGMA user_version = {version}")
    if version > 1:
        features = np.arange(3, dtype="<f4").tobytes()
        database.execute("INSERT INTO heard VALUES ('t1', 'net', '', ?)", [features])
    database.commit()
    database.close()
    return file


@pytest.fixture
def old(tmp_path):
    return write_old(tmp_path / "catalog.sqlite", 1)


@pytest.fixture
def of_0_2_0(tmp_path):
    """A catalogue of version 5, and its checksum by the name it had then."""
    file = write_old(tmp_path / "catalog.sqlite", 5)
    checksum = {"size": file.stat().st_size, "digest": digest_file(file)}
    file.with_name("catalog.sqlite.seal").write_text(json.dumps(checksum))
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


def check_renamed(catalog):
    assert catalog.staged() == {"/m/y": (1, 2, {"title": "y"})}
    assert catalog.tags.untagged("net") == [] and catalog.tags.n_untagged() == 0
    [(track_id, clip_hash, features)] = catalog.tags.features("net")
    assert (track_id, clip_hash, features.tolist()) == ("t1", "", [0, 1, 2])


def test_renamed_tables_are_read_by_either_name_and_lose_nothing(of_0_2_0):
    with Catalog(of_0_2_0, read_only=True) as catalog:
        check_renamed(catalog)
        catalog.check()
    assert version(of_0_2_0) == 5
    Catalog(of_0_2_0).close()
    assert version(of_0_2_0) == schema.SCHEMA_VERSION
    with Catalog(of_0_2_0, read_only=True) as catalog:
        check_renamed(catalog)


def test_a_checksum_of_an_older_name_counts_until_the_catalogue_is_written(of_0_2_0):
    whole, names = of_0_2_0.read_bytes(), lambda: {file.name for file in of_0_2_0.parent.iterdir()}
    of_0_2_0.write_bytes(whole.replace("Jóga".encode(), "Jüga".encode()))
    with (
        Catalog(of_0_2_0, read_only=True) as catalog,
        pytest.raises(WorkspaceError, match=r"remove catalog\.sqlite\.seal"),
    ):
        catalog.check()
    of_0_2_0.write_bytes(whole)
    with Catalog(of_0_2_0) as catalog:
        catalog.mark_missing(["t1"])
    assert names() == {"catalog.sqlite", "catalog.sqlite.checksum"}
    with Catalog(of_0_2_0, read_only=True) as catalog:
        catalog.check()


# Ends the process, as a kill would, when the migration comes to a statement.
KILLED = """
import os, sys
from pathlib import Path
from audiorec.data.catalog import database, schema

connect = schema._connect

def killed(name):
    if sys.argv[2] in name:
        os._exit(9)

def connected(*args, **kwargs):
    connection = connect(*args, **kwargs)
    connection.set_trace_callback(killed)
    return connection

schema._connect = connected
database.Catalog(Path(sys.argv[1]))
"""


@pytest.mark.parametrize("before", [1, 3, 5])
@pytest.mark.parametrize(
    "statement", ["TABLE heard RENAME", "RENAME COLUMN", "PRAGMA user_version =", "COMMIT"]
)
def test_a_migration_that_is_killed_is_done_by_the_next_that_opens(tmp_path, before, statement):
    file = write_old(tmp_path / "catalog.sqlite", before)
    done = subprocess.run([sys.executable, "-c", KILLED, str(file), statement], check=False)
    assert done.returncode == 9 and version(file) == before
    with Catalog(file, read_only=True) as catalog:
        assert catalog.tracks() == [OLD] and list(catalog.staged()) == ["/m/y"]
    with Catalog(file) as catalog:
        assert catalog.tracks() == [OLD]
        assert catalog.failures() == [Failure("/m/x", "scan", "is torn")]
        assert catalog.staged() == {"/m/y": (1, 2, {"title": "y"})}
        if before > 1:
            check_renamed(catalog)
        catalog.check()
    assert version(file) == schema.SCHEMA_VERSION


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
