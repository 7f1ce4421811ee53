from __future__ import annotations

import numpy as np
import pytest

from audiorec.data.catalog import Catalog, FileRow, Track
from audiorec.embeddings import Embeddings
from audiorec.index import IndexConfig, build_index
from audiorec.recommend import recommend, similar, similar_many, song_of, songs_of


def track(title, artist="Alma Ro", track_id="t"):
    return Track(
        track_id=track_id, path=f"/{track_id}.mp3", artist=artist, title=title, album="", year=None,
        genre="", duration=200.0, sr=44_100, channels=2, format="mp3", clip_hash=track_id,
    )  # fmt: skip


@pytest.mark.parametrize(
    "title",
    [
        "Night Train (Live)",
        "Night Train - Live at the Roxy, 1994",
        "Night Train - 2011 Remaster",
        "Night Train [Remastered 2009]",
        "night train (2011)",
        "Night Train (Radio Edit)",
        "Night Train (Acoustic)",
    ],
)
def test_versions_are_one_song(title):
    assert song_of(track(title)) == song_of(track("Night Train"))
    assert song_of(track(title, artist="Alma Ro feat. Somebody")) == song_of(track("Night Train"))


@pytest.mark.parametrize(
    ("title", "artist"),
    [
        ("Night Train", "Somebody Else"),
        ("Night Train (Someone Remix)", "Alma Ro"),
        ("Night Train, Pt. 2", "Alma Ro"),
        ("Live Night Train", "Alma Ro"),
    ],
)
def test_other_songs_are_not(title, artist):
    assert song_of(track(title, artist=artist)) != song_of(track("Night Train"))


@pytest.mark.parametrize("artist", ["", "Unknown Artist", "Various Artists"])
def test_songs_by_nobody_are_no_versions(artist):
    songs = {song_of(track("Intro", artist=artist, track_id=id_)) for id_ in "ab"}
    assert songs == {""}


@pytest.fixture
def library(tmp_path):
    """Five tracks in a row, nearest first; b is live, c remastered, e another song by nobody."""
    titles = {"a": "Song", "b": "Song (Live)", "c": "Song - 2011 Remaster", "d": "Other", "e": ""}
    tracks = [track(title, track_id=id_) for id_, title in titles.items()]
    angles = np.linspace(0, 0.8, 5)
    vectors = Embeddings(list(titles), np.stack([np.cos(angles), np.sin(angles)], axis=1))
    with Catalog(tmp_path / "c.sqlite") as catalog:
        catalog.replace([], [FileRow(each) for each in tracks])
        yield build_index(vectors, config=IndexConfig()), catalog


def test_an_answer_has_one_version_of_a_song(library):
    index, catalog = library
    songs = songs_of(catalog)

    def ids(matches):
        return [match.track_id for match in matches]

    assert ids(similar(index, None, ["e"], k=3, songs=songs)) == ["d", "c"]
    assert ids(similar(index, None, ["e"], k=3)) == ["d", "c", "b"]
    assert ids(similar(index, None, ["b"], k=3, songs=songs)) == ["d", "e"]
    assert [ids(m) for m in similar_many(index, None, [["e"], ["b"]], k=3, songs=songs)] == [
        ["d", "c"],
        ["d", "e"],
    ]
    assert ids(recommend(index, np.array([1.0, 0.0]), k=9, songs=songs)) == ["a", "d", "e"]
    # What was played leaves the versions that were not.
    assert ids(recommend(index, np.array([1.0, 0.0]), k=9, played=["a"], songs=songs))[0] == "b"
