"""What is stored of histories: once, under the right tracks, and never by half."""

from __future__ import annotations

import json

import polars as pl
import pytest

from audiorec import artifacts
from audiorec.data import add_history, find_tracks, import_plays, open_export
from audiorec.data.names import Matcher, Recording, TrackName
from audiorec.data.plays import (
    PlayedNames,
    all_played_tracks,
    assign_tracks,
    forget_user,
    give_feedback,
    list_parts,
    load_plays,
    pseudonym,
    read_corrections,
    rematch_names,
    remove_parts,
    unmatched_names,
    write_unmatched,
    writing_plays,
)
from audiorec.data.plays.play_and_skip_rules import merge_repeated_plays
from audiorec.exceptions import ArtifactError, DataError, NotFoundError, ParameterError
from audiorec.recommend import liked_tracks
from audiorec.workspace import Workspace

SONG = Recording("song", TrackName("X", "Song", "", 100.0))


def matcher(_: bool = False) -> Matcher:
    return Matcher([SONG])


@pytest.fixture
def store(tmp_path):
    return tmp_path / "plays"


@pytest.fixture
def take(tmp_path, store):
    """Imports files of Last.fm scrobbles and of counts, all at once."""

    def run(*files, user=None, commit=True, **how):
        with writing_plays(store, **how) as writer:
            reports = [
                add_history(
                    writer, *open_export(writer, tmp_path / file), user=user, matcher=matcher
                )
                for file in files
            ]
            if commit:
                writer.commit()
        return reports

    return run


@pytest.fixture
def scrobbles(tmp_path):
    """Writes scrobbles: artist, track, and seconds after one moment."""

    def write(name, *rows):
        lines = [f'"{1_700_000_000 + at}",,{artist},,,,"{track}",' for artist, track, at in rows]
        head = "uts,utc_time,artist,artist_mbid,album,album_mbid,track,track_mbid"
        (tmp_path / name).write_text("\n".join([head, *lines]) + "\n")
        return name

    return write


@pytest.fixture
def library(tmp_path):
    """Writes an iTunes library that has played the song so often."""

    def write(name, plays):
        keys = (
            f"<key>Track ID</key><integer>1</integer><key>Name</key><string>Song</string>"
            f"<key>Artist</key><string>X</string><key>Play Count</key><integer>{plays}</integer>"
        )
        (tmp_path / name).write_text(
            '<?xml version="1.0"?><plist version="1.0"><dict><key>Tracks</key><dict><key>1</key>'
            f"<dict>{keys}</dict></dict></dict></plist>"
        )
        return name

    return write


def rows(store):
    frame = load_plays(store).sort("user_id", "track_id", "timestamp")
    return frame.select("user_id", "track_id", "plays", "timestamp").rows()


def test_the_same_history_again_counts_once(take, scrobbles, store, tmp_path):
    name = scrobbles(
        "a.csv", ("X", "Song", 0), ("X", "Song", 30), ("X", "Song", 400), ("Y", "B", 0)
    )
    (first,) = take(name)
    assert (first.imported.rows, first.imported.duplicates) == (3, 1)
    before = rows(store)
    (again,) = take(name)
    assert again.imported.replaced == 3 and rows(store) == before
    (tmp_path / "copy.csv").write_bytes((tmp_path / name).read_bytes())
    take("copy.csv")
    assert rows(store) == before
    take(scrobbles("b.csv", ("X", "SONG - Remastered", 410), ("X", "Song", 900)))
    assert [time - 1_700_000_000 for *_, time in rows(store)] == [0, 0, 400, 900]


def test_counts_replace_their_last_and_yield_to_times(take, scrobbles, library, store):
    take(library("one.xml", 5))
    take(library("two.xml", 9))
    assert rows(store) == [("me", "song", 9.0, None)], "counts of one source are running sums"
    take(library("other.xml", 3), user="other")
    assert rows(store)[1] == ("other", "song", 3.0, None)
    take(scrobbles("a.csv", ("X", "Song", 0)))
    assert rows(store) == [("me", "song", 1.0, 1_700_000_000), ("other", "song", 3.0, None)]
    remove_parts(store, "lastfm")
    assert rows(store)[0] == ("me", "song", 9.0, None)


def test_tables_stay_as_they_are(take, scrobbles, store, tmp_path):
    """Rows of one's own table are never taken for one play of each other, nor yield."""
    table = tmp_path / "own.csv"
    table.write_text(
        "user_id,track_id,plays,timestamp\nme,song,1,1700000000\nme,song,1,1700000030\n"
        "you,song,1,1700000000\nyou,song,1,1700000030\nme,song,4,\n"
    )
    import_plays(store, table)
    take(scrobbles("a.csv", ("X", "Song", 10), ("X", "Song", 500)))
    assert [row for row in rows(store) if row[0] == "you"] == [
        ("you", "song", 1.0, 1700000000), ("you", "song", 1.0, 1700000030),
    ]  # fmt: skip
    assert sum(row[2] for row in rows(store) if row[0] == "me") == 1 + 1 + 4 + 1


def test_several_files_are_stored_at_once_or_not_at_all(take, scrobbles, store, tmp_path):
    take(scrobbles("a.csv", ("X", "Song", 0)))
    before = rows(store)
    (tmp_path / "bad.json").write_text('[{"msPlayed": 1}, {"msPlayed"')
    with pytest.raises(DataError, match=r"bad.json, line 1: is no JSON"):
        take(scrobbles("b.csv", ("Y", "B", 0)), "bad.json")
    assert rows(store) == before


def test_killed_before_its_end_nothing_has_changed(take, scrobbles, store, monkeypatch):
    take(scrobbles("a.csv", ("X", "Song", 0)))
    before = {path.name: path.read_bytes() for path in store.iterdir() if path.is_file()}

    class Killed(BaseException):
        pass

    def kill(*_, **__):
        raise Killed

    name = scrobbles("b.csv", ("Y", "B", 0))
    for step in ("put_file", "commit"):
        with monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr(artifacts, step, kill)
            take(name)
        assert rows(store) == [("me", "song", 1.0, 1_700_000_000)]
    left = {path.name: path.read_bytes() for path in store.iterdir() if path.name in before}
    assert left == before
    take(name)
    assert len(rows(store)) == 2


def test_what_is_in_no_catalogue_has_one_id_however_it_is_spelt(take, scrobbles, store):
    take(scrobbles("a.csv", ("The Z", "Ünknown - Live", 0), ("Z", "unknown (live)", 900)))
    assert all_played_tracks(store) == ["name:z - unknown (live)"]


def test_what_is_in_no_catalogue_is_named_as_it_was_heard(take, scrobbles, store):
    take(scrobbles("a.csv", ("The Z", "Ünknown - Live", 0), ("X", "Song", 0)))
    named = PlayedNames(store)
    (track,) = named.tracks(["name:z - unknown (live)", "song"]).values()
    assert (track.artist, track.title) == ("The Z", "Ünknown - Live")
    assert named.ids_by_name("the z - ünknown - LIVE") == [
        track.track_id
    ] and not named.ids_by_name("Song")


def test_names_are_matched_again_when_the_catalogue_has_grown(take, scrobbles, store):
    take(scrobbles("a.csv", ("Y", "New", 0), ("X", "Song", 0)))
    assert all_played_tracks(store) == ["name:y - new", "song"]
    grown = Matcher([SONG, Recording("new", TrackName("Y", "New"))])
    assert rematch_names(store, lambda _: grown) == 1
    assert all_played_tracks(store) == ["new", "song"]
    assert rematch_names(store, lambda _: grown) == 0
    assert rematch_names(store, lambda _: Matcher([])) == 2, "and unmatched when it has shrunk"


def test_unmatched_names_are_mended_by_hand(take, scrobbles, store, tmp_path):
    take(
        scrobbles("a.csv", ("Y", "B, or C", 0), ("Y", "B, or C", 900), ("Z", "D", 0), ("W", "E", 0))
    )
    file = tmp_path / "unmatched.csv"
    with writing_plays(store) as writer:
        names = unmatched_names(writer)
        write_unmatched(file, names)
    assert [(name.artist, name.title, name.listens) for name in names] == [
        ("Y", "B, or C", 2), ("W", "E", 1), ("Z", "D", 1),
    ]  # fmt: skip
    lines = file.read_text().splitlines()
    assert lines[0] == "key,listens,artist,title,album,track_id"
    file.write_text("\n".join([lines[0], lines[1] + "song", lines[2] + "-", lines[3]]) + "\n")
    with writing_plays(store) as writer:
        assert assign_tracks(writer, read_corrections(file, find=lambda name: name)) == 2
        assert [name.title for name in unmatched_names(writer)] == ["D"]
        writer.commit()
    assert all_played_tracks(store) == ["name:w - e", "name:z - d", "song"]
    rematch_names(store, matcher)
    assert "song" in all_played_tracks(store), "what was given by hand stays"
    take(scrobbles("b.csv", ("Y", "B, or C", 5000)))
    assert len([row for row in rows(store) if row[1] == "song"]) == 3

    def unknown(name):
        raise DataError(f"no track is called {name!r}")

    with pytest.raises(
        DataError, match=r"has an unknown track in line 2; no track is called 'song'"
    ):
        read_corrections(file, find=unknown)
    file.write_text("key,track_id\nsomething,song\n")
    with pytest.raises(DataError, match=r"has key 'something' in line 2; leave that column"):
        read_corrections(file, find=lambda name: name)


def test_parts_are_listed_and_removed(take, scrobbles, library, store, tmp_path):
    take(
        scrobbles("a.csv", ("X", "Song", 0)), scrobbles("b.csv", ("Y", "B", 0)), library("l.xml", 2)
    )
    assert [(part["source"], part["rows"]) for part in list_parts(store)] == [
        ("itunes", 1), ("lastfm", 1), ("lastfm", 1),
    ]  # fmt: skip
    with pytest.raises(
        DataError, match=r"nothing was imported from 'plex'; name a format \(itunes,"
    ):
        remove_parts(store, "plex")
    assert remove_parts(store, str(tmp_path / "b.csv")) == 1
    assert all_played_tracks(store) == ["song"]
    assert remove_parts(store, "itunes") + remove_parts(store, "lastfm") == 2
    assert list_parts(store) == [] and not artifacts.exists(store)


def test_a_listener_is_forgotten(take, scrobbles, store, tmp_path):
    take(scrobbles("a.csv", ("X", "Song", 0), ("Secret", "Only mine", 0)), user="anna")
    take(scrobbles("b.csv", ("X", "Song", 0), ("Y", "B", 0)), user="ben")
    assert forget_user(store, "anna") == 2
    assert {row[0] for row in rows(store)} == {"ben"}
    stored = b"".join(path.read_bytes() for path in store.iterdir() if path.is_file())
    assert b"anna" not in stored and b"Only mine" not in stored, "nor what nobody else has played"
    assert forget_user(store, "anna") == 0
    assert forget_user(store, "ben") == 2 and not artifacts.exists(store)


def test_pseudonyms(take, scrobbles, store, tmp_path):
    """Neither the name nor a path that may hold it is kept; the same name is the same hash."""
    salt = b"s" * 32
    name = scrobbles("scrobbles-of-anna.csv", ("X", "Song", 0))
    (report,) = take(name, user="anna", salt=salt)
    assert report.users == (pseudonym("anna", salt=salt),) and report.users[0].startswith("p-")
    assert pseudonym("anna", salt=b"t" * 32) != report.users[0]
    stored = b"".join(path.read_bytes() for path in store.iterdir() if path.is_file())
    assert b"anna" not in stored
    (again,) = take(name, user="anna", salt=salt)
    assert again.imported.replaced == 1 and len(rows(store)) == 1


def test_pseudonyms_take_the_place_of_names_and_give_way_to_them(take, library, store):
    """Counts lie under their listener: the same again under the other name counts once."""
    salt = b"s" * 32
    name = library("one.xml", 5)
    take(name, user="anna")
    (report,) = take(name, user="anna", salt=salt)
    assert report.imported.replaced == 1
    assert rows(store) == [(pseudonym("anna", salt=salt), "song", 5.0, None)]
    assert b"anna" not in b"".join(path.read_bytes() for path in store.iterdir() if path.is_file())
    take(name, user="anna", former_salt=salt)
    assert rows(store) == [("anna", "song", 5.0, None)]


def test_feedback_stands_over_what_exports_say(take, library, store, tmp_path):
    file = tmp_path / library("one.xml", 5)
    file.write_text(
        file.read_text().replace("<key>Play Count", "<key>Loved</key><true/><key>Play Count")
    )
    take("one.xml")
    give_feedback(store, "song", user="me", rating=-1.0)
    frame = load_plays(store)
    assert sorted(frame.select("plays", "rating").rows(), key=str) == [(0.0, -1.0), (5.0, None)]
    give_feedback(store, "song", user="me", rating=None)
    assert load_plays(store).select("plays", "rating").rows() == [(5.0, 1.0)]
    with pytest.raises(DataError, match="'me' has no opinion of this track"):
        give_feedback(store, "song", user="me", rating=None)


def test_feedback_alone(store):
    give_feedback(store, "song", user="me", rating=1.0)
    assert load_plays(store).select("user_id", "track_id", "rating").rows() == [("me", "song", 1.0)]
    give_feedback(store, "song", user="me", rating=None)
    assert not artifacts.exists(store)


def test_plays_that_are_one():
    """The first of them stays, heard through where one was; 61 seconds later is another."""
    times = [0, 60, 61, 121, 122, 500]
    frame = pl.DataFrame({
        "user_id": "u", "track_id": "t", "timestamp": times,
        "skipped": [1.0, 0.0, 1.0, 1.0, 0.0, 1.0],
    })  # fmt: skip
    once = merge_repeated_plays(frame)
    assert once.select("timestamp", "skipped").rows() == [
        (0, 0.0),
        (61, 1.0),
        (122, 0.0),
        (500, 1.0),
    ]
    assert merge_repeated_plays(frame.head(1)).rows() == frame.head(1).rows()


def test_a_report_is_plain_json(take, scrobbles):
    (report,) = take(scrobbles("a.csv", ("X", "Song", 0), ("Y", "B", 0)))
    about = json.loads(json.dumps(report.to_json()))
    assert about["source"] == "lastfm" and about["listeners"] == ["me"] and about["users"] == 1
    assert about["matched"] == {"name": 1} and about["largest_unmatched"] == [["Y - B", 1]]


def test_what_a_listener_is_recommended_by_is_what_they_liked(tmp_path):
    """Neither what they skipped more often than they played it, nor what they dislike."""
    workspace = Workspace(tmp_path)
    table = tmp_path / "own.csv"
    table.write_text(
        "user_id,track_id,plays,skipped,rating\nme,liked,3,1,\nme,skipped,2,2,\nme,disliked,9,0,-1\n"
        "you,skipped,1,0,\nyou,bad,1,1,\n"
    )
    import_plays(workspace.plays, table)
    assert liked_tracks(workspace, "me") == {"liked"}
    assert liked_tracks(workspace, "you") == {"skipped"}
    give_feedback(workspace.plays, "skipped", user="you", rating=-1.0)
    with pytest.raises(NotFoundError, match="'you' has only skipped or disliked"):
        liked_tracks(workspace, "you")


def test_where_nothing_was_played(tmp_path):
    nowhere = tmp_path / "nowhere"
    assert forget_user(nowhere, "anna") == 0 and rematch_names(nowhere, matcher) == 0
    assert PlayedNames(nowhere).search(["x"]) == [] and PlayedNames(nowhere).ids_by_name("x") == []
    with pytest.raises(ParameterError, match=r"words=\['-', ''\] hold no word; give one of a name"):
        find_tracks(None, ["-", ""])
    assert find_tracks(None, ["x"], played=PlayedNames(nowhere)) == []


def test_listening_that_says_nothing_is_no_import(take, tmp_path):
    """What was played for no time at all is neither a play nor a skip."""
    file = tmp_path / "endsong_0.json"
    row = {"ts": "2020-05-01T10:00:00Z", "ms_played": 0, "master_metadata_track_name": "X"}
    file.write_text(json.dumps([row]))
    with pytest.raises(DataError, match="has nothing that counts as a play or a skip; export it"):
        take(file)


def test_names_that_are_torn_are_learned_anew(take, scrobbles, store):
    """They can be had from the same export again."""
    file = scrobbles("a.csv", ("X", "Song", 0))
    take(file, user="anna")
    before = rows(store)
    (names,) = store.glob("names.*.parquet")
    names.write_bytes(bytes(names.stat().st_size))
    with pytest.raises(ArtifactError, match="cannot be read .*run 'audiorec plays FILE' again"):
        load_plays(store)
    take(file, user="anna")
    assert rows(store) == before
