"""Similar songs, radios, top songs and paths are the library's own answers.

`ask` checks each answer against the specification's schema.
"""

from __future__ import annotations

from collections import Counter

import pytest

from audiorec.data import Exclusion, save_exclusions
from audiorec.data.catalog import Catalog, Track

from ....waiting import wait_until
from .asking import N_ALL, ids, song_of, stored


def test_similar_songs_are_ordered_and_normalised(done, error):
    found = done("getSonicSimilarTracks", id="a00-0-1")["sonicMatch"]
    scores = [each["similarity"] for each in found]
    assert len(found) == 10 and scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores) and scores[0] > 0.9
    assert "a00-0-1" not in [each["entry"]["id"] for each in found]
    everything = done("getSonicSimilarTracks", id="a00-0-1", count=500)["sonicMatch"]
    assert len(everything) == N_ALL - 1 and everything[-1]["similarity"] < 0.2
    assert done("getSonicSimilarTracks", id="a00-0-1", count=0)["sonicMatch"] == []
    assert error("getSonicSimilarTracks", id="nothing") == 70
    assert error("getSonicSimilarTracks") == 10


def test_answers_are_not_mostly_the_seeds_own_album(done):
    """The nearest four songs of each are those of its album, and the next five its artist's."""
    for method, key, count in (
        ("getSonicSimilarTracks", "sonicMatch", 10),
        ("getSimilarSongs", "similarSongs", 10),
        ("getSimilarSongs2", "similarSongs2", 30),
    ):
        found = done(method, id="a05-0-3", count=count)[key]
        songs = [e["entry"] for e in found] if key == "sonicMatch" else found["song"]
        assert len(songs) == count
        own = song_of(done, "a05-0-3")
        assert 1 <= sum(s["albumId"] == own["albumId"] for s in songs) <= max(2, count // 10)
        most = Counter(s["artistId"] for s in songs).most_common(1)[0][1]
        assert most <= max(2, count // 5)


def test_a_path_begins_and_ends_where_it_should(done, error):
    found = done("findSonicPath", startSongId="a00-0-1", endSongId="a07-1-2", count=9)["sonicMatch"]
    songs = [each["entry"]["id"] for each in found]
    assert songs[0] == "a00-0-1" and songs[-1] == "a07-1-2" and len(set(songs)) == len(songs) <= 9
    scores = [each["similarity"] for each in found]
    assert scores[0] == 1 and all(0 <= score <= 1 for score in scores)
    direct = done("getSonicSimilarTracks", id="a00-0-1", count=500)["sonicMatch"]
    known = {each["entry"]["id"]: each["similarity"] for each in direct}
    for id_, score in zip(songs[1:], scores[1:], strict=True):
        assert score == pytest.approx(known[id_], abs=0.01)
    for count in (1, 2):
        short = done("findSonicPath", startSongId="a00-0-1", endSongId="a07-1-2", count=count)
        assert [e["entry"]["id"] for e in short["sonicMatch"]] == ["a00-0-1", "a07-1-2"]
    same = done("findSonicPath", startSongId="a00-0-1", endSongId="a00-0-1")["sonicMatch"]
    assert [e["similarity"] for e in same] == [1]
    assert (
        len(done("findSonicPath", startSongId="a00-0-1", endSongId="a07-1-2")["sonicMatch"]) <= 25
    )
    assert error("findSonicPath", startSongId="a00-0-1", endSongId="nothing") == 70
    assert error("findSonicPath", startSongId="a00-0-1") == 10


def test_radios_of_albums_and_artists(done):
    song = song_of(done, "a01-0-1")
    for id_ in (song["albumId"], song["artistId"]):
        found = done("getSimilarSongs2", id=id_, count=20)["similarSongs2"]["song"]
        assert len(found) == 20
        assert sum(each["artistId"] != song["artistId"] for each in found) >= 15
    info = done("getArtistInfo2", id=song["artistId"], count=3)["artistInfo2"]["similarArtist"]
    assert len(info) == 3 and song["artistId"] not in ids(info)
    old = done("getArtistInfo", id=song["artistId"], count=3)["artistInfo"]["similarArtist"]
    assert ids(old) == ids(info)
    assert done("getAlbumInfo2", id=song["albumId"])["albumInfo"] == {}


def test_top_songs_are_the_most_played_of_the_artist(done, error, served):
    done("scrobble", id=["a10-0-4"] * 3, time=[10**12, 10**12 + 10**6, 10**12 + 2 * 10**6])
    done("scrobble", id="a10-1-1", user="bob")
    stored(served, "ann", "a10-0-4"), stored(served, "bob", "a10-1-1")
    for who in ({"artist": "artist 10"}, {"id": song_of(done, "a10-0-1")["artistId"]}):
        top = done("getTopSongs", **who)["topSongs"]["song"]
        assert ids(top)[:2] == ["a10-0-4", "a10-1-1"] and len(top) == 10
    assert len(done("getTopSongs", artist="Artist 10", count=3)["topSongs"]["song"]) == 3
    assert done("getTopSongs", artist="Nobody")["topSongs"]["song"] == []
    assert error("getTopSongs") == 10


def test_what_is_excluded_is_in_no_answer_and_can_be_played(served, done, error):
    save_exclusions(served.workspace.exclusions, [Exclusion("artist", "Artist 08")])
    try:
        song = song_of(done, "a08-0-1")
        near = done("getSonicSimilarTracks", id="a08-0-1", count=500)["sonicMatch"]
        assert near and song["artistId"] not in {each["entry"]["artistId"] for each in near}
        for method, key, more in (
            ("getRandomSongs", "randomSongs", {"size": 500}),
            ("getTopSongs", "topSongs", {"artist": "Artist 08"}),
            ("getSimilarSongs2", "similarSongs2", {"id": "a07-0-1", "count": 500}),
        ):
            found = done(method, **more)[key]["song"]
            assert song["artistId"] not in {each["artistId"] for each in found}
        assert error("findSonicPath", startSongId="a08-0-1", endSongId="a07-0-1") == 70
        assert done("search3", query="08-0")["searchResult3"]["song"]
    finally:
        save_exclusions(served.workspace.exclusions, [])


def test_songs_that_are_not_placed_have_no_similar_artists(done, error, served):
    with Catalog(served.workspace.catalog) as catalog:
        catalog.upsert(Track("new-1", str(served.music / "New" / "1.flac"), "New", "New"))
    # The view of before answers until the new one is made.
    wait_until(lambda: done("search3", query="new")["searchResult3"]["artist"])
    artist = song_of(done, "new-1")["artistId"]
    assert done("getArtistInfo2", id=artist)["artistInfo2"]["similarArtist"] == []
    assert error("getSimilarSongs2", id=artist) == 70
