from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audiorec.data.catalog import Catalog, FileRow, Track
from audiorec.exceptions import AmbiguousNameError, NotFoundError, WorkspaceError

from ....loaded_modules import modules_loaded_by

JOGA = Track(
    "t1", "/m/joga.mp3", "Björk", "Jóga", "Homogenic", 1997, "pop", 300.5, 44100, 2, "mp3", "h1"
)
ARMY = Track("t2", "/m/army.flac", "Björk", "Army of Me", clip_hash="h2")
SAME_A = Track("t3", "/m/same.ogg", "One", "Same Name", clip_hash="h3")
SAME_B = Track("t4", "/m/same2.ogg", "Two", "Same Name", clip_hash="h4")
COPY = Track("t5", "/m/copy.mp3", "Björk", "Jóga", clip_hash="h1")


@pytest.fixture
def catalog(tmp_path):
    with Catalog(tmp_path / "sub" / "catalog.sqlite") as catalog:
        catalog.upsert([SAME_B, ARMY, JOGA, SAME_A, COPY])
        yield catalog


@pytest.mark.parametrize("name", ["Various Artists", " VA", "Unknown", ""])
def test_tracks_under_a_name_that_is_no_artists_have_nothing_in_common(name, tmp_path):
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        for track_id in "ab":
            catalog.upsert(Track(track_id, f"/{track_id}.mp3", artist=name))
        assert len(set(catalog.artists().values())) == 2
        assert catalog.by_artist(name) == []


def test_tracks_come_back_as_they_were_and_in_order(catalog):
    assert catalog.tracks() == [JOGA, ARMY, SAME_A, SAME_B, COPY]
    assert len(catalog) == 5
    assert catalog.get("t1") == JOGA
    with pytest.raises(NotFoundError, match="unknown track 'nope'"):
        catalog.get("nope")


def test_what_is_taken_out_is_found_no_more(catalog):
    bare = Track("t6", "t6", "Sjón", "Luftgítar")
    catalog.upsert(bare)
    assert catalog.without_audio() == {"t6"}
    catalog.stage("/m/new.mp3", size=1, mtime_ns=2, reading={"clip_hash": "h"})
    catalog.remove(["t6", "t5", "none"])
    assert catalog.tracks() == [JOGA, ARMY, SAME_A, SAME_B] and not catalog.without_audio()
    assert list(catalog.staged()) == ["/m/new.mp3"]
    with pytest.raises(NotFoundError, match="no track is called 'Luftgitar'"):
        catalog.find("Luftgitar")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    track=st.builds(
        Track,
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1),
        *[st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))] * 4,
        st.none() | st.integers(-9999, 9999),
        st.text("abc"),
        st.floats(0, 1e6),
        st.integers(0, 10**6),
        st.integers(0, 99),
        st.text("abc"),
        st.text("abc"),
        st.booleans(),
    )
)
def test_any_text_round_trips(catalog, track):
    catalog.upsert(track)
    assert catalog.get(track.track_id) == track


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("t2", ARMY),
        ("/m/army.flac", ARMY),
        ("/m/../m/army.flac", ARMY),
        ("Björk - Army of Me", ARMY),
        ("bJÖRK  -  army OF me", ARMY),
        ("army of me", ARMY),
        ("bjork army of me", ARMY),
        ("Army of Mee", ARMY),
        ("Bjo\u0308rk - Army of Me", ARMY),
        ("Jóga", JOGA),  # its copy sounds the same to the sample: no question
    ],
)
def test_find(catalog, name, expected):
    assert catalog.find(name) == expected


def test_an_ambiguous_name_lists_the_candidates(catalog):
    with pytest.raises(AmbiguousNameError, match="'same name' could be 2 tracks") as caught:
        catalog.find("same name")
    assert [c.split()[0] for c in caught.value.candidates] == ["t3", "t4"]
    assert catalog.find("Two - Same Name") == SAME_B


@pytest.mark.parametrize("name", ["", "zzz", "army of ants", "\n", "a\0b", "\udcff.mp3"])
def test_an_unknown_name_is_one_line(catalog, name):
    with pytest.raises(NotFoundError) as caught:
        catalog.find(name)
    str(caught.value).encode()
    assert "\n" not in str(caught.value)


def test_a_near_miss_is_suggested(catalog):
    with pytest.raises(NotFoundError, match="did you mean 'Björk - Army of Me'"):
        catalog.find("army of ants bjork")


def test_exact_names_use_an_index(catalog):
    database = sqlite3.connect(catalog.path)
    plan = database.execute(
        "EXPLAIN QUERY PLAN SELECT * FROM tracks WHERE name_key = ?1 OR title_key = ?1", ["x"]
    ).fetchall()
    database.close()
    assert not any(row[3].startswith("SCAN") for row in plan)


def test_missing_tracks_stay(catalog):
    before = catalog.fingerprint()
    catalog.mark_missing(["t1"])
    assert len(catalog) == 4
    assert catalog.get("t1") == replace(JOGA, missing=True)
    assert [t.track_id for t in catalog.tracks(include_missing=True)] == [
        f"t{i}" for i in range(1, 6)
    ]
    assert catalog.find("Jóga") == COPY
    assert catalog.fingerprint() != before


def test_fingerprint_is_of_ids_and_sounds(catalog):
    before = catalog.fingerprint()
    catalog.upsert(replace(ARMY, path="/elsewhere", title="x"))
    assert catalog.fingerprint() == before
    catalog.upsert(replace(ARMY, clip_hash="other"))
    assert catalog.fingerprint() != before


def test_a_name_of_a_file_that_failed_says_why(catalog):
    reason = "/m/odd one.mp3 is odd; mend it"
    catalog.record_failure("/m/odd one.mp3", stage="scan", reason=reason)
    for name in ("odd one", "odd one.mp3", "/m/odd one.mp3"):
        with pytest.raises(NotFoundError, match=r"could not be read: .* is odd; .*--failures'"):
            catalog.find(name)
    with pytest.raises(NotFoundError, match=r"\(1 file could not be read: see .*--failures'\)"):
        catalog.find("nothing at all like it")


def test_duplicate_groups(catalog):
    assert catalog.duplicate_groups() == {"t1": 0, "t5": 0}


def test_failures(catalog):
    catalog.record_failure("/m/b.mp3", stage="scan", reason="is\nbad")
    catalog.record_failure("/m/a\udcff.mp3", stage="mel", reason="x", size=3, mtime_ns=4)
    catalog.record_failure("/m/b.mp3", stage="scan", reason="is worse")
    assert catalog.failures() == [("/m/a\\xff.mp3", "mel", "x"), ("/m/b.mp3", "scan", "is worse")]
    assert catalog.failed_states(stage="mel") == {"/m/a\\xff.mp3": (3, 4)}
    catalog.clear_failure("/m/b.mp3", stage="mel")
    assert len(catalog.failures()) == 2
    catalog.clear_failure("/m/b.mp3")
    assert len(catalog.failures()) == 1


def test_paths_can_be_swapped(catalog):
    catalog.replace(
        ["t1", "t2"],
        [FileRow(replace(JOGA, path=ARMY.path)), FileRow(replace(ARMY, path=JOGA.path))],
    )
    assert catalog.get("t1").path == ARMY.path and catalog.get("t2").path == JOGA.path


def test_a_failed_transaction_changes_nothing(catalog):
    with pytest.raises(ZeroDivisionError), catalog.transaction():
        catalog.upsert(replace(JOGA, title="other"))
        _ = 1 / 0
    assert catalog.get("t1") == JOGA


def test_reading_while_another_writes(catalog):
    with Catalog(catalog.path, read_only=True) as reader, catalog.transaction():
        catalog.upsert(Track("t9", "/m/9"))
        assert len(reader) == 5
    with Catalog(catalog.path, read_only=True) as reader:
        assert len(reader) == 6
        with pytest.raises(WorkspaceError, match="readonly"):
            reader.upsert(JOGA)


def test_no_catalogue(tmp_path):
    with pytest.raises(WorkspaceError, match="run 'audiorec scan' first"):
        Catalog(tmp_path / "none.sqlite", read_only=True)
    assert not list(tmp_path.iterdir())


def test_a_newer_catalogue(catalog):
    catalog.close()
    database = sqlite3.connect(catalog.path)
    database.execute("PRAGMA user_version = 99")
    database.close()
    for read_only in (False, True):
        with pytest.raises(WorkspaceError, match="version 99, newer than 6; upgrade"):
            Catalog(catalog.path, read_only=read_only)


@pytest.mark.parametrize(
    "content", [b"not a database at all" * 99, b"SQLite format 3\0" + b"x" * 9999]
)
def test_a_damaged_catalogue_stays_as_it_is(tmp_path, content):
    file = tmp_path / "catalog.sqlite"
    file.write_bytes(content)
    for read_only in (False, True):
        with pytest.raises(WorkspaceError, match="is damaged.*move it away"):
            Catalog(file, read_only=read_only)
    assert file.read_bytes() == content


def test_torn_pages_are_named(catalog):
    catalog.upsert([Track(f"x{i}", f"/x/{i}", title="t" * 200) for i in range(500)])
    catalog.close()
    content = bytearray(catalog.path.read_bytes())
    content[4096 * 3 :] = b"\xff" * (len(content) - 4096 * 3)
    catalog.path.write_bytes(content)
    with Catalog(catalog.path) as torn, pytest.raises(WorkspaceError, match="is damaged"):
        torn.tracks()


def test_the_catalogue_imports_nothing_heavy():
    loaded = modules_loaded_by("import audiorec.data.catalog.database")
    assert not loaded & {"torch", "librosa", "polars", "soundfile", "av"}


def test_every_byte_is_under_a_digest_once_all_is_written(tmp_path):
    path = tmp_path / "catalog.sqlite"
    with Catalog(path) as catalog:
        catalog.upsert([Track(f"t{n}", f"/{n}.mp3", title=f"Song {n}") for n in range(300)])
    whole, checksum = path.read_bytes(), tmp_path / "catalog.sqlite.checksum"
    assert checksum.exists()
    with Catalog(path, read_only=True) as catalog:
        catalog.check()
    for place in range(0, len(whole), 397):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << place % 8
        path.write_bytes(flipped)
        with pytest.raises(WorkspaceError), Catalog(path, read_only=True) as catalog:
            catalog.check()
    path.write_bytes(whole.replace(b"Song 7", b"Sing 7"))
    named = r"differs from its digest; remove catalog\.sqlite\.checksum .* move it away"
    with Catalog(path) as catalog, pytest.raises(WorkspaceError, match=named):
        catalog.upsert(Track("more", "/more.mp3"))  # nothing is written to what is damaged
    checksum.unlink()
    with Catalog(path) as catalog:  # changed by hand, and believed again
        catalog.upsert(Track("more", "/more.mp3"))
        assert not checksum.exists()  # killed here, there would be none
    assert checksum.exists()
    path.unlink()
    with Catalog(path) as catalog:
        catalog.upsert(Track("new", "/new.mp3"))
        catalog.check()


def test_an_artist_or_album_with_one_track_means_that_track(tmp_path):
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        catalog.upsert(
            [
                Track("a", "/m/a.mp3", "Britney Spears", "Toxic", album="In the Zone"),
                Track("b", "/m/b.mp3", "Other", "Song one", album="Two"),
                Track("c", "/m/c.mp3", "Other", "Song two", album="Two"),
            ]
        )
        assert catalog.find("britney spears").track_id == "a"
        assert catalog.find("In The Zone").track_id == "a"
        for name in ("Other", "Two", "\udcff"):
            with pytest.raises(NotFoundError):
                catalog.find(name)


def test_on_a_full_disk_an_own_catalogue_is_read_but_no_half_written_one(tmp_path, full_disk):
    """To read it, SQLite needs a file of 32 kB beside it; what its log holds is never left out."""
    path = tmp_path / "catalog.sqlite"
    with Catalog(path) as catalog:
        catalog.upsert(Track("t", "/t.mp3"))
    with full_disk(), Catalog(path, read_only=True) as catalog:
        assert len(catalog) == 1
    (tmp_path / "catalog.sqlite-wal").write_bytes(b"a log that was left behind")
    with (
        full_disk(),
        pytest.raises(WorkspaceError, match="cannot be used .*check its permissions and the"),
    ):
        Catalog(path, read_only=True)


def test_an_empty_catalogue_is_made_and_not_read(tmp_path):
    path = tmp_path / "catalog.sqlite"
    sqlite3.connect(path).execute("VACUUM").connection.close()
    path.touch()
    with pytest.raises(WorkspaceError, match=r"catalog.sqlite is empty; run 'audiorec scan' first"):
        Catalog(path, read_only=True)
    with Catalog(path) as catalog:
        assert len(catalog) == 0


def change_behind(catalog, *statements):
    """Change a catalogue's file as no `Catalog` does, and take its digest away."""
    catalog.close()
    for statement in statements:
        with contextlib.closing(sqlite3.connect(catalog.path)) as database, database:
            database.executescript(statement)
    catalog.path.with_name("catalog.sqlite.checksum").unlink()


def check_is_damaged(catalog):
    with (
        Catalog(catalog.path, read_only=True) as reader,
        pytest.raises(WorkspaceError, match="is damaged .*move it away and run 'audiorec scan'"),
    ):
        reader.check()


@pytest.mark.parametrize(
    "statement",
    ["UPDATE tracks SET given = '{' WHERE track_id = 't1'", "UPDATE staged SET reading = 'x'"],
)
def test_values_that_are_no_json_are_damage(catalog, statement):
    catalog.stage("/m/new.mp3", size=1, mtime_ns=2, reading={"clip_hash": "h"})
    change_behind(catalog, statement)
    check_is_damaged(catalog)


def test_an_index_that_does_not_fit_its_table_is_damage(catalog):
    """As a killed run with a broken disk may leave it, without a digest."""
    change_behind(
        catalog,
        "PRAGMA writable_schema = 1;"
        "DELETE FROM sqlite_master WHERE name = (SELECT name FROM sqlite_master"
        " WHERE type = 'index' AND tbl_name = 'tracks' AND sql <> '' LIMIT 1);",
        "UPDATE tracks SET title = 'x', artist = 'y', clip_hash = 'z'",
    )
    check_is_damaged(catalog)


def test_when_a_state_changed_is_learned_later(catalog):
    assert {row.ctime_ns for row in catalog.file_rows()} == {0}
    catalog.keep_change_times({"t1": 7, "t2": 8})
    catalog.keep_change_times({"t2": 9})
    kept = {row.track.track_id: row.ctime_ns for row in catalog.file_rows()}
    assert kept == {"t1": 7, "t2": 9, "t3": 0, "t4": 0, "t5": 0}
    assert catalog.get("t1") == JOGA
