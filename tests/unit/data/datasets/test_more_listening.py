"""Listening and tracks of the larger sets and of those with audio, traps included."""

from __future__ import annotations

import bz2

import polars as pl
import pytest

from audiorec.data import check_dataset, import_plays
from audiorec.data.datasets import NAMES, dataset
from audiorec.data.plays import PlayedNames, load_plays, remove_parts
from audiorec.exceptions import DataError


def rows(plays):
    return plays.select("user_id", "track_id", "plays").rows()


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")


def test_music4all(fixture, imported):
    """Tables that end in .csv and are parted by tabs; quotes are letters."""
    folder = fixture("music4all")
    touch(folder, "audios/DaTQ53TUmfP93FSr.mp3", "audios/unknown.mp3")
    report, tracks, plays = imported("music4all", folder)
    assert rows(plays) == [
        ("user_007XIjOr", "DaTQ53TUmfP93FSr", 1.0),
        ("user_007XIjOr", "dGeyvi5WCOjDU7da", 1.0),
    ]
    assert plays["timestamp"].to_list() == [1550665680, 1550666100]
    assert report.left_out == {"plays at an impossible time": 1}
    (track,) = tracks
    assert track.artist == '"Weird Al" Yankovic' and track.title == 'Say "so'
    assert track.album == "Album, with a comma" and track.genre == "pop, comedy"


def test_music4all_onion_takes_events_before_counts(fixture, imported):
    folder = fixture("music4all-onion")
    for file in list(folder.iterdir()):
        file.with_name(f"{file.name}.bz2").write_bytes(bz2.compress(file.read_bytes()))
        file.unlink()
    _, _, plays = imported("music4all-onion", folder)
    assert len(plays) == 3 and plays["timestamp"].null_count() == 0
    (folder / "userid_trackid_timestamp.tsv.bz2").unlink()
    _, _, plays = imported("music4all-onion", folder)
    assert rows(plays) == [("1", "DaTQ53TUmfP93FSr", 5.0), ("2", "dGeyvi5WCOjDU7da", 1.0)]


def test_lfm_2b(fixture, imported):
    folder = fixture("lfm-2b")
    report, _, plays = imported("lfm-2b", folder)
    assert rows(plays) == [("1", "1", 1.0), ("1", "2", 1.0)]
    assert report.left_out == {"plays at an impossible time": 1}
    (folder / "listening_events.tsv").unlink()
    assert check_dataset("lfm-2b", folder).ok
    assert rows(imported("lfm-2b", folder)[2]) == [("1", "1", 7.0)]
    (folder / "listening_counts.tsv").unlink()
    assert len(check_dataset("lfm-2b", folder).missing) == 2


def test_a_header_that_is_another(fixture, imported):
    folder = fixture("lfm-2b")
    file = folder / "listening_events.tsv"
    file.write_text(file.read_text().replace("timestamp", "time"))
    with pytest.raises(DataError, match=r"has no column 'timestamp' \(its columns: user_id, "):
        imported("lfm-2b", folder)


YAMBDA = pl.DataFrame(
    {
        "uid": [100, 100, 100, 100, 200],
        "item_id": [7, 8, 9, 7, 7],
        "timestamp": [0, 5, 10, 15, 20],
        "is_organic": [1, 0, 1, 1, 1],
        "played_ratio_pct": [50, 5, 40, 127, 45],
        "track_length_seconds": [180, 200, 200, 180, 600],
    },
    schema_overrides={"uid": pl.UInt32, "item_id": pl.UInt32, "timestamp": pl.UInt32},
)


@pytest.mark.parametrize("shape", ["flat", "sequential"])
def test_yambda(tmp_path, imported, shape):
    """Half or four minutes is a play, under 30 s a skip; shares may be above 100 %, a time 0."""
    folder = tmp_path / "yambda" / shape
    folder.mkdir(parents=True)
    frame = YAMBDA if shape == "flat" else YAMBDA.group_by("uid", maintain_order=True).all()
    frame.write_parquet(folder / "listens.parquet")
    report, _, plays = imported("yambda", folder)
    assert plays.select("user_id", "track_id", "timestamp", "skipped").rows() == [
        ("100", "7", 0, 0.0),
        ("100", "7", 15, 0.0),
        ("100", "8", 5, 1.0),
        ("200", "7", 20, 0.0),
    ]
    assert report.left_out == {"listens that are neither a play nor a skip": 1}


@pytest.mark.parametrize("shape", ["flat", "sequential"])
def test_yambda_likes(tmp_path, imported, shape):
    """The last word counts, and one that is taken back is none."""
    YAMBDA.write_parquet(tmp_path / "listens.parquet")
    said = {
        "likes": [(100, 7, 10), (100, 8, 10), (200, 7, 30)],
        "unlikes": [(100, 8, 20), (200, 7, 15)],
        "dislikes": [(100, 9, 5), (200, 7, 20)],
    }
    for name, events in said.items():
        frame = pl.DataFrame(events, schema=["uid", "item_id", "timestamp"], orient="row")
        if shape == "sequential":
            frame = frame.group_by("uid", maintain_order=True).all()
        frame.write_parquet(tmp_path / f"{name}.parquet")
    _, _, plays = imported("yambda", tmp_path)
    rated = plays.filter(pl.col("rating").is_not_null()).sort("user_id", "track_id")
    assert rated.select("user_id", "track_id", "plays", "rating").rows() == [
        ("100", "7", 0.0, 1.0), ("100", "9", 0.0, -1.0), ("200", "7", 0.0, 1.0),
    ]  # fmt: skip
    assert len(plays) - len(rated) == 4


def test_yambda_that_is_none(tmp_path, imported):
    (tmp_path / "y").mkdir()
    (tmp_path / "y" / "listens.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match="is no Parquet file"):
        imported("yambda", tmp_path / "y")
    YAMBDA.drop("timestamp").write_parquet(tmp_path / "y" / "listens.parquet")
    with pytest.raises(DataError, match="has no column 'timestamp'"):
        imported("yambda", tmp_path / "y")


def test_yambda_with_damaged_pages(tmp_path, imported):
    file = tmp_path / "y" / "listens.parquet"
    file.parent.mkdir()
    YAMBDA.write_parquet(file)
    raw = file.read_bytes()
    file.write_bytes(raw[:4] + bytes(200) + raw[204:])
    with pytest.raises(DataError, match=r"listens.parquet cannot be read \(.*\); fetch it again"):
        imported("yambda", file.parent)


def test_melon(fixture, imported):
    report, _, plays = imported("melon", fixture("melon"))
    assert rows(plays) == [
        ("playlist-10532", "melon-129701", 1.0),
        ("playlist-61281", "melon-129701", 1.0),
        ("playlist-61281", "melon-525514", 1.0),
        ("playlist-61281", "melon-525514", 1.0),
    ]
    assert report.left_out == {"rows that cannot be read": 1, "playlists that cannot be read": 1}


def test_melon_that_is_none(fixture, imported):
    folder = fixture("melon")
    (folder / "train.json").write_text('{"id": 1}')
    with pytest.raises(DataError, match="is no JSON list"):
        imported("melon", folder)


def test_melon_without_songs(fixture, imported):
    folder = fixture("melon")
    (folder / "train.json").write_text('[{"id": 1, "songs": []}]')
    with pytest.raises(DataError, match=r"train.json has no songs in its playlists; fetch it"):
        imported("melon", folder)


def test_melon_without_names(fixture, tmp_path):
    """A spectrogram is a track whether its song has a name or not."""
    folder = fixture("melon")
    touch(folder, "0/0.npy", "1/1000.npy", "1/notes.npy")
    titles = {id_: track.title for id_, track in tracks_of("melon", folder, tmp_path).items()}
    assert titles == {"melon-0": "S", "melon-1000": ""}
    (folder / "song_meta.json").unlink()
    titles = {id_: track.title for id_, track in tracks_of("melon", folder, tmp_path).items()}
    assert titles == {"melon-0": "", "melon-1000": ""}


def tracks_of(name, folder, tmp_path):
    from audiorec.data.datasets import DatasetFolder

    return {t.track_id: t for t in dataset(name).tracks(DatasetFolder(folder, scratch=tmp_path))}


def test_mtg_jamendo(fixture, tmp_path):
    """Tags are ragged; the low-quality copy is named 215.low.mp3."""
    folder = fixture("mtg-jamendo")
    touch(folder, "raw_30s/14/214.mp3", "raw_30s/15/215.low.mp3")
    found = tracks_of("mtg-jamendo", folder, tmp_path)
    assert list(found) == ["track_0000214", "track_0000215"]
    named, unnamed = found["track_0000215"], found["track_0000214"]
    assert (named.artist, named.title, named.year) == ("The Band", 'Amour "chic', "2004")
    assert named.genre == "metal, rock"
    assert unnamed.artist == "artist_000014" and unnamed.genre == "punkrock"
    (folder / "raw.meta.tsv").unlink()
    assert len(tracks_of("mtg-jamendo", folder, tmp_path)) == 2


def test_fma(fixture, tmp_path):
    """Two rows of header, line breaks within quotes, ids without their zeros."""
    folder = fixture("fma")
    touch(folder, "fma_small/000/000002.mp3", "fma_small/005/005123.mp3")
    found = tracks_of("fma", folder, tmp_path)
    assert list(found) == ["000002", "005123"]
    assert found["000002"][2:] == ("AWOL", "Food", "AWOL - A Way Of Life", "2009", "Hip-Hop")
    assert found["005123"][2:] == ("Björk", 'Say "so"', "Album, with a comma", "", "")


def test_fma_with_one_row_of_header(fixture, tmp_path):
    folder = fixture("fma")
    (folder / "tracks.csv").write_text("track_id,title\n2,Food\n")
    with pytest.raises(DataError, match="has no column 'artist name' in its two header rows"):
        tracks_of("fma", folder, tmp_path)


def test_sets_without_listening_store_none(fixture, tmp_path):
    from audiorec.data import add_dataset
    from audiorec.data.plays import writing_plays

    for name in ("fma", "mtg-jamendo"):
        with writing_plays(tmp_path / "plays") as writer:
            report, _ = add_dataset(writer, name, fixture(name))
            assert report.imported is None and not writer.parts


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("msd", {"TRAAAAA128F0000001": ("Björk", 'A "quoted" one')}),
        ("music4all", {"dGeyvi5WCOjDU7da": ("Björk", "Jóga"),
                       "DaTQ53TUmfP93FSr": ('"Weird Al" Yankovic', 'Say "so')}),
        ("lfm-1b", {"4": ("Björk", 'A "quoted" one'), "5": ("", "Unplayed")}),
        ("lastfm-1k", {"name:deep dish - dub me (live mix)": ("Deep Dish", "Dub Me (Live Mix)")}),
        ("hetrec", {"lastfm-artist-51": ("Duran Duran", "")}),
    ],
)  # fmt: skip
def test_names_of_tracks_come_in(fixture, imported, tmp_path, name, expected):
    """Those of tracks that somebody has played, as the set writes them."""
    folder = fixture(name)
    if name == "music4all":
        (folder / "listening_history.csv").write_text(
            "user\tsong\ttimestamp\nu\tdGeyvi5WCOjDU7da\t2019-02-20 12:28\n"
            "u\tDaTQ53TUmfP93FSr\t2019-02-20 12:28\n"
        )
    _, _, plays = imported(name, folder)
    named = PlayedNames(tmp_path / "plays")
    tracks = named.tracks(plays["track_id"].to_list())
    found = {track_id: (track.artist, track.title) for track_id, track in tracks.items()}
    assert found.items() >= expected.items()
    track_id, (artist, title) = next(iter(expected.items()))
    assert named.ids_by_name(f"{artist} - {title}".upper()) == [track_id]


def test_names_go_with_their_listening(fixture, imported, tmp_path):
    imported("hetrec", fixture("hetrec"))
    (tmp_path / "own.csv").write_text("user_id,track_id,plays\nme,x,1\n")
    import_plays(tmp_path / "plays", tmp_path / "own.csv")
    remove_parts(tmp_path / "plays", "hetrec")
    assert not list((tmp_path / "plays").glob("titles*"))
    assert load_plays(tmp_path / "plays")["track_id"].to_list() == ["x"]


def test_docs_and_list_name_every_set():
    from pathlib import Path

    text = (Path(__file__).parents[4] / "docs/datasets.md").read_text(encoding="utf-8")
    for name in NAMES:
        assert f"| `{name}` |" in text, name
        for file in dataset(name).FILES:
            assert f"`{file.name}`" in text, f"{name}: {file.name}"
