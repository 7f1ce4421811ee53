"""What streaming services export, traps included."""

from __future__ import annotations

import json

import pytest

from audiorec.data.plays import load_plays
from audiorec.exceptions import DataError


def plays_of(tmp_path):
    return load_plays(tmp_path / "plays").sort("user_id", "track_id", "timestamp")


def counts(tmp_path):
    """Plays less skips of every track."""
    frame = plays_of(tmp_path)
    total: dict[str, list[float]] = {}
    for track, plays, skipped in frame.select("track_id", "plays", "skipped").iter_rows():
        sums = total.setdefault(track, [0.0, 0.0])
        sums[0] += plays - (skipped or 0.0)
        sums[1] += skipped or 0.0
    return {track: tuple(sums) for track, sums in total.items()}


def test_spotify(fixture, listens):
    rows, left, source = listens(fixture("spotify"))
    assert source == "spotify"
    assert left == {
        "podcasts and audiobooks": 2, "videos": 1, "private plays": 1,
        "plays at an impossible time": 1,
    }  # fmt: skip
    first = rows[0]
    assert (first.artist, first.title) == ("Nina Simone", "Feeling Good")
    assert first.timestamp == 1422936306 - 177, "ts is the end"
    assert len(rows) == 10
    assert not any("203.0.113" in str(row) or "android" in str(row) for row in rows)


def test_spotify_plays(fixture, imported, tmp_path):
    """A copy seconds later is the same play, an equal time of another song is not."""
    (report,) = imported(fixture("spotify"))
    assert report.matched == {"name": 6} and report.unmatched == 1
    assert counts(tmp_path) == {
        "feeling-good": (2, 0),  # 2015 and 2022, of which there are three copies in two files
        "here-comes-the-sun": (1, 0),
        "joga": (1, 0),  # 100 of 305 seconds say nothing, 200 to the end do
        "name:stereolab - french disko": (1, 0),
        "one-more-time": (0, 2),  # skipped at 4 seconds; broken off at 20
    }
    assert report.left_out["listens that are neither a play nor a skip"] == 1
    assert report.imported.duplicates == 2


def test_spotify_songs_at_one_time(tmp_path, imported):
    """Two songs that are told of at the same second, and both twice, are two plays."""
    file = tmp_path / "Streaming_History_Audio_2023.json"
    rows = [
        {"ts": f"2023-01-01T10:00:0{second}Z", "ms_played": 200_000, "reason_end": "trackdone",
         "master_metadata_track_name": title, "master_metadata_album_artist_name": "X"}
        for second in (0, 3) for title in ("one", "two")
    ]  # fmt: skip
    file.write_text(json.dumps(rows))
    imported(file)
    assert counts(tmp_path) == {"name:x - one": (1, 0), "name:x - two": (1, 0)}


def test_spotify_of_one_year(fixture, imported, listens, tmp_path):
    rows, _, source = listens(fixture("spotify-short"))
    assert source == "spotify" and rows[0].timestamp == 1704189780 - 177
    imported(tmp_path / "spotify-short")
    assert counts(tmp_path) == {
        "feeling-good": (1, 0), "name:stereolab - french disko": (1, 0), "one-more-time": (0, 1),
    }  # fmt: skip


def test_spotify_podcasts_of_one_year(fixture, listens):
    folder = fixture("spotify-short")
    episode = {"endTime": "2024-01-02 11:00", "podcastName": "A show", "episodeName": "A talk",
               "msPlayed": 600_000}  # fmt: skip
    (folder / "StreamingHistory_podcast_0.json").write_text(json.dumps([episode]))
    rows, left, _ = listens(folder)
    assert len(rows) == 3 and left == {"podcasts and audiobooks": 1}


def test_spotify_times_that_are_none(tmp_path, listens):
    """Less than no time played, which exports have had, and text in its place."""
    file = tmp_path / "endsong_0.json"
    rows = [{"ts": "2020-05-01T10:00:00Z", "ms_played": played, "master_metadata_track_name": "X"}
            for played in (-5, "many", 0)]  # fmt: skip
    file.write_text(json.dumps(rows))
    found, left, _ = listens(file)
    assert [row.seconds for row in found] == [0.0] and left == {"rows that cannot be read": 2}


@pytest.mark.parametrize("info", [[], None, "player", {"duration": "x", "recording_mbid": 7}])
def test_listenbrainz_information_of_any_form(tmp_path, listens, info):
    about = {"artist_name": "A", "track_name": "B", "additional_info": info, "mbid_mapping": None}
    file = tmp_path / "1.jsonl"
    file.write_text(json.dumps({"listened_at": 1_700_000_000, "track_metadata": about}))
    (row,), left, _ = listens(file)
    assert (row.title, row.duration, row.recording_mbid, left) == ("B", None, "", {})


def test_listenbrainz(fixture, imported, listens, tmp_path):
    """The mapping wins over what the player sent, months are not padded, a mapping may be null."""
    rows, left, source = listens(fixture("listenbrainz"))
    assert source == "listenbrainz"
    assert [row.timestamp for row in rows[:4]] == [1676000000, 1676000000, 1676001000, 1700000000]
    assert [row.duration for row in rows[:3]] == [177.0, 305.0, 215.0]
    assert left == {
        "rows without a title": 1, "lines that are no JSON object": 1,
        "loves and hates that cannot be read": 1, "loves and hates of recordings without a name": 1,
    }  # fmt: skip
    (report,) = imported(tmp_path / "listenbrainz")
    assert report.matched == {"MusicBrainz id": 2, "name": 2}
    frame = plays_of(tmp_path).filter(plays_of(tmp_path)["rating"].is_not_null())
    assert frame.select("track_id", "rating").rows() == [
        ("feeling-good", 1.0), ("name:stereolab - french disko", -1.0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("someone.csv", {"feeling-good": 1700000000 - 20, "here-comes-the-sun": 1700000300 - 20,
                         "name:stereolab - french disko": 1700000600 - 20}),
        ("scrobbles-someone.csv", {"feeling-good": 1700000000,
                                   "name:stereolab - french disko": 1700000300}),
        ("backup.csv", {"feeling-good": 1700000000, "joga": 1699952707}),
    ],
)  # fmt: skip
def test_lastfm(fixture, imported, tmp_path, name, expected):
    """Without a first line; with a wrong time for people beside the second; with exact copies."""
    (report,) = imported(fixture("lastfm") / name)
    assert report.source == "lastfm"
    found = dict(plays_of(tmp_path).select("track_id", "timestamp").iter_rows())
    assert found == expected


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("someone.csv", "Daft Punk,Discovery,One More Time,\n"),
        ("backup.csv", "date,time,artist,title\n"),
    ],
)
def test_lastfm_first_lines(fixture, listens, name, line):
    """What plays now stands first, and has no time; a backup may name its columns."""
    file = fixture("lastfm") / name
    content = file.read_text(encoding="utf-8").replace(line, "")
    file.write_text(line + content, encoding="utf-8")
    found, left, source = listens(file)
    assert source == "lastfm" and len(found) == content.count("\n")
    assert sum(left.values()) == (name == "someone.csv")


def test_lastfm_ids(fixture, listens):
    """The id of ghan.nl's last column is that of the recording."""
    file = fixture("lastfm") / "scrobbles-someone.csv"
    id_ = "11111111-0000-4000-8000-000000000001"
    content = file.read_text(encoding="utf-8").replace(
        '"Feeling Good",""', f'"Feeling Good","{id_}"'
    )
    file.write_text(content, encoding="utf-8")
    assert [row.recording_mbid for row in listens(file)[0]] == [id_, id_, ""]


def test_lastfm_playing_now(fixture, listens):
    _, left, _ = listens(fixture("lastfm") / "someone.csv")
    assert left == {"plays at an impossible time": 1}


def test_apple_music(fixture, imported, listens, tmp_path):
    rows, left, source = listens(fixture("apple-music"))
    assert source == "apple-music"
    assert left == {
        "rows of no length": 2, "rows without a title": 1, "videos": 1,
        "rows of another event than a play's end": 1,
    }  # fmt: skip
    assert {row.artist for row in rows if row.title == "Jóga"} == {"Björk"}, "from the daily list"
    assert rows[0].timestamp == 1675245600, "times are UTC: UTC Offset In Seconds is not added"
    assert not any("secret-device" in str(row) or "Berlin" in str(row) for row in rows)
    (report,) = imported(tmp_path / "apple-music")
    assert counts(tmp_path) == {
        "feeling-good": (1, 0),  # told of in three rows
        "joga": (1, 0),
        "name:stereolab - french disko": (1, 0),
        "one-more-time": (0, 1),  # which has no start: its end less what was played
    }
    assert report.imported.duplicates == 1


def test_apple_music_artists_that_are_not_said(fixture, listens):
    """Various artists are none; nor does the daily list name one where two have a title."""
    folder = fixture("apple-music")
    daily = next(folder.rglob("*Daily Tracks.csv"))
    lines = daily.read_text(encoding="utf-8")
    for more, artist in (("", "Björk"), (lines.splitlines()[1].replace("Björk", "Y"), "")):
        daily.write_text(lines + more, encoding="utf-8")
        assert {row.artist for row in listens(folder)[0] if row.title == "Jóga"} == {artist}


def test_apple_music_within_zips(fixture, imported, tmp_path):
    """The zip that comes by mail holds one that holds one."""
    import zipfile

    inner = tmp_path / "inner.zip"
    with zipfile.ZipFile(inner, "w") as archive:
        for path in fixture("apple-music").rglob("*.csv"):
            archive.write(path, path.name)
    middle, outer = tmp_path / "middle.zip", tmp_path / "outer.zip"
    with zipfile.ZipFile(middle, "w") as archive:
        archive.write(inner, "Apple Music Activity.zip")
    with zipfile.ZipFile(outer, "w") as archive:
        archive.write(middle, "Apple_Media_Services.zip")
    (report,) = imported(outer)
    assert (report.source, report.imported.rows) == ("apple-music", 4)


def test_youtube_music(fixture, imported, listens, tmp_path):
    _, left, source = listens(fixture("youtube-music"))
    assert source == "youtube-music"
    assert left == {"removed videos": 2, "videos": 1, "advertisements": 1}
    (report,) = imported(tmp_path / "youtube-music")
    assert report.matched == {"name": 2} and report.unmatched == 1, "with titles in any language"


def test_youtube_music_as_a_page(tmp_path, listens):
    page = tmp_path / "watch-history.html"
    page.write_text("<html>Watched Feeling Good</html>")
    with pytest.raises(DataError, match=r"watch-history.html is a page for people; .*JSON"):
        listens(page)


@pytest.mark.parametrize(
    ("seconds", "more", "expected"),
    [
        (153.0, {}, (1, 0)),  # of 305: half
        (152.0, {}, None),
        (29.9, {}, (0, 1)),
        (30.0, {}, None),
        (0.0, {}, None),  # no time at all is no skip
        (0.0, {"skipped": True}, (0, 1)),
        (5.0, {"reason_end": "trackdone"}, (1, 0)),
    ],
)
def test_the_rule(tmp_path, imported, seconds, more, expected):
    """A play from half or 240 seconds on, a skip below 30, nothing between."""
    file = tmp_path / "Streaming_History_Audio_2023.json"
    rows = [
        {"ts": f"2023-01-0{day}T10:00:00Z", "ms_played": 1e3 * played, "reason_end": "logout",
         "master_metadata_track_name": title, "master_metadata_album_artist_name": artist,
         "skipped": None, **told}
        for day, played, artist, title, told in
        [(1, seconds, "Björk", "Jóga", more), (2, 177, "Nina Simone", "Feeling Good", {})]
    ]  # fmt: skip
    file.write_text(json.dumps(rows))
    imported(file)
    assert counts(tmp_path).get("joga") == expected


def test_the_rule_where_the_length_is_unknown(tmp_path, imported):
    """Then 30 seconds are a play, unless the listener went on; those heard to the end tell it."""
    file = tmp_path / "Streaming_History_Audio_2023.json"

    def row(day, title, seconds, reason):
        return {"ts": f"2023-01-{day:02d}T10:00:00Z", "ms_played": 1000 * seconds,
                "master_metadata_track_name": title, "master_metadata_album_artist_name": "X",
                "reason_end": reason, "skipped": None}  # fmt: skip

    file.write_text(json.dumps([
        row(1, "unknown", 40, "logout"), row(2, "left", 40, "fwdbtn"),
        row(3, "known", 400, "trackdone"), row(4, "known", 150, "logout"),
        row(5, "known", 210, "logout"),
    ]))  # fmt: skip
    imported(file)
    assert counts(tmp_path) == {"name:x - unknown": (1, 0), "name:x - known": (2, 0)}


def test_spotify_of_before_2023(tmp_path, listens):
    """An older file's name and columns; addresses and devices in them are never taken on."""
    file = tmp_path / "endsong_0.json"
    row = {"ts": "2020-05-01T10:00:00Z", "username": "someone", "ip_addr_decrypted": "203.0.113.9",
           "user_agent_decrypted": "secret-device", "ms_played": 177000, "offline_timestamp": 0,
           "master_metadata_track_name": "Feeling Good", "skipped": None,
           "master_metadata_album_artist_name": "Nina Simone", "episode_name": None,
           "incognito_mode": False, "reason_end": "trackdone"}  # fmt: skip
    file.write_text(json.dumps([row]))
    (listen,), left, source = listens(file)
    assert (source, left) == ("spotify", {})
    assert (listen.artist, listen.title, listen.timestamp) == (
        "Nina Simone",
        "Feeling Good",
        1588327200 - 177,
    )
    assert not any(word in str(listen) for word in ("203.0.113", "secret-device", "someone"))


SHORT = {"endTime": "2024-01-02 10:03", "artistName": "A", "trackName": "B", "msPlayed": 9e4}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"msPlayed": -5}, "rows that cannot be read"),
        ({"msPlayed": "many"}, "rows that cannot be read"),
        ({"endTime": "yesterday"}, "plays at an impossible time"),
        ({"trackName": ""}, "rows without a title"),
    ],
)
def test_spotify_of_one_year_values_that_are_none(tmp_path, listens, wrong, said):
    file = tmp_path / "StreamingHistory_music_0.json"
    file.write_text(json.dumps([SHORT, SHORT | wrong]))
    (found,), left, _ = listens(file)
    assert found.timestamp == 1704189780 - 90 and left == {said: 1}


def test_listenbrainz_times_that_are_none(tmp_path, listens):
    file = tmp_path / "1.jsonl"
    about = {"artist_name": "A", "track_name": "B"}
    rows = [{"listened_at": at, "track_metadata": about} for at in (-1, 1_700_000_000, "now")]
    file.write_text("\n\n".join(map(json.dumps, rows)) + "\n")
    (found,), left, _ = listens(file)
    assert found.timestamp == 1_700_000_000 and left == {"plays at an impossible time": 2}


@pytest.mark.parametrize(
    ("name", "row", "said"),
    [
        ("backup.csv", "2023-11-14,22:13,Daft Punk", "rows of another length than the first line"),
        ("backup.csv", "2023-11-14,22:13,Daft Punk,", "rows without a title"),
        ("someone.csv", "Daft Punk,Discovery,Aerodynamic,31 Feb 2023 22:13",
         "plays at an impossible time"),
        ("someone.csv", "Daft Punk,Discovery", "rows of another length than the first line"),
    ],
)  # fmt: skip
def test_lastfm_rows_that_are_none(fixture, listens, name, row, said):
    file = fixture("lastfm") / name
    found, before, _ = listens(file)
    with file.open("a", encoding="utf-8") as stream:
        stream.write(row + "\n")
    again, left, _ = listens(file)
    assert again == found and left[said] == before[said] + 1


def test_apple_music_times_that_are_none(fixture, listens):
    folder = fixture("apple-music")
    activity = next(folder.rglob("Apple Music Play Activity.csv"))
    content = activity.read_text(encoding="utf-8")
    first = listens(folder)[0][0]
    start = "2023-02-01T10:00:00"
    assert start in content
    activity.write_text(content.replace(start, "x" + start, 1), encoding="utf-8")
    found, left, _ = listens(folder)
    assert first not in found and left["plays at an impossible time"] == 1


def test_apple_music_by_days_alone(fixture, listens):
    """Counts of a day stand in where there is no activity; what says nothing is counted."""
    (daily,) = fixture("apple-music").rglob("*Daily Tracks.csv")
    header, row = daily.read_text(encoding="utf-8").splitlines()
    rows = [
        row,
        row.replace(",305000,", ",0,"),
        row.replace(",305000,", ",-5,"),
        row.replace("Björk - Jóga", "Jóga"),
        row.replace(",305000,", ",9000,").replace(",1,0,", ",0,1,"),
    ]
    daily.write_text("\n".join([header, *rows]), encoding="utf-8")
    found, left, source = listens(daily)
    assert source == "apple-music"
    assert [(x.artist, x.title, x.seconds, x.skipped) for x in found] == [
        ("Björk", "Jóga", 305.0, False), ("Björk", "Jóga", 9.0, True),
    ]  # fmt: skip
    assert left == {"rows of no length": 2, "rows without a title": 1}


def test_apple_music_without_a_column(fixture, listens):
    (activity,) = fixture("apple-music").rglob("Apple Music Play Activity.csv")
    content = activity.read_text(encoding="utf-8").replace("Play Duration Milliseconds", "Length")
    activity.write_text(content, encoding="utf-8")
    with pytest.raises(
        DataError, match=r"Activity.csv, line 1: has no column 'Play Duration .*'; export it again"
    ):
        listens(activity)


def test_youtube_music_pages_beside_lists(fixture, listens):
    folder = fixture("youtube-music")
    n = len(listens(folder)[0])
    (file,) = folder.rglob("watch-history.json")
    file.with_suffix(".html").write_text("<html>Watched Feeling Good</html>")
    assert len(listens(folder)[0]) == n
