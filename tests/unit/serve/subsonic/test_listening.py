"""Stars, ratings and plays of players are listening; files are streamed and no plays.

`ask` checks each answer against the specification's schema.
"""

from __future__ import annotations

import io
import os
import socket
import time
from collections import Counter

import numpy as np
import soundfile
from PIL import Image

from audiorec.data import import_plays

from ....waiting import wait_until
from .asking import ids, listed, song_of, stored


def test_stars_are_likes_and_come_back(served, done, error):
    album = song_of(done, "a02-0-1")["albumId"]
    artist = song_of(done, "a02-0-1")["artistId"]
    done("star", id=["a02-0-1", "a02-0-2"], albumId=album, artistId=artist)
    for method, key in (("getStarred", "starred"), ("getStarred2", "starred2")):
        starred = done(method)[key]
        assert set(ids(starred["song"])) == {"a02-0-1", "a02-0-2"}
        assert ids(starred["album"]) == [album] and ids(starred["artist"]) == [artist]
        assert starred["song"][0]["starred"].startswith("20")
    assert "starred" in done("getAlbum", id=album)["album"]
    assert ids(listed(done, "starred")) == [album]
    assert done("getStarred2", user="bob")["starred2"]["song"] == []
    done("unstar", id="a02-0-2", albumId=album)
    assert ids(done("getStarred2")["starred2"]["song"]) == ["a02-0-1"]
    assert done("getStarred2")["starred2"]["album"] == []
    # A client that browses folders stars an album by the parameter of a song.
    done("star", id=album)
    assert ids(done("getStarred2")["starred2"]["album"]) == [album]
    done("unstar", id=[album, artist])
    assert error("star") == 10
    assert error("star", id="nothing") == 70
    assert error("star", albumId="a02-0-1") == 70
    assert stored(served, "ann", "a02-0-1")["rating"] == [1.0]


def test_ratings(done, error):
    done("setRating", id="a03-0-1", rating=5)
    done("setRating", id="a03-0-2", rating=1)
    assert song_of(done, "a03-0-1")["userRating"] == 5
    assert song_of(done, "a03-0-2")["userRating"] == 1
    assert "userRating" not in done("getSong", id="a03-0-1", user="bob")["song"]
    assert listed(done, "highest")[0]["name"] == "Album 0"
    done("setRating", id="a03-0-1", rating=0)
    assert "userRating" not in song_of(done, "a03-0-1")
    assert error("setRating", id="a03-0-1", rating=6) == 0
    assert error("setRating", id="a03-0-1", rating=-1) == 0
    assert error("setRating", id="a03-0-1") == 10
    assert error("setRating", id="nothing", rating=3) == 70


def test_scrobbles_are_plays_at_their_times(served, done, error):
    def artists(kind):
        return Counter(album["artist"] for album in listed(done, kind))

    first, second = 1_700_000_000, 1_700_000_400
    before = {kind: artists(kind) for kind in ("frequent", "recent")}
    done("scrobble", id=["a04-0-1", "a04-0-2"], time=[first * 1000, second * 1000 + 700])
    song = song_of(done, "a04-0-2")
    assert song["playCount"] == 1 and song["played"] == "2023-11-14T22:20:00.000Z"
    assert stored(served, "ann", "a04-0-2")["timestamp"] == [second]
    assert stored(served, "ann", "a04-0-1")["plays"] == [1.0]
    for kind, there in before.items():
        assert artists(kind) == there | {"Artist 04": 1}
    # What is being played is no play yet.
    done("scrobble", id="a04-0-3", submission="false", c="phone")
    assert song_of(done, "a04-0-3")["playCount"] == 0
    now = done("getNowPlaying")["nowPlaying"]["entry"]
    assert [(e["id"], e["username"], e["playerName"]) for e in now] == [("a04-0-3", "ann", "phone")]
    before = time.time()
    done("scrobble", id="a04-0-4")  # now, a submission where nothing else is said
    assert song_of(done, "a04-0-4")["playCount"] == 1
    assert stored(served, "ann", "a04-0-4")["timestamp"][0] >= int(before)
    assert error("scrobble", id="a04-0-1", time=[1, 2]) == 0
    assert error("scrobble", id="a04-0-1", time=-1) == 0
    assert error("scrobble") == 10
    assert error("scrobble", id=["a04-0-1", "nothing"]) == 70
    assert song_of(done, "a04-0-1")["playCount"] == 1  # all of a request or none


def test_imported_plays_count_beside_those_made_here(served, done, tmp_path):
    file = tmp_path / "plays.csv"
    rows = ["ann,a09-0-1,3,1500000000", "ann,a09-0-2,9,", "bob,a09-0-1,50,1600000000"]
    file.write_text("user_id,track_id,plays,timestamp\n" + "\n".join(rows))
    with served.workspace.writing():
        import_plays(served.workspace.plays, file)
    done("scrobble", id="a09-0-1", time=1_550_000_000_000)
    wait_until(lambda: song_of(done, "a09-0-1")["playCount"] == 4)
    assert song_of(done, "a09-0-1")["played"].startswith("2019-02-12")
    assert song_of(done, "a09-0-2")["playCount"] == 9
    assert "played" not in song_of(done, "a09-0-2")
    assert listed(done, "frequent")[0]["artist"] == "Artist 09"
    stored(served, "ann", "a09-0-1")
    assert song_of(done, "a09-0-1")["playCount"] == 4  # taken in, it counts once all the same


def test_where_a_report_stops_decides(done, error):
    report = {"mediaType": "song", "mediaId": "a06-0-1"}  # of 240 s: half is enough
    done("reportPlayback", **report, positionMs=0, state="starting")
    done("reportPlayback", **report, positionMs=119_000, state="stopped")
    assert song_of(done, "a06-0-1")["playCount"] == 0
    done("reportPlayback", **report, positionMs=121_000, state="stopped", ignoreScrobble="true")
    assert song_of(done, "a06-0-1")["playCount"] == 0
    done("reportPlayback", **report, positionMs=121_000, state="stopped")
    assert song_of(done, "a06-0-1")["playCount"] == 1
    assert error("reportPlayback", **report, positionMs=0, state="dancing") == 0
    assert (
        error("reportPlayback", mediaId="x", mediaType="song", positionMs=0, state="playing") == 70
    )


def fetch(client, served, method, headers=None, **parameters):
    parameters = {"apiKey": served.key, "f": "json"} | parameters
    return client.get(f"/rest/{method}", params=parameters, headers=headers)


def test_streams_have_ranges_and_are_no_plays(client, served, done):
    content = (served.music / "Artist 07" / "Album 0" / "1.flac").read_bytes()
    whole = fetch(client, served, "stream", id="a07-0-1", maxBitRate=64, format="mp3")
    assert whole.status_code == 200 and whole.content == content
    assert whole.headers["content-type"] == "audio/flac"  # as it is: nothing is transcoded
    assert whole.headers["accept-ranges"] == "bytes"
    part = fetch(client, served, "stream", id="a07-0-1", headers={"Range": "bytes=10-19"})
    assert part.status_code == 206 and part.content == content[10:20]
    assert part.headers["content-range"] == f"bytes 10-19/{len(content)}"
    assert fetch(client, served, "download", id="a07-0-1").content == content
    posted = client.post("/rest/stream", data={"apiKey": served.key, "id": "a07-0-1"})
    assert posted.content == content
    assert song_of(done, "a07-0-1")["playCount"] == 0
    head = client.head("/rest/stream", params={"apiKey": served.key, "id": "a07-0-1"})
    assert head.status_code == 200 and head.headers["content-length"] == str(len(content))


def test_a_song_cut_short_while_it_is_streamed_ends_the_connection(served, done, caplog):
    """Not the server; its log says in a line why."""
    path = served.music / "Artist 07" / "Album 1" / "1.flac"
    whole = path.read_bytes()
    path.write_bytes(bytes(12_000_000))
    with socket.create_connection(("127.0.0.1", served.port), timeout=60) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        target = f"/rest/stream?apiKey={served.key}&id=a07-1-1"
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        n_bytes = len(connection.recv(65_536))
        os.truncate(path, 1_000_000)
        while block := connection.recv(1 << 20):
            n_bytes += len(block)
    path.write_bytes(whole)
    assert n_bytes < 12_000_000
    assert done("ping")
    assert "a file became shorter while it was sent; play it again" in caplog.text


def test_a_part_of_a_file_is_cut_out(client, served, done):
    whole, sr = soundfile.read(served.music / "Sheet" / "album.flac", dtype="float32")
    first, second = (fetch(client, served, "stream", id=f"cue-{n}") for n in (1, 2))
    parts = [
        soundfile.read(io.BytesIO(each.content), dtype="float32")[0] for each in (first, second)
    ]
    assert [len(part) for part in parts] == [round(0.04 * sr), len(whole) - round(0.04 * sr)]
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=2**-14)
    song = song_of(done, "cue-1")
    assert song["contentType"] == first.headers["content-type"] == "audio/flac"
    assert song["suffix"] == "flac"
    ranged = fetch(client, served, "stream", id="cue-1", headers={"Range": "bytes=0-3"})
    assert ranged.status_code == 206 and ranged.content == b"fLaC"


def test_streams_of_what_is_no_song(client, served):
    for id_ in ("nothing", "../../etc/passwd", "/etc/passwd", "\0", str(served.music)):
        response = fetch(client, served, "stream", id=id_)
        assert response.json()["subsonic-response"]["error"]["code"] == 70
    path = served.music / "Artist 08" / "Album 0" / "1.flac"
    aside = path.rename(path.with_suffix(".aside"))
    try:
        response = fetch(client, served, "stream", id="a08-0-1")
        assert response.json()["subsonic-response"]["error"]["code"] == 70
    finally:
        aside.rename(path)
    xml = client.get("/rest/stream", params={"apiKey": served.key, "id": "nothing"})
    assert xml.headers["content-type"].startswith("text/xml")


def test_covers(client, served, done):
    song = song_of(done, "a00-0-1")
    for id_ in (song["id"], song["coverArt"], song["albumId"], song["artistId"], song["parent"]):
        response = fetch(client, served, "getCoverArt", id=id_)
        assert response.headers["content-type"] in ("image/png", "image/jpeg")
        assert Image.open(io.BytesIO(response.content)).size == (600, 600)
    letters = done("getIndexes")["indexes"]["index"]
    long = next(a for letter in letters for a in letter["artist"] if a["name"] == "Long")
    response = fetch(client, served, "getCoverArt", id=long["id"])  # whose discs have none
    assert "has no cover" in response.json()["subsonic-response"]["error"]["message"]
    small = fetch(client, served, "getCoverArt", id=song["coverArt"], size=100)
    assert 100 <= max(Image.open(io.BytesIO(small.content)).size) <= 200
    for id_ in ("a09-0-1", "nothing"):
        response = fetch(client, served, "getCoverArt", id=id_)
        assert response.json()["subsonic-response"]["error"]["code"] == 70
    assert fetch(client, served, "getAvatar", username="ann").json()


def test_plays_that_are_damaged_count_nothing(small):
    small.workspace.plays.mkdir()
    (small.workspace.plays / "manifest.json").write_text("{")
    assert small.ask("scrobble", id="one-1")["status"] == "ok"
    assert small.ask("getSong", id="one-1")["song"]["playCount"] == 1
