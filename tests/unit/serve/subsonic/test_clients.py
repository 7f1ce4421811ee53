"""Clients from elsewhere, as they are, against a running server."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

knuckles = pytest.importorskip("knuckles", reason="no knuckles: pip install 'audiorec-music[dev]'")
libopensonic = pytest.importorskip(
    "libopensonic", reason="no py-opensonic: pip install 'audiorec-music[dev]'"
)
libsonic = pytest.importorskip("libsonic", reason="no py-sonic: pip install 'audiorec-music[dev]'")
NAME, PASSWORD = "ann", "sesame-öffne"


def content_of(served, artist, album, song):
    return (served.music / f"Artist {artist:02d}" / f"Album {album}" / f"{song}.flac").read_bytes()


@pytest.mark.parametrize("by_key", [False, True])
@pytest.mark.parametrize("use_get", [False, True])
def test_py_opensonic(served, by_key, use_get):
    """The asynchronous client, whose models refuse what is missing or of another type."""
    login = {"api_key": served.key} if by_key else {"username": NAME, "password": PASSWORD}

    async def use():
        client = libopensonic.AsyncConnection(
            "http://127.0.0.1", port=served.port, use_get=use_get, **login
        )
        try:
            await browse_and_play(client, served)
            await keep_and_listen(client)
        finally:
            await client.cleanup()

    asyncio.run(use())


async def browse_and_play(client, served):
    assert await client.ping()
    names = [each.name for each in await client.get_open_subsonic_extensions()]
    assert "sonicSimilarity" in names and "apiKeyAuthentication" in names
    # Browse.
    artists = await client.get_artists()
    assert artists.index[0].artist[0].name == "Artist 00"
    artist = await client.get_artist(artists.index[0].artist[0].id)
    album = await client.get_album(artist.album[0].id)
    assert album.song[0].title == "Song 1 of 00-0"
    assert len(await client.get_album_list2("newest", size=5)) == 5
    assert {genre.value for genre in await client.get_genres()} >= {"Rock", "Jazz"}
    assert (await client.get_indexes()).index
    # Search, for everything and for words.
    found = await client.search3('""', song_count=500, album_count=0, artist_count=0)
    assert len(found.song) == 128
    assert (await client.search3("part 2")).song[0].id == "long-2"
    song = await client.get_song("a04-1-2")
    # Stream, whole and in part.
    response = await client.stream(song.id, byte_range="bytes=0-3")
    assert await response.read() == b"fLaC"
    response = await client.download(song.id)
    assert await response.read() == content_of(served, 4, 1, 2)
    cover = await client.get_cover_art("a00-0-1", size=64)
    assert (await cover.read())[:2] in (b"\xff\xd8", b"\x89P")
    with pytest.raises(libopensonic.errors.DataNotFoundError):
        await client.stream("nothing")


async def keep_and_listen(client):
    # Playlists and the queue.
    await client.create_playlist(name="from py-opensonic", song_ids=["a00-0-1", "a01-0-1"])
    kept = [p for p in await client.get_playlists() if p.name == "from py-opensonic"]
    await client.update_playlist(
        kept[0].id, name="changed", song_ids_to_add=["a02-0-1"], song_indices_to_remove=[0]
    )
    playlist = await client.get_playlist(kept[0].id)
    assert playlist.name == "changed"
    assert [entry.id for entry in playlist.entry] == ["a01-0-1", "a02-0-1"]
    await client.create_playlist(playlist_id=kept[0].id, song_ids=["a03-0-1"])
    assert [e.id for e in (await client.get_playlist(kept[0].id)).entry] == ["a03-0-1"]
    await client.delete_playlist(kept[0].id)
    await client.save_play_queue(["a00-0-1", "a01-0-1"], current="a01-0-1", position=1000)
    queue = await client.get_play_queue()
    assert queue.current == "a01-0-1" and queue.position == 1000
    # Listening.
    before = (await client.get_song("a05-0-1")).play_count
    await client.scrobble("a05-0-1", submission=True)
    assert (await client.get_song("a05-0-1")).play_count == before + 1
    song = await client.get_song("a05-0-2")
    await client.star(sids=["a05-0-2"], album_ids=[song.album_id], artist_ids=[song.artist_id])
    starred = await client.get_starred2()
    assert [s.id for s in starred.song] == ["a05-0-2"] and starred.album[0].id == song.album_id
    await client.unstar(sids=["a05-0-2"], album_ids=[song.album_id], artist_ids=[song.artist_id])
    assert not (await client.get_starred2()).song
    await client.set_rating("a05-0-3", 4)
    assert (await client.get_song("a05-0-3")).user_rating == 4
    # By sound.
    matches = await client.get_sonic_similar_tracks("a05-0-1", count=7)
    assert len(matches) == 7 and 1 >= matches[0].similarity >= matches[-1].similarity >= 0
    path = await client.find_sonic_path("a05-0-1", "a06-0-1", count=6)
    assert (path[0].entry.id, path[-1].entry.id) == ("a05-0-1", "a06-0-1")
    assert len(await client.get_similar_songs2(song.artist_id, count=9)) == 9
    top = await client.get_top_songs("Artist 05", count=4)
    assert len(top) == 4 and {song.artist for song in top} == {"Artist 05"}
    user = await client.get_user(NAME)
    assert user.stream_role


@pytest.mark.parametrize("use_token", [False, True])
@pytest.mark.parametrize("request_method", ["GET", "POST"])
def test_knuckles(served, use_token, request_method):
    method = knuckles.RequestMethod[request_method]
    client = knuckles.Subsonic(
        served.url, NAME, PASSWORD, "tests", use_https=False, use_token=use_token,
        request_method=method,
    )  # fmt: skip
    assert client.system.ping().open_subsonic and client.system.get_license().valid
    artists = client.browsing.get_artists()
    assert any(artist.name == "Björk Ünsal" for artist in artists)
    song = client.searching.search("hit 1").songs[0]
    assert song.id == "va-1" and song.created.year >= 2020
    assert client.browsing.get_album(song.album.id).songs
    assert len(client.lists.get_random_songs(5)) == 5
    assert client.lists.get_album_list_alphabetical_by_name(3)
    made = client.playlists.create_playlist("from knuckles", song_ids=["a00-0-1", "a00-0-2"])
    assert [each.id for each in client.playlists.get_playlist(made.id).songs] == [
        "a00-0-1", "a00-0-2",
    ]  # fmt: skip
    client.playlists.delete_playlist(made.id)
    client.media_annotation.scrobble(
        ["a06-0-4"], [datetime.fromtimestamp(1_600_000_000, tz=UTC)], submission=True
    )
    assert client.browsing.get_song("a06-0-4").played.year == 2020
    client.media_annotation.star_song("a06-0-5")
    assert client.browsing.get_song("a06-0-5").starred is not None
    client.media_annotation.unstar_song("a06-0-5")
    assert len(client.browsing.get_similar_songs(song.id, 6)) == 6
    url = client.media_retrieval.stream(song.id)
    assert url.startswith(f"{served.url}/rest/stream")


def test_py_sonic(served):
    """The oldest of them, by POST and without the suffix of OpenSubsonic."""
    client = libsonic.Connection("http://127.0.0.1", NAME, PASSWORD, served.port)
    assert client.ping()
    index = client.getIndexes()["indexes"]["index"]
    folder = client.getMusicDirectory(index[0]["artist"][0]["id"])["directory"]
    assert folder["child"][0]["isDir"]
    found = client.search3("part 2")["searchResult3"]["song"]
    assert [each["id"] for each in found] == ["long-2"]
    assert client.stream("a01-1-1").read() == content_of(served, 1, 1, 1)
    assert client.getCoverArt("a00-0-1").read(2) in (b"\xff\xd8", b"\x89P")
    client.createPlaylist(name="from py-sonic", songIds=["a00-0-1", "a01-1-1"])
    lists = client.getPlaylists()["playlists"]["playlist"]
    kept = next(each for each in lists if each["name"] == "from py-sonic")
    client.updatePlaylist(kept["id"], songIdsToAdd=["a02-0-1"], songIndexesToRemove=[0])
    entry = client.getPlaylist(kept["id"])["playlist"]["entry"]
    assert [each["id"] for each in entry] == ["a01-1-1", "a02-0-1"]
    client.deletePlaylist(kept["id"])
    assert client.scrobble("a01-1-1")
    assert client.getSong("a01-1-1")["song"]["playCount"] == 1
    client.star(sids=["a01-1-2"])
    assert [s["id"] for s in client.getStarred2()["starred2"]["song"]] == ["a01-1-2"]
    client.unstar(sids=["a01-1-2"])
    assert client.getSimilarSongs("a01-1-1")["similarSongs"]["song"]
    wrong = libsonic.Connection("http://127.0.0.1", NAME, "wrong-password", served.port)
    with pytest.raises(libsonic.errors.CredentialError):
        wrong.ping()
