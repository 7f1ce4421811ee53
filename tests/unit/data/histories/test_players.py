"""What players and media servers keep, traps included."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time

import pytest

from audiorec.data.histories import jspf
from audiorec.data.histories.itunes import location
from audiorec.data.histories.jellyfin import split_name
from audiorec.data.plays import load_plays
from audiorec.exceptions import DataError


@pytest.fixture
def rows(tmp_path):
    """Stored rows of a listener: track, plays, skipped and rating, by track."""

    def read(user="me"):
        frame = load_plays(tmp_path / "plays")
        frame = frame.filter(frame["user_id"] == user).sort("track_id", "timestamp")
        columns = ("track_id", "plays", "skipped", "rating")
        return [tuple(row) for row in frame.select(columns).iter_rows()]

    return read


@pytest.fixture
def in_berlin(monkeypatch):
    """This machine's clock shows the time of Berlin."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Europe/Berlin")
        time.tzset()
        yield
    time.tzset()


def change(file, statements):
    """Change a database."""
    database = sqlite3.connect(file)
    database.executescript(statements)
    database.close()


def test_rockbox(fixture, listens, in_berlin):
    """Local time, a player without a clock, a file without tags, remarks, a line cut off."""
    found, left, source = listens(fixture("rockbox"))
    assert source == "rockbox"
    assert [listen.timestamp for listen in found] == [
        1668000000 - 3600, 1668000400 - 3600, None, 1668001000 - 3600,
    ]  # fmt: skip
    assert [listen.skipped for listen in found] == [False, True, False, False]
    assert (found[3].artist, found[3].path) == ("", "idioteque.wav")
    assert left == {"lines of another shape": 1, "plays without a clock, counted without a time": 1}


def test_rockbox_in_utc(fixture, listens, in_berlin):
    file = fixture("rockbox") / ".scrobbler.log"
    file.write_text(file.read_text().replace("#TZ/UNKNOWN", "#TZ/UTC").replace("1.1", "1.0"))
    assert listens(file)[0][0].timestamp == 1668000000


def test_rockbox_that_names_no_zone(fixture, listens, in_berlin):
    file = fixture("rockbox") / ".scrobbler.log"
    file.write_text(file.read_text().replace("#TZ/UNKNOWN\n", ""))
    assert listens(file)[0][0].timestamp == 1668000000 - 3600


def test_rockbox_ids(fixture, listens):
    """An id of MusicBrainz, which other players write; a byte-order mark of an editor."""
    file = fixture("rockbox") / ".scrobbler.log"
    id_ = "11111111-0000-4000-8000-000000000001"
    lines = file.read_text().replace("1668000000\t", f"1668000000\t{id_.upper()}")
    file.write_text(lines, encoding="utf-8-sig")
    assert [listen.recording_mbid for listen in listens(file)[0]] == [id_, "", "", ""]


def test_rockbox_plays(fixture, imported, rows):
    imported(fixture("rockbox"))
    assert rows() == [
        ("feeling-good", 1, 0, None),
        ("here-comes-the-sun", 1, 0, None),
        ("joga", 1, 1, None),
        ("name:idiotequewav", 1, 0, None),
    ]


def test_itunes(fixture, imported, listens, rows, tmp_path):
    """A computed rating is none; podcasts, films and what is off are left out; Windows paths."""
    _, left, source = listens(fixture("itunes"))
    assert source == "itunes"
    assert left == {
        "podcasts, audiobooks and videos": 2, "tracks that are switched off": 1,
        "tracks never played": 1,
    }  # fmt: skip
    (report,) = imported(tmp_path / "itunes")
    assert report.matched == {"path": 5, "name": 18}
    assert rows() == [
        ("feeling-good", 14, 2, 1.0),
        ("here-comes-the-sun", 3, 0, None),
        ("idioteque", 5, 0, None),
        ("joga", 0, 0, 1.0),
        ("name:stereolab and c - french disko", 3, 3, pytest.approx(-2 / 3)),
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("<key>Loved</key>", "<key>Favorited</key>", 1.0),
        ("<key>Loved</key>", "<key>Disliked</key>", -1.0),
        ("<key>Artist</key><string>Björk", "<key>Album Artist</key><string>Björk", 1.0),
        ("<key>Loved</key>", "<key>Kind</key><string>MPEG-4 video</string><key>Loved</key>", None),
    ],
)
def test_itunes_of_other_years(fixture, imported, rows, old, new, expected):
    """Loves have two names; an artist may stand for the album alone; a clip says it by its kind."""
    file = fixture("itunes") / "Library.xml"
    library = file.read_text(encoding="utf-8")
    assert old in library
    file.write_text(library.replace(old, new), encoding="utf-8")
    imported(file)
    assert {track: rating for track, *_, rating in rows()}.get("joga") == expected


def test_addresses_of_files():
    assert location("file://localhost/C:/Some%20one/%C3%BC.mp3") == "C:/Some one/ü.mp3"
    assert location("file:///Users/x/a%231.mp3") == "/Users/x/a#1.mp3"
    assert location("http://radio.example/stream") == ""
    assert location("file://[") == "" and location(7) == ""


def test_foobar2000(fixture, imported, listens, rows, tmp_path):
    _, left, source = listens(fixture("foobar2000"))
    assert source == "foobar2000"
    assert left == {"tracks never played": 1, "entries without a file": 1}
    (report,) = imported(tmp_path / "foobar2000")
    assert report.matched == {"path": 7}
    assert rows() == [("feeling-good", 7, 0, 1.0), ("name:french disko", 2, 0, None)]


def test_foobar2000_addresses_are_percent_coded(fixture, listens):
    file = next(fixture("foobar2000").glob("*.xml"))
    coded = file.read_text(encoding="utf-8").replace("Nina Simone", "Nina%20Simone")
    file.write_text(coded, encoding="utf-8")
    assert "Nina Simone" in listens(file)[0][0].path


def test_foobar2000_names_with_a_number_sign(fixture, listens):
    file = next(fixture("foobar2000").glob("*.xml"))
    content = file.read_text(encoding="utf-8").replace("04 Feeling", "#4 Feeling")
    file.write_text(content, encoding="utf-8")
    assert listens(file)[0][0].path.endswith("/#4 Feeling Good.wav")


@pytest.mark.parametrize("name", ["playcount", "play_count"])
def test_mpd_names_of_other_clients(fixture, imported, rows, name):
    folder = fixture("mpd")
    change(folder / "sticker.db", f"UPDATE sticker SET name = '{name}' WHERE name = 'playCount'")
    imported(folder)
    assert rows()[0] == ("feeling-good", 8, 0, None)


def test_mpd(fixture, imported, rows):
    """Values are text, perhaps no number; a playlist's stickers are none of a song."""
    (report,) = imported(fixture("mpd"))
    assert report.source == "mpd" and report.left_out["tracks never played"] == 2
    assert rows() == [
        ("feeling-good", 8, 0, None), ("joga", 3, 3, -1.0), ("name:french disko", 2, 0, 1.0),
    ]  # fmt: skip


def test_beets(fixture, imported, rows):
    """Paths are bytes, of any encoding."""
    (report,) = imported(fixture("beets"))
    assert report.source == "beets" and report.matched == {"path": 10, "name": 1}
    assert rows() == [
        ("feeling-good", 10, 1, None),
        ("joga", 0, 0, pytest.approx(-0.8)),
        ("name:stereolab - french disko", 2, 0, None),
    ]


def test_beets_ids(fixture, listens):
    folder = fixture("beets")
    id_ = "11111111-0000-4000-8000-000000000001"
    change(folder / "library.db", f"UPDATE items SET mb_trackid = '{id_}' WHERE id = 1")
    assert [listen.recording_mbid for listen in listens(folder)[0]] == [id_, "", ""]


def test_playlists(fixture, imported, rows):
    reports = imported(fixture("xspf"), fixture("jspf"))
    assert [report.source for report in reports] == ["xspf", "jspf"]
    assert [report.left_out for report in reports] == [
        {"entries without a title or a file": 1}, {"entries without a title or a file": 2},
    ]  # fmt: skip
    assert reports[1].matched == {"MusicBrainz id": 2}
    tracks = ["feeling-good", "joga", "name:stereolab - french disko"]
    assert [row[0] for row in rows("evening")] == tracks == [row[0] for row in rows("morning")]


def test_navidrome(fixture, imported, rows):
    """Scrobbles win over the count, half a minute apart they are one; albums are no tracks."""
    (report,) = imported(fixture("navidrome"))
    assert report.source == "navidrome" and report.users == ("anna", "ben")
    assert report.left_out["plays of files that the server has no more"] == 1
    assert rows("anna") == [
        ("feeling-good", 1, 0, None), ("feeling-good", 1, 0, None), ("joga", 4, 0, 1.0),
    ]  # fmt: skip
    assert rows("ben") == [
        ("joga", 1, 0, pytest.approx(-2 / 3)), ("name:stereolab - french disko", 6, 0, 0.0),
    ]  # fmt: skip


@pytest.mark.parametrize("column", ["path", "mbz_recording_id", "mbz_track_id"])
def test_navidrome_matches_by_more_than_names(fixture, imported, rows, column):
    """The path, or an id under either of its names, where the tags say something else."""
    folder = fixture("navidrome")
    statements = "UPDATE media_file SET title = 'Track 2', artist = '' WHERE id = 'm2';"
    if column == "mbz_track_id":
        statements += "ALTER TABLE media_file ADD COLUMN mbz_track_id TEXT DEFAULT '';"
    if column != "path":
        id_ = "11111111-0000-4000-8000-000000000002"
        statements += f"UPDATE media_file SET path = 'x', {column} = '{id_}' WHERE id = 'm2';"
    change(folder / "navidrome.db", statements)
    imported(folder)
    assert ("joga", 4, 0, 1.0) in rows("anna")


def test_navidrome_of_before_scrobbles(fixture, listens):
    folder = fixture("navidrome")
    change(
        folder / "navidrome.db",
        "DROP TABLE scrobbles; ALTER TABLE media_file DROP COLUMN mbz_recording_id;"
        "ALTER TABLE media_file ADD COLUMN mbz_track_id TEXT DEFAULT '';",
    )
    found, _, source = listens(folder)
    assert source == "navidrome" and {listen.timestamp for listen in found} == {None}


def test_one_listener_of_several(fixture, imported, rows, tmp_path):
    (report,) = imported(fixture("navidrome"), user="ben")
    assert report.users == ("ben",) and rows("anna") == []
    from audiorec.exceptions import DataError

    with pytest.raises(
        DataError, match=r"2 listeners, and 'carl' is none of them; name one of anna"
    ):
        imported(tmp_path / "navidrome", user="carl")


def test_jellyfin(fixture, imported, listens, rows, in_berlin, tmp_path):
    found, left, source = listens(fixture("jellyfin"))
    assert source == "jellyfin" and left == {"videos": 1, "rows without a title": 1}
    assert found[0].timestamp == 1688241600 - 2 * 3600, "the server's own time"
    assert not any("Living room" in str(listen) for listen in found)
    (report,) = imported(tmp_path / "jellyfin")
    assert report.users == ("me",), "one listener is the one who imports"
    assert rows() == [
        ("feeling-good", 1, 0, None), ("joga", 1, 1, None),
        ("name:stereolab - french disko", 1, 0, None),
    ]  # fmt: skip


def test_jellyfin_listeners(fixture, imported):
    """By their numbers, since the database has no names of them."""
    folder = fixture("jellyfin")
    statement = "UPDATE PlaybackActivity SET UserId = 'u2' WHERE ItemId = 'i4'"
    change(folder / "playback_reporting.db", statement)
    (report,) = imported(folder)
    assert report.users == ("u1", "u2")


def test_jellyfin_with_pauses(fixture, listens):
    """Newer databases have how long it stood still, which is none of what was played."""
    folder = fixture("jellyfin")
    change(
        folder / "playback_reporting.db",
        "ALTER TABLE PlaybackActivity ADD COLUMN PauseDuration INT;"
        "UPDATE PlaybackActivity SET PauseDuration = 157 WHERE ItemId = 'i1';",
    )
    found, _, _ = listens(folder)
    assert {listen.seconds for listen in found if listen.title == "Feeling Good"} == {20.0}


def test_names_of_jellyfin():
    assert split_name("A - B (C)") == ("A", "B", "C")
    assert split_name("A - B (C (D))") == ("A", "B", "C (D)")
    assert split_name("A - B - C (D)") == ("A", "B - C", "D")
    assert split_name("Alone") == ("", "Alone", "")
    assert split_name("Not Known - Not Known (Not Known)") == ("", "", "")


def test_plex(fixture, imported, rows):
    """Times are numbers or text; a film is no track; counts yield to views, ratings do not."""
    (report,) = imported(fixture("plex"))
    assert report.source == "plex" and report.left_out["videos"] == 1
    assert sorted(rows("anna"), key=str) == [
        ("feeling-good", 0, None, 1.0), ("feeling-good", 1, 0, None),
        ("name:stereolab - french disko", 1, 0, None),
    ]  # fmt: skip
    assert sorted(rows("ben"), key=str) == [
        ("joga", 0, None, pytest.approx(-2 / 3)), ("joga", 1, 0, None),
        ("one-more-time", 6, 0, None),  # its views were cleared; the library names it
    ]  # fmt: skip


def test_plex_accounts_without_a_name(fixture, imported):
    folder = fixture("plex")
    change(folder / "com.plexapp.plugins.library.db", "UPDATE accounts SET name = '' WHERE id = 2")
    (report,) = imported(folder)
    assert report.users == ("2", "anna")


@pytest.mark.parametrize("table", ["accounts", "metadata_item_settings", "metadata_items"])
def test_plex_without_a_table(fixture, listens, table):
    folder = fixture("plex")
    change(folder / "com.plexapp.plugins.library.db", f"DROP TABLE {table}")
    found, _, _ = listens(folder)
    assert sum(listen.timestamp is not None for listen in found) == 3


def test_plex_counts_of_skips(fixture, listens):
    found, _, _ = listens(fixture("plex"))
    assert [(listen.title, listen.skips) for listen in found if listen.skips] == [("Jóga", 2.0)]


def test_a_database_in_use(fixture, listens, tmp_path):
    """What its program has yet to write lies beside it; a lock on it is no hindrance."""
    folder = fixture("mpd")
    file = folder / "sticker.db"
    writer = sqlite3.connect(file, isolation_level=None)
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("INSERT INTO sticker VALUES ('song', 'new.flac', 'playCount', '1')")
    writer.execute("BEGIN EXCLUSIVE")
    try:
        before = sorted(path.name for path in folder.iterdir())
        for path in (file, folder):
            found, _, _ = listens(path)
            assert any(listen.path == "new.flac" for listen in found)
        assert sorted(path.name for path in folder.iterdir()) == before, "nothing is written there"
        alone = tmp_path / "alone.db"
        shutil.copyfile(file, alone)
        assert not any(listen.path == "new.flac" for listen in listens(alone)[0])
    finally:
        writer.close()


def test_rockbox_lines_without_a_title(fixture, listens):
    log = fixture("rockbox") / ".scrobbler.log"
    n = len(listens(log)[0])
    with log.open("a", encoding="utf-8") as stream:
        stream.write("Björk\tHomogenic\t\t2\t305\tL\t1668000000\t\n")
    found, left, _ = listens(log)
    assert len(found) == n and left["rows without a title"] == 1


def test_itunes_tracks_without_a_name(fixture, listens):
    library = fixture("itunes") / "Library.xml"
    content = library.read_text(encoding="utf-8")
    n = len(listens(library)[0])
    library.write_text(content.replace("<key>Name</key><string>Jóga", "<key>Name</key><string>"))
    found, left, _ = listens(library)
    assert len(found) == n - 1 and left["rows without a title"] == 1


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("PlayDuration", "-1", "rows that cannot be read"),
        ("PlayDuration", "'long'", "rows that cannot be read"),
        ("DateCreated", "'once'", "plays at an impossible time"),
    ],
)
def test_jellyfin_values_that_are_none(fixture, listens, column, value, said):
    folder = fixture("jellyfin")
    statement = f"UPDATE PlaybackActivity SET {column} = {value} WHERE ItemId = 'i2'"
    change(folder / "playback_reporting.db", statement)
    found, left, _ = listens(folder)
    assert [listen.title for listen in found] == ["Feeling Good", "French Disko"]
    assert left[said] == 1


@pytest.mark.parametrize("encoding", ["of-nobody", "utf-7"])
def test_playlists_in_an_encoding_that_nobody_reads(fixture, listens, encoding):
    playlist = fixture("xspf") / "evening.xspf"
    content = playlist.read_text(encoding="utf-8")
    playlist.write_text(content.replace('encoding="UTF-8"', f'encoding="{encoding}"'))
    with pytest.raises(DataError, match=r"evening.xspf is no XML \(.*encoding.*\); export it"):
        listens(playlist)


def test_jspf_with_several_addresses(tmp_path, listens):
    """The first counts; an empty list is no address."""
    tracks = [
        {"location": ["file:///m/a.mp3", "file:///m/b.mp3"]},
        {"location": [], "title": "Jóga"},
        {"location": []},
    ]
    file = tmp_path / "x.jspf"
    file.write_text(json.dumps({"playlist": {"track": tracks}}))
    found, left, _ = listens(file)
    assert [(listen.path, listen.title) for listen in found] == [("/m/a.mp3", "a"), ("", "Jóga")]
    assert sum(left.values()) == 1


def test_a_jspf_that_is_too_large(tmp_path, listens, monkeypatch):
    monkeypatch.setattr(jspf, "MAX_VALUE", 40)
    file = tmp_path / "x.jspf"
    file.write_text(json.dumps({"playlist": {"track": [{"title": "x" * 40}]}}))
    with pytest.raises(DataError, match=r"x.jspf is larger than 64 MB; export it in parts"):
        listens(file, "jspf")
