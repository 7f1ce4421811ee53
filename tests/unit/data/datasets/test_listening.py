"""Listening of data sets, traps included."""

from __future__ import annotations

import bz2
import gzip
import shutil
import zipfile
from pathlib import Path

import polars as pl
import pytest

from audiorec.data import check_dataset
from audiorec.data.plays import load_plays
from audiorec.exceptions import ArtifactError, DataError, ParameterError


def sums(plays):
    """Plays of each listener and track."""
    summed = plays.group_by("user_id", "track_id").agg(pl.col("plays").sum())
    return {(user, track): n for user, track, n in summed.iter_rows()}


HETREC = {
    ("2", "lastfm-artist-51"): 13883,
    ("2", "lastfm-artist-52"): 11690,
    ("3", "lastfm-artist-51"): 316,
    ("4", "lastfm-artist-52"): 7,
}


@pytest.mark.parametrize("header", ["", "userID\tartistID\tweight\r\n"])
def test_hetrec(fixture, imported, header):
    """With and without a header; blanks around ids and counts; a count of 0 says nothing."""
    folder = fixture("hetrec")
    file = folder / "user_artists.dat"
    file.write_bytes(header.encode() + file.read_bytes())
    report, tracks, plays = imported("hetrec", folder)
    assert sums(plays) == HETREC
    assert report.left_out == {"rows of no plays": 1}
    assert not tracks


def test_taste_profile(fixture, imported):
    folder = fixture("msd")
    (folder / "audio" / "A").mkdir(parents=True)
    (folder / "audio" / "A" / "TRAAAAA128F0000001.mp3").write_bytes(b"")
    report, tracks, plays = imported("msd", folder)
    a, b = "a" * 40, "b" * 40
    assert sums(plays) == {
        (a, "TRAAAAA128F0000001"): 3,
        (a, "TRBBBBB128F0000002"): 1,  # the first of two tracks
        (b, "TRAAAAA128F0000001"): 5,
        (b, "SOCCCCC12AB0000003"): 1,  # has no track
        (b, "TREEEEE128F0000055"): 4,  # the first track of it is known to be wrong
    }
    assert report.left_out == {
        "plays of songs with a wrong track alone": 1,
        "rows that cannot be read": 1,
    }
    (row,) = tracks
    assert row[0] == "TRAAAAA128F0000001"
    assert (row.artist, row.title) == ("Björk", 'A "quoted" one')


def test_taste_profile_alone_has_songs(fixture, imported):
    folder = fixture("msd")
    for name in ("taste_profile_song_to_tracks", "sid_mismatches", "unique_tracks"):
        (folder / f"{name}.txt").unlink()
    _, _, plays = imported("msd", folder)
    assert set(plays["track_id"]) >= {"SOAAAAA12AB0000001", "SODDDDD12AB0000004"}
    assert len(plays) == 6


def test_million_playlist(fixture, imported):
    report, _, plays = imported("million-playlist", fixture("million-playlist"))
    one, two = (f"spotify:track:{str(n) * 22}" for n in (1, 2))
    assert sums(plays) == {
        ("playlist-0", one): 1,
        ("playlist-0", two): 1,
        ("playlist-1", one): 1,
        ("playlist-1000", two): 2,
    }
    assert report.left_out == {"rows that cannot be read": 1, "playlists that cannot be read": 1}
    assert set(plays["session_id"]) == {"playlist-0", "playlist-1", "playlist-1000"}


def test_million_playlist_in_the_order_of_its_positions(fixture, tmp_path):
    from audiorec.data.datasets import DatasetFolder, dataset

    read = dataset("million-playlist").read(
        DatasetFolder(fixture("million-playlist"), scratch=tmp_path)
    )
    tracks = read.plays.filter(pl.col("user_id") == "playlist-0").collect()["track_id"]
    assert [track[-1] for track in tracks] == ["1", "2"]


def test_lfm_1b(fixture, imported):
    """An event that stands twice counts once; one at the time 0 is left out."""
    report, _, plays = imported("lfm-1b", fixture("lfm-1b"))
    assert sums(plays) == {("31435741", "4"): 2, ("31435742", "5"): 1}
    assert report.imported.duplicates == 1
    assert report.left_out == {"plays at an impossible time": 1}
    assert plays["timestamp"].to_list() == [1385212642, 1385212958, 1385209508]


def test_lastfm_1k(fixture, imported):
    """Quotes part nothing; tracks without an id go by name, whatever its case; clocks are wrong."""
    report, _, plays = imported("lastfm-1k", fixture("lastfm-1k"))
    assert sums(plays) == {
        ("user_000001", "6e2f1d1c-0000-4000-8000-000000000001"): 1,
        ("user_000001", "name:deep dish - dub me (live mix)"): 1,
        ("user_000002", "name:deep dish - dub me (live mix)"): 1,
        ("user_000002", 'name:"weird al" yankovic - say "so'): 1,
    }
    assert report.left_out == {"plays at an impossible time": 1, "rows that cannot be read": 1}
    assert plays["timestamp"].max() == 1241478537


def pack(file, how):
    data = file.read_bytes()
    if how == "gz":
        file.with_name(f"{file.name}.gz").write_bytes(gzip.compress(data))
    elif how == "bz2":
        file.with_name(f"{file.name}.bz2").write_bytes(bz2.compress(data))
    elif how == "zip":
        with zipfile.ZipFile(file.with_name("all.zip"), "w") as archive:
            archive.write(file, f"set/{file.name}")
    else:
        lines = pl.DataFrame({"line": data.decode().splitlines()})
        lines.lazy().sink_csv(
            file.with_name(f"{file.name}.zst"),
            compression="zstd",
            include_header=False,
            quote_style="never",
        )
    file.unlink()


@pytest.mark.parametrize("how", ["gz", "bz2", "zst", "zip"])
def test_compressed(fixture, imported, how):
    folder = fixture("hetrec")
    pack(folder / "user_artists.dat", how)
    assert sums(imported("hetrec", folder)[2]) == HETREC


@pytest.mark.parametrize("how", ["gz", "bz2", "zst", "zip"])
def test_json_compressed(fixture, imported, how):
    folder = fixture("melon")
    plain = imported("melon", folder)[2]
    pack(folder / "train.json", how)
    assert imported("melon", folder)[2].equals(plain)


@pytest.mark.parametrize("how", ["gz", "bz2", "zst", "zip"])
def test_a_bomb_is_given_up(fixture, imported, monkeypatch, tmp_path, how):
    """What unpacks to far more than any table would; nothing is imported of it."""
    monkeypatch.setattr("audiorec.data.datasets.dataset_files.ALWAYS_UNPACKED", 1 << 20)
    folder = fixture("hetrec")
    table = folder / "user_artists.dat"
    before = imported("hetrec", folder)[2]
    table.write_bytes(table.read_bytes() + b"2\t51\t" + b"0" * (64 << 20) + b"1\r\n")
    with zipfile.ZipFile(folder / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(table, f"set/{table.name}")
    if how == "zip":
        table.unlink()
    else:
        (folder / "all.zip").unlink()
        pack(table, how)
    with pytest.raises(DataError, match=r"unpacks to more than \d+ MB"):
        imported("hetrec", folder)
    assert load_plays(tmp_path / "plays").height == before.height


def test_again_is_not_counted_twice(fixture, imported, tmp_path):
    folder = fixture("hetrec")
    imported("hetrec", folder)
    report, _, plays = imported("hetrec", folder)
    assert report.imported.replaced == 4 and sums(plays) == HETREC
    moved = shutil.copytree(folder, tmp_path / "moved")
    report, _, plays = imported("hetrec", moved)
    assert report.imported.replaced == 4 and sums(plays) == HETREC


def test_two_sets_in_one_workspace_are_refused(fixture, imported):
    imported("hetrec", fixture("hetrec"))
    with pytest.raises(DataError, match=r"holds the data set hetrec.*plays remove hetrec"):
        imported("lfm-1b", fixture("lfm-1b"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"2,51,13883\n3,51,2\n", "fewer than 3 columns in 100% of its first rows"),
        (b"2\tx\t\xff\n2\ty\tmany\n2\ty\t-4\n", "0 usable rows among 3"),
        (b"\x1f\x8b\x08\x00broken", "cannot be read|usable rows|fewer than"),
    ],
)
def test_a_file_that_is_another(fixture, imported, content, said):
    folder = fixture("hetrec")
    imported("hetrec", folder)
    (folder / "user_artists.dat").write_bytes(content)
    with pytest.raises(DataError, match=said) as error:
        imported("hetrec", folder)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("how", ["gz", "bz2", "zip"])
def test_a_truncated_archive_leaves_the_plays_as_they_were(fixture, imported, tmp_path, how):
    from audiorec.data.plays import load_plays

    folder = fixture("hetrec")
    imported("hetrec", folder)
    pack(folder / "user_artists.dat", how)
    (packed,) = [path for path in folder.iterdir() if path.suffix == f".{how}"]
    packed.write_bytes(packed.read_bytes()[:-20])
    with pytest.raises(DataError):
        imported("hetrec", folder)
    assert sums(load_plays(tmp_path / "plays")) == HETREC


def test_slices_that_are_none(fixture, imported):
    folder = fixture("million-playlist")
    (folder / "mpd.slice.1000-1999.json").write_text('{"playlists": [{"pid": 3, "tra')
    with pytest.raises(DataError, match=r"mpd.slice.1000-1999.json is no JSON"):
        imported("million-playlist", folder)
    (folder / "mpd.slice.1000-1999.json").write_text('["playlists"]')
    with pytest.raises(DataError, match="has no list 'playlists'"):
        imported("million-playlist", folder)


def test_check_names_what_is_missing(fixture):
    folder = fixture("msd")
    (folder / "unique_tracks.txt").unlink()
    check = check_dataset("msd", folder)
    assert check.ok and check.optional == ("unique_tracks.txt (names of tracks)",)
    (folder / "train_triplets.txt").unlink()
    check = check_dataset("msd", folder)
    assert not check.ok and check.missing == ("train_triplets.txt (triplets)",)


def test_no_room_to_unpack(fixture, tmp_path, monkeypatch):
    from audiorec.data.datasets import DatasetFolder

    folder = fixture("hetrec")
    pack(folder / "user_artists.dat", "bz2")
    found = DatasetFolder(folder, scratch=tmp_path)
    monkeypatch.setattr(found, "new_file", lambda: Path("/dev/full"))
    with pytest.raises(ArtifactError, match="No space|no space|room"):
        found.table(found.one("user_artists.dat"))


def test_check_unpacks_a_head_alone(fixture, tmp_path):
    from audiorec.data.datasets import DatasetFolder
    from audiorec.data.datasets.dataset_files import BLOCK

    folder = fixture("hetrec")
    (folder / "user_artists.dat").write_bytes(b"2\t51\t7\r\n" * (BLOCK // 4))
    pack(folder / "user_artists.dat", "bz2")
    found = DatasetFolder(folder, scratch=tmp_path)
    assert found.table(found.one("user_artists.dat"), n_bytes=10).stat().st_size == BLOCK


def test_taste_profile_by_the_names_of_tracks(fixture, imported):
    """Without the list of a song's tracks, the names of tracks tell them."""
    folder = fixture("msd")
    (folder / "taste_profile_song_to_tracks.txt").unlink()
    with (folder / "unique_tracks.txt").open("a") as stream:
        stream.write("no separator\n")
    report, _, plays = imported("msd", folder)
    a, b = "a" * 40, "b" * 40
    assert sums(plays) == {
        (a, "TRAAAAA128F0000001"): 3,
        (a, "TRBBBBB128F0000002"): 1,
        (b, "TRAAAAA128F0000001"): 5,
        (b, "SOCCCCC12AB0000003"): 1,
    }
    assert report.left_out == {
        "plays of songs with a wrong track alone": 2, "rows that cannot be read": 1,
    }  # fmt: skip


def test_slices_without_playlists(fixture, imported):
    folder = fixture("million-playlist")
    for file in folder.iterdir():
        file.write_text('{"playlists": []}')
    with pytest.raises(DataError, match=r"has no playlists in its mpd.slice.*; fetch them again"):
        imported("million-playlist", folder)


def test_places_that_hold_no_set(fixture, tmp_path):
    file = fixture("hetrec") / "user_artists.dat"
    with pytest.raises(DataError, match=r"user_artists.dat is no folder; put the set's files in"):
        check_dataset("hetrec", file)
    with pytest.raises(DataError, match=r"nowhere is not there; check its path"):
        check_dataset("hetrec", tmp_path / "nowhere")
    with pytest.raises(ParameterError, match="dataset 'top40' is unknown; use one of: msd, "):
        check_dataset("top40", tmp_path)


def test_two_copies_of_a_table(fixture):
    folder = fixture("hetrec")
    (folder / "old").mkdir()
    shutil.copy(folder / "user_artists.dat", folder / "old")
    check = check_dataset("hetrec", folder)
    assert not check.ok
    assert "has 2 files user_artists.dat" in check.wrong[0] and "keep one" in check.wrong[0]


def test_check_names_what_cannot_be_read(fixture, link_unreadable):
    folder = fixture("melon")
    (folder / "train.json").unlink()
    link_unreadable(folder / "train.json")
    (folder / "song_meta.json").write_bytes(b"")
    wrong, empty = check_dataset("melon", folder).wrong
    assert "train.json cannot be read: input/output error" in wrong
    assert empty.endswith("song_meta.json is empty; fetch it again")
