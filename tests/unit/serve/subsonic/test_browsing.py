"""Artists, albums, folders, search and lists as players browse them.

`ask` checks each answer against the specification's schema.
"""

from __future__ import annotations

from datetime import datetime
from xml.etree import ElementTree

import numpy as np
import pytest

from audiorec.data.catalog import Catalog, save_descriptors

from ....waiting import wait_until
from .asking import N_ALL, ids, listed, song_of

ALWAYS = {  # what OpenSubsonic adds to a song, and is known here
    "mediaType", "bpm", "sortName", "genres", "artists", "displayArtist", "albumArtists",
    "displayAlbumArtist", "displayComposer", "musicBrainzId", "samplingRate", "channelCount",
}  # fmt: skip


def test_artists_albums_and_songs_lead_to_each_other(done):
    index = done("getArtists")["artists"]["index"]
    names = {a["name"]: a for letter in index for a in letter["artist"]}
    assert [letter["name"] for letter in index] == ["A", "B", "C", "G", "V", "#"]
    assert names["The Artist 03"]["albumCount"] == 2 and names["Artist 00"]["albumCount"] == 3
    artist = done("getArtist", id=names["Artist 05"]["id"])["artist"]
    assert [album["name"] for album in artist["album"]] == ["Album 0", "Album 1"]
    album = done("getAlbum", id=artist["album"][0]["id"])["album"]
    assert album["songCount"] == 5 and ids(album["song"]) == [f"a05-0-{n}" for n in range(1, 6)]
    song = song_of(done, "a05-0-2")
    assert song["albumId"] == album["id"] and song["artistId"] == artist["id"]
    assert song["title"] == "Song 2 of 05-0" and song["track"] == 2 and song["year"] == 1980
    assert song["contentType"] == "audio/flac" and song["suffix"] == "flac"
    assert song["path"] == "Artist 05/Album 0/2.flac" and not song["isDir"]


def test_an_album_of_two_discs_and_one_of_several_artists(done):
    albums = done("getAlbumList2", type="alphabeticalByName", size=500)["albumList2"]["album"]
    long = done("getAlbum", id=next(a["id"] for a in albums if a["name"] == "Long"))["album"]
    assert ids(long["song"]) == ["long-1", "long-2"]
    best = next(a for a in albums if a["name"] == "Best of All")
    assert best["isCompilation"] and best["artist"] == "Various Artists"
    assert song_of(done, "va-3")["displayArtist"] == "Guest feat. Artist 02"


def test_folders_down_to_a_song(done, error):
    folders = done("getMusicFolders")["musicFolders"]["musicFolder"]
    assert folders == [{"id": 1, "name": "music"}]
    indexes = done("getIndexes", musicFolderId=1)["indexes"]
    assert ids(indexes["child"]) == ["odd/1"]  # which lies loose at the top
    top = next(a for letter in indexes["index"] for a in letter["artist"] if a["name"] == "Long")
    directory = done("getMusicDirectory", id=top["id"])["directory"]
    assert [child["isDir"] for child in directory["child"]] == [True, True]
    disc = done("getMusicDirectory", id=directory["child"][0]["id"])["directory"]
    assert ids(disc["child"]) == ["long-1"] and disc["parent"] == top["id"]
    assert song_of(done, "long-1")["parent"] == disc["id"]
    # Clients that browse tags as folders hand albums and artists in; some the music folder.
    song = song_of(done, "a01-0-1")
    assert len(done("getMusicDirectory", id=song["albumId"])["directory"]["child"]) == 5
    albums = done("getMusicDirectory", id=song["artistId"])["directory"]["child"]
    assert all(child["isDir"] for child in albums)
    assert done("getMusicDirectory", id=1)["directory"]["name"] == "music"
    changed = indexes["lastModified"]
    assert "index" not in done("getIndexes", ifModifiedSince=changed)["indexes"]
    assert done("getIndexes", ifModifiedSince=changed - 1)["indexes"]["index"]
    assert error("getMusicDirectory", id="d-nothing") == 70
    assert error("getIndexes", musicFolderId=2) == 70


def test_genres_and_years(done):
    genres = {g["value"]: g for g in done("getGenres")["genres"]["genre"]}
    assert genres["Indie"]["songCount"] == 30 and genres["Indie"]["albumCount"] == 6
    songs = done("getSongsByGenre", genre="rock", count=500)["songsByGenre"]["song"]
    assert len(songs) == 30 and {"name": "Rock"} in songs[0]["genres"]
    again = [
        each
        for offset in (0, 20)
        for each in done("getSongsByGenre", genre="Rock", count=20, offset=offset)["songsByGenre"][
            "song"
        ]
    ]
    assert ids(again) == ids(songs)
    assert done("getSongsByGenre", genre="Polka")["songsByGenre"]["song"] == []

    def years(first, last):
        found = done("getAlbumList2", type="byYear", fromYear=first, toYear=last, size=50)
        return [album["year"] for album in found["albumList2"]["album"]]

    assert years(1972, 1976) == [1972, 1973, 1974, 1975, 1976]
    assert years(1976, 1972) == [1976, 1975, 1974, 1973, 1972]
    albums = done("getAlbumList2", type="byGenre", genre="Jazz", size=50)["albumList2"]["album"]
    assert len(albums) == 6


def test_arrays_even_of_one_and_ids_that_are_texts(done):
    def check(value, name=""):
        if isinstance(value, dict):
            if name not in ("musicFolder",):
                assert isinstance(value.get("id", ""), str)
            for key, each in value.items():
                check(each, key)
        elif isinstance(value, list):
            for each in value:
                check(each, name)

    one = done("search3", query="long part 1")["searchResult3"]
    assert isinstance(one["song"], list) and len(one["song"]) == 1
    assert isinstance(
        done("getArtist", id=song_of(done, "long-1")["artistId"])["artist"]["album"], list
    )
    # play:Sub falls over where a user is an array.
    assert isinstance(done("getUser", username="ann")["user"], dict)
    for method in ("getArtists", "getIndexes", "getGenres", "getMusicFolders", "getRandomSongs"):
        check(done(method))


def test_a_song_always_has_what_is_supported(done):
    songs = done("search3", query="", songCount=500)["searchResult3"]["song"]
    assert len(songs) == N_ALL
    for song in songs:
        assert song.keys() >= ALWAYS and song["title"]
    odd = song_of(done, "odd/1")
    assert odd["genres"] == [{"name": "R&B"}] and odd["album"] == "[Unknown Album]"
    assert "year" not in odd and "starred" not in odd and "transcodedSuffix" not in odd


def test_hostile_tags_are_text(client, served, done):
    assert "<script>" in song_of(done, "odd/1")["title"]
    response = client.get("/rest/getSong", params={"apiKey": served.key, "id": "odd/1"})
    root = ElementTree.fromstring(response.content)
    title = root[0].attrib["title"]
    assert title.startswith('<script>alert("x")</script>') and "\x07" not in title


@pytest.mark.parametrize("query", ["", '""', "*"])
def test_everything_in_a_stable_order(done, query):
    """Symfonium copies a library by pages of 500 of the query of two literal quotes."""
    whole = done("search3", query=query, songCount=500, albumCount=500, artistCount=500)
    pages = [
        done(
            "search3", query=query, songCount=50, songOffset=offset, albumCount=10,
            albumOffset=offset // 5, artistCount=0,
        )["searchResult3"]
        for offset in range(0, 200, 50)
    ]  # fmt: skip
    whole = whole["searchResult3"]
    assert len(whole["song"]) == N_ALL and len(whole["album"]) == 12 * 2 + 4
    assert ids([s for page in pages for s in page["song"]]) == ids(whole["song"])
    assert ids([a for page in pages for a in page["album"]]) == ids(whole["album"])
    assert all(page["artist"] == [] for page in pages)


def test_words_in_any_order_case_and_without_accents(done):
    found = done("search3", query="unsal BJORK")["searchResult3"]
    assert ids(found["song"]) == ["long-1", "long-2"]
    assert [each["name"] for each in found["artist"]] == ["Björk Ünsal"]
    assert [each["name"] for each in found["album"]] == ["Long"]
    assert done("search3", query="flac")["searchResult3"]["song"] == []  # of every path
    assert done("search3", query="nothing of the sort")["searchResult3"]["song"] == []
    folders = done("search2", query="long")["searchResult2"]["album"]
    assert folders[0]["isDir"] and folders[0]["title"] == "Long"
    old = done("search", title="Part 2")["searchResult"]
    assert ids(old["match"]) == ["long-2"] and old["totalHits"] == 1


def test_a_track_that_is_excluded_or_gone_is_nowhere(served, done, error):
    with Catalog(served.workspace.catalog) as catalog:
        catalog.mark_missing(["a11-1-5"])

    def count():
        return len(done("search3", query="", songCount=500)["searchResult3"]["song"])

    try:
        wait_until(lambda: count() < N_ALL)  # the view of before answers until the new one is made
        assert error("getSong", id="a11-1-5") == 70
        assert count() == N_ALL - 1
    finally:
        with Catalog(served.workspace.catalog) as catalog:
            catalog._execute_many("UPDATE tracks SET missing = 0", [()])
    wait_until(lambda: count() == N_ALL)  # what was read a moment ago is not read again at once
    assert song_of(done, "a11-1-5")


def test_album_lists(done, error):
    newest = listed(done, "newest")
    assert [a["created"] for a in newest] == sorted((a["created"] for a in newest), reverse=True)
    names = [a["name"] for a in listed(done, "alphabeticalByName")]
    assert names == sorted(names, key=str.casefold)
    artists = [a["artist"] for a in listed(done, "alphabeticalByArtist")]
    assert artists.index("The Artist 03") == artists.index("Artist 04") - 2
    assert len({a["id"] for a in listed(done, "random")}) == 28
    page = done("getAlbumList2", type="newest", size=5, offset=3)["albumList2"]["album"]
    assert ids(page) == ids(newest[3:8])
    assert done("getAlbumList2", type="newest", offset=10**6)["albumList2"]["album"] == []
    assert error("getAlbumList2") == 10
    assert error("getAlbumList2", type="byYear") == 10
    assert error("getAlbumList2", type="byGenre") == 10
    assert error("getAlbumList2", type="loudest") == 0


def test_random_songs(done):
    songs = done("getRandomSongs", size=500, genre="Folk", fromYear=1975, toYear=1979)
    found = songs["randomSongs"]["song"]
    assert {each["year"] for each in found} == {1975}  # of the second album of artist 02 alone
    assert len(found) == 5 and len(set(ids(found))) == 5
    assert len(done("getRandomSongs", size=7)["randomSongs"]["song"]) == 7


def test_of_several_music_folders_one_may_be_asked_for(small):
    folders = small.ask("getMusicFolders")["musicFolders"]["musicFolder"]
    assert folders == [{"id": 1, "name": "one"}, {"id": 2, "name": "two"}]
    songs = {"one-1", "one-2"}
    found = small.ask("search3", query="", musicFolderId=1)["searchResult3"]
    assert set(ids(found["song"])) == songs
    assert [album["name"] for album in found["album"]] == ["Album one"]
    assert [artist["name"] for artist in found["artist"]] == ["Ann"]
    for method, key, more in (
        ("getAlbumList", "albumList", {"type": "alphabeticalByName"}),
        ("getAlbumList2", "albumList2", {"type": "newest"}),
    ):
        albums = small.ask(method, musicFolderId=2, **more)[key]["album"]
        assert [album.get("name") or album["title"] for album in albums] == ["Album two"]
    found = small.ask("getSongsByGenre", genre="Rock", musicFolderId=1)["songsByGenre"]["song"]
    assert set(ids(found)) == songs
    for number in (1, 2):
        index = small.ask("getArtists", musicFolderId=number)["artists"]["index"]
        assert [a["name"] for letter in index for a in letter["artist"]] == ["Ann"]
    assert small.message("search3", query="", musicFolderId=3)[0] == 70


def test_a_song_says_which_disc_it_is_on(small):
    song = small.ask("getSong", id="two-2")["song"]
    assert (song["track"], song["discNumber"]) == (1, 2)


def test_songs_that_came_after_a_time(done):
    songs = done("search", any="song", count=500)["searchResult"]["match"]
    times = {song["id"]: datetime.fromisoformat(song["created"]) for song in songs}
    middle = sorted(times.values())[len(songs) // 2]
    newest = done("search", any="song", newerThan=int(1000 * middle.timestamp()) + 1, count=500)
    found = newest["searchResult"]
    newer = {id_ for id_, time in times.items() if time > middle}
    assert set(ids(found["match"])) == newer and found["totalHits"] == len(newer) > 0
    assert done("search", any="song", newerThan=2**50)["searchResult"]["match"] == []


def test_what_cannot_be_browsed_now_is_an_envelope_and_a_line_in_the_log(small, caplog):
    small.workspace.catalog.unlink()
    code, message = small.message("getArtists")
    assert code == 0 and "catalogue cannot be read now" in message
    assert "players cannot browse now" in caplog.text


def test_tempos_that_are_damaged_are_left_out(small):
    save_descriptors(small.workspace.descriptors, {"one-1": ("", np.full(6, 120.0))})
    (small.workspace.descriptors / "manifest.json").write_text("{")
    assert small.ask("getSong", id="one-1")["song"].get("bpm", 0) == 0
