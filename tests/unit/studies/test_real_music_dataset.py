"""Real recordings joined with real listening, by artist."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from audiorec.exceptions import DataError
from audiorec.studies.real_music_dataset import (
    JoinedRecording,
    join,
    key_of,
    read_4q,
    read_covers80,
)


@pytest.fixture
def hetrec(tmp_path) -> Path:
    """Seven listeners of Björk, under two spellings, and one of the Beatles; a header, CRLF."""
    folder = tmp_path / "hetrec"
    folder.mkdir()
    names = ["1\tBjörk\turl", "2\tBjork\turl", "3\tThe Beatles\turl", "4\tMuse\turl"]
    names += ["5\t椎名林檎\turl"]  # has no Latin letter
    (folder / "artists.dat").write_text("id\tname\turl\r\n" + "\r\n".join(names), encoding="utf-8")
    rows = [f"{user}\t{1 + user % 2}\t10" for user in range(7)]
    rows += ["0\t3\t5", *(f"{user}\t4\t2" for user in range(6)), "0\t2\t7"]
    rows += [f"{user}\t5\t1" for user in range(7)]
    text = "userID\tartistID\tweight\r\n" + "\r\n".join(rows)
    (folder / "user_artists.dat").write_text(text)
    return folder


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_listening_stands_at_each_of_an_artists_tracks_and_spellings_are_one(hetrec, tmp_path):
    recordings = [
        JoinedRecording("a", tmp_path / "a.mp3", "BJÖRK", "One"),
        JoinedRecording("b", tmp_path / "b.mp3", "bjork", "Two"),
        JoinedRecording("c", tmp_path / "c.mp3", "Beatles", "Few listeners"),
        JoinedRecording("d", tmp_path / "d.mp3", "Muse", "Three"),
        JoinedRecording("e", tmp_path / "e.mp3", "Nobody", "Four"),
        JoinedRecording("f", tmp_path / "f.mp3", "", "No artist is named"),
    ]
    joined = join(recordings, hetrec, tmp_path / "out")
    assert [row["track_id"] for row in rows_of(joined.tracks)] == ["a", "b", "c", "d"]
    plays = {(r["user_id"], r["track_id"]): int(r["plays"]) for r in rows_of(joined.plays)}
    assert plays["u0", "a"] == plays["u0", "b"] == 17  # of both spellings
    assert plays["u0", "c"] == 5
    assert len({user for user, track in plays if track == "a"}) == 7
    assert joined.artists == ("BJÖRK", "Muse") and set(joined.frozen) <= set(joined.artists)
    assert join(recordings, hetrec, tmp_path / "again").frozen == joined.frozen


def test_sets_without_listeners_are_one_clear_error(hetrec, tmp_path):
    with pytest.raises(DataError, match="0 artists have recordings and 5 listeners"):
        join([JoinedRecording("e", tmp_path / "e.mp3", "Nobody", "Four")], hetrec, tmp_path / "out")


def test_names_are_compared_without_case_accents_and_the():
    assert key_of("The Beatles") == key_of("beatles") and key_of("Sigur Rós") == "sigur ros"
    assert (
        key_of("Simon & Garfunkel") == key_of("simon and garfunkel") and key_of("The The") == "the"
    )


def test_the_sets_are_read_as_they_are_laid_out(tmp_path):
    song = tmp_path / "covers" / "Abracadabra" / "steve_miller_band+Live_+09-Abracadabra.mp3"
    song.parent.mkdir(parents=True)
    song.touch()
    (one,) = read_covers80(tmp_path / "covers")
    assert (one.artist, one.title) == ("steve miller band", "Abracadabra")
    (tmp_path / "4q" / "Q1").mkdir(parents=True)
    (tmp_path / "4q" / "Q1" / "MT01.mp3").touch()
    table = 'Song,Artist,Title,Genres\nMT01,Muse,Sing,"Pop,Rock"\nMT02,Muse,Gone,Pop\n'
    (tmp_path / "4q" / "panda_metadata.csv").write_text(table)
    (one,) = read_4q(tmp_path / "4q")
    assert (one.track_id, one.artist, one.genre) == ("am-MT01", "Muse", "Pop;Rock")
    with pytest.raises(DataError, match="has no table"):
        read_4q(tmp_path / "covers")
