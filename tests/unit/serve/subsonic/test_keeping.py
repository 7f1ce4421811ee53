"""Playlists, queues and bookmarks are kept; the server tells of itself.

`ask` checks each answer against the specification's schema.
"""

from __future__ import annotations

from audiorec.playlist import saved_playlists

from .asking import N_ALL, ids


def test_playlists_are_made_changed_and_kept(served, done, error):
    made = done("createPlaylist", name="Morning", songId=["a00-0-1", "a01-0-1", "a00-0-1"])
    id_ = made["playlist"]["id"]
    assert ids(made["playlist"]["entry"]) == ["a00-0-1", "a01-0-1", "a00-0-1"]
    done(
        "updatePlaylist", playlistId=id_, name="Dawn", comment="early", public="true",
        songIdToAdd=["a02-0-1", "a03-0-1"], songIndexToRemove=[0, 2],
    )  # fmt: skip
    found = done("getPlaylist", id=id_)["playlist"]
    assert ids(found["entry"]) == ["a01-0-1", "a02-0-1", "a03-0-1"]
    assert (found["name"], found["comment"], found["public"]) == ("Dawn", "early", True)
    assert found["songCount"] == 3 and found["owner"] == "ann" and "readonly" not in found
    kept = saved_playlists(served.workspace).get(id_)
    assert kept.track_ids == ("a01-0-1", "a02-0-1", "a03-0-1")
    done("createPlaylist", playlistId=id_, songId=["a05-0-1"])  # replaces
    assert ids(done("getPlaylist", id=id_)["playlist"]["entry"]) == ["a05-0-1"]
    assert id_ in ids(done("getPlaylists")["playlists"]["playlist"])
    # Others see what is public, and change nothing.
    theirs = done("getPlaylists", user="bob")["playlists"]["playlist"]
    assert [(p["id"], p["readonly"]) for p in theirs] == [(id_, True)]
    assert error("updatePlaylist", user="bob", playlistId=id_, name="x") == 50
    assert error("deletePlaylist", user="bob", id=id_) == 50
    done("updatePlaylist", playlistId=id_, public="false")
    assert error("getPlaylist", user="bob", id=id_) == 70
    assert error("createPlaylist") == 10
    assert error("createPlaylist", name="x", songId="nothing") == 70
    assert error("updatePlaylist", playlistId=id_, songIndexToRemove=9) == 70
    done("deletePlaylist", id=id_)
    assert error("getPlaylist", id=id_) == 70


def test_places_are_those_of_the_songs_that_are_shown(served, done):
    saved = saved_playlists(served.workspace)
    id_ = saved.create("ann", "holes", ["gone", "a00-0-1", "gone too", "a00-0-2", "a00-0-3"])
    assert ids(done("getPlaylist", id=id_)["playlist"]["entry"]) == [
        "a00-0-1",
        "a00-0-2",
        "a00-0-3",
    ]
    done("updatePlaylist", playlistId=id_, songIndexToRemove=1)
    assert ids(done("getPlaylist", id=id_)["playlist"]["entry"]) == ["a00-0-1", "a00-0-3"]
    assert saved.get(id_).track_ids == ("gone", "a00-0-1", "gone too", "a00-0-3")
    done("deletePlaylist", id=id_)


def test_what_recipes_make_can_be_played_and_not_changed(served, done, error):
    folder = served.workspace.playlists
    folder.mkdir(exist_ok=True)
    path = served.music / "Artist 01" / "Album 0" / "2.flac"
    (folder / "weekly.m3u8").write_text(f"#EXTM3U\n{path}\n../nothing.mp3\n", encoding="utf-8")
    (folder / "broken.xspf").write_text("<playlist")
    (folder / "folder.m3u8").mkdir()
    (folder / "dangling.m3u8").symlink_to("nothing")
    found = done("getPlaylists")["playlists"]["playlist"]
    weekly = next(p for p in found if p["name"] == "weekly")
    assert weekly["readonly"] and "broken" not in [p["name"] for p in found]
    assert ids(done("getPlaylist", id=weekly["id"])["playlist"]["entry"]) == ["a01-0-2"]
    assert error("deletePlaylist", id=weekly["id"]) == 50
    (folder / "weekly.m3u8").unlink()


def test_the_queue_goes_from_one_player_to_the_next(done, error):
    assert done("getPlayQueue", user="bob")["playQueue"]["entry"] == []
    queue = ["a00-0-1", "a01-0-1", "a00-0-1"]
    done("savePlayQueue", id=queue, current="a01-0-1", position=61_500, c="phone")
    found = done("getPlayQueue")["playQueue"]
    assert ids(found["entry"]) == queue and found["current"] == "a01-0-1"
    assert found["position"] == 61_500 and found["changedBy"] == "phone"
    done("savePlayQueueByIndex", id=queue, currentIndex=2, position=5)
    assert done("getPlayQueueByIndex")["playQueueByIndex"]["currentIndex"] == 2
    assert error("savePlayQueue", id=queue, current="a09-0-1") == 0
    assert error("savePlayQueueByIndex", id=queue, currentIndex=3) == 0
    assert error("savePlayQueue", id=queue) == 10
    assert error("savePlayQueue", id="nothing", current="nothing") == 70
    done("savePlayQueue")  # empties it
    assert "current" not in done("getPlayQueue")["playQueue"]


def test_bookmarks(done, error):
    done("createBookmark", id="long-1", position=5000, comment="here")
    done("createBookmark", id="long-1", position=7000)
    found = done("getBookmarks")["bookmarks"]["bookmark"]
    assert [(b["position"], b["comment"], b["entry"]["id"]) for b in found] == [
        (7000, "", "long-1")
    ]
    assert done("getBookmarks", user="bob")["bookmarks"]["bookmark"] == []
    done("deleteBookmark", id="long-1")
    assert error("deleteBookmark", id="long-1") == 70
    assert error("createBookmark", id="long-1") == 10


def test_queues_and_bookmarks_are_bounded(small, monkeypatch):
    monkeypatch.setattr("audiorec.serve.subsonic.play_queue.MOST_TRACKS", 1)
    monkeypatch.setattr("audiorec.serve.subsonic.bookmarks.MOST_BOOKMARKS", 1)
    queue = ["one-1", "one-2"]
    assert small.message("savePlayQueue", id=queue, current="one-1") == (
        0, "a queue has at most 1 songs; keep fewer"
    )  # fmt: skip
    assert small.ask("createBookmark", id="one-1", position=1)["status"] == "ok"
    code, message = small.message("createBookmark", id="one-2", position=1)
    assert code == 0 and message == "'ann' has 1 bookmarks; delete some first"
    assert small.ask("createBookmark", id="one-1", position=2)["status"] == "ok"  # moves it


def test_extensions_are_told_truly_and_without_a_login(client, done):
    answer = client.get("/rest/getOpenSubsonicExtensions", params={"f": "json"}).json()
    found = answer["subsonic-response"]["openSubsonicExtensions"]
    assert {each["name"] for each in found} == {
        "apiKeyAuthentication", "formPost", "indexBasedQueue", "playbackReport",
        "sonicSimilarity", "topSongsByArtistId",
    }  # fmt: skip
    assert all(each["versions"] == [1] for each in found)


def test_users_see_themselves(done, error):
    user = done("getUser", username="ann")["user"]
    assert user["streamRole"] and user["scrobblingEnabled"] and not user["videoConversionRole"]
    assert error("getUser", username="bob") == 50
    assert error("getUser") == 10
    assert [each["username"] for each in done("getUsers")["users"]["user"]] == ["ann"]


def test_what_is_not_here_is_an_envelope(done, error):
    for method in ("createUser", "jukeboxControl", "hls.m3u8", "getTranscodeDecision", "nonsense"):
        assert error(method) == 0
    for method in ("getPodcasts", "getInternetRadioStations", "getShares", "getNewestPodcasts",
                   "getVideos", "getLyrics", "getLicense", "getScanStatus"):  # fmt: skip
        done(method)
    assert done("getLyricsBySongId", id="a00-0-1")["lyricsList"]["structuredLyrics"] == []
    assert done("getScanStatus")["scanStatus"] == {"scanning": False, "count": N_ALL}
