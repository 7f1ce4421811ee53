"""The command ``plays``."""

from __future__ import annotations

import json
import stat
import zipfile

import numpy as np
import pytest
import soundfile as sf

from ..conftest import call
from ..helpers import answer_json, failed, kill_while_plays_are_written, snapshot

PLAYS = {
    "no-column.csv": ("user_id,colour\nu,t\n", "track_id"),
    "negative.csv": ("user_id,track_id,plays\nu,t,-3\n", "-3"),
    "words.csv": ("user_id,track_id,plays\nu,t,many\n", "many"),
    "empty.csv": ("", "empty.csv"),
    "header-only.csv": ("user_id,track_id,plays\n", "header-only.csv"),
}


@pytest.mark.parametrize("name", PLAYS)
def test_plays_that_cannot_be_used_leave_what_is_stored(workspace, tmp_path, name):
    text, word = PLAYS[name]
    file = tmp_path / name
    file.write_text(text)
    before = snapshot(workspace)
    failed(call("-w", workspace, "plays", file), file, word)
    assert snapshot(workspace) == before


def test_plays_in_another_encoding(workspace, tmp_path):
    file = tmp_path / "latin.csv"
    file.write_bytes("user_id,track_id,plays\nпесня,t,1\n".encode("cp1251"))
    failed(call("-w", workspace, "plays", file), file, "UTF-8")
    failed(call("-w", workspace, "plays", tmp_path / "none.csv"), "none.csv")
    failed(call("-w", workspace, "plays", file, "--source", "tape"), "tape", code=2)


def test_plays_of_unknown_tracks_and_double_rows_are_counted_and_kept(workspace, tmp_path):
    file = tmp_path / "more.csv"
    file.write_text(
        "user_id,track_id,plays,timestamp\n"
        "u,nobody-has-this,3,1700000000\nu,nobody-has-this,3,1700000000\n"
    )
    answer = call("-w", workspace, "plays", file, "--json")
    report = json.loads(answer.out)
    assert (report["rows"], report["tracks"], report["duplicates"]) == (1, 1, 1)
    told = call("-w", workspace, "plays", file).err
    assert f"{file}: 1 row identical to an earlier one" in told
    assert "'nobody-has-this'" in told and "no audio" in told


def test_a_table_in_an_archive_is_read_and_several_are_not(tmp_path):
    for name in ("one", "two"):
        (tmp_path / f"{name}.csv").write_text(f"user_id,track_id,plays\n{name},t,3\n")
        with zipfile.ZipFile(tmp_path / "plays.zip", "a") as archive:
            archive.write(tmp_path / f"{name}.csv", f"{name}.csv")
        if name == "one":
            answer = call("-w", tmp_path / "w", "plays", tmp_path / "plays.zip")
            assert answer.code == 0 and answer.out == "1 rows of 1 listeners and 1 tracks\n"
    answer = call("-w", tmp_path / "w", "plays", tmp_path / "plays.zip")
    failed(answer, "holds 2 tables of plays", "name them one by one")


def test_what_is_not_in_the_catalogue_is_named_a_screenful_of_it(tmp_path):
    music = tmp_path / "music"
    music.mkdir()
    sf.write(music / "here.wav", np.random.default_rng(0).normal(0, 0.1, 22050 * 4), 22050)
    assert call("-w", tmp_path / "w", "scan", music).code == 0
    lines = ["music/here.wav", *(f"music/{number:02d}.mp3" for number in range(30))]
    (tmp_path / "list.m3u8").write_text("\n".join(lines))
    told = call("-w", tmp_path / "w", "plays", tmp_path / "list.m3u8").err
    assert (
        told.count("\n  not in the catalogue: ") == 20 and "and 10 more: --json names them" in told
    )


def test_an_export_that_is_imported_again_replaces_itself(exports, tmp_path):
    for replaced in (False, True):
        answer = call("-w", tmp_path / "w", "plays", exports / "mpd")
        assert answer.code == 0 and ("rows of an earlier import replaced" in answer.err) == replaced


def test_what_is_removed_is_counted_and_gone(exports, tmp_path):
    assert call("-w", tmp_path / "w", "plays", exports / "mpd").code == 0
    told = answer_json("-w", tmp_path / "w", "plays", "remove", "mpd")
    assert told["source"] == "mpd" and told["rows"] > 0
    answer = call("-w", tmp_path / "w", "plays", "list")
    assert answer.out == "" and "nothing is imported yet: run 'audiorec plays FILE'" in answer.err


def test_unmatched_listening_is_mended(songs, exports, tmp_path):
    listened_copy, file = tmp_path / "w", tmp_path / "unmatched.csv"
    call("-w", listened_copy, "scan", "--manifest", songs / "tracks.csv")
    answer = call("-w", listened_copy, "plays", exports / "spotify", "--unmatched", file, "--json")
    about = json.loads(answer.out)
    assert about["unmatched_names"] == 2 and about["matched"] == {"name": 4}
    assert about["largest_unmatched"][0] == ["Daft Punk - One More Time", 2]
    file.write_text(file.read_text().replace("Discovery,", "Discovery,song-3"))
    answer = call("-w", listened_copy, "plays", "--unmatched", file)
    assert answer.out == "1 names corrected by hand, 1 unmatched\n"
    file.write_text("a,b\n1,2\n")
    answer = call("-w", listened_copy, "plays", "--unmatched", file)
    assert answer.code == 1 and "lacks the column key" in answer.err
    assert file.read_text() == "a,b\n1,2\n", "what is no such list is not written over"


def test_what_was_not_there_is_found_by_the_next_scan(songs, exports, tmp_path):
    listened_copy = tmp_path / "w"
    assert call("-w", listened_copy, "plays", exports / "spotify").code == 0
    assert call("-w", listened_copy, "scan", "--manifest", songs / "tracks.csv").code == 0
    answer = call("-w", listened_copy, "plays", "--unmatched", tmp_path / "u.csv", "--json")
    held = json.loads(answer.out)
    assert held["unmatched_names"] == 2


def test_pseudonyms(songs, exports, tmp_path):
    listened_copy = tmp_path / "w"
    answer = call(
        "-w", listened_copy, "plays", exports / "spotify", "--user", "anna", "--pseudonymise"
    )
    assert answer.code == 0, answer.err
    assert "anna" not in answer.out
    secret = listened_copy / ".pseudonyms"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert not any(b"anna" in p.read_bytes() for p in listened_copy.rglob("*") if p.is_file())
    song = songs / "tracks.csv"
    assert call("-w", listened_copy, "scan", "--manifest", song).code == 0
    told = answer_json("-w", listened_copy, "feedback", "like", "song-0", "--user", "anna")
    assert (told["track_id"], told["rating"]) == ("song-0", 1.0) and told["user"] != "anna"
    assert not any(b"anna" in p.read_bytes() for p in listened_copy.rglob("*") if p.is_file())
    answer = call("-w", listened_copy, "forget-user", "anna")
    assert answer.code == 0, "people say the name"


def test_a_killed_import_leaves_the_plays_as_they_were(exports, tmp_path):
    listened_copy = tmp_path / "w"
    assert call("-w", listened_copy, "plays", exports / "mpd").code == 0
    before = call("-w", listened_copy, "plays", "list").out
    row = {"endTime": "2024-01-02 10:03", "artistName": "X", "trackName": "Y", "msPlayed": 177000}
    big = tmp_path / "StreamingHistory_music_0.json"
    big.write_text("[" + ",".join([json.dumps(row)] * 600_000) + "]")
    kill_while_plays_are_written(listened_copy, "plays", big)
    assert call("-w", listened_copy, "plays", "list").out == before


def test_wrong_usage(exports, tmp_path):
    listened_copy = tmp_path / "w"
    for arguments in (
        [], [exports / "mpd", "--source", "tape"], [exports / "mpd", "--user", " "],
        [exports / "csv", "--user", "x"], [exports / "mpd", "--neutral", "3"],
    ):  # fmt: skip
        assert call("-w", listened_copy, "plays", *arguments).code == 2
    assert not listened_copy.exists(), "nothing is left of it"
    answer = call("-w", tmp_path / "other", "plays", exports / "csv")
    assert answer.err.startswith(f"{exports / 'csv'}: audiorec's own table of plays (--source csv)")
    for arguments in (["list"], ["remove", "mpd"]):
        assert call("-w", listened_copy, "plays", *arguments).code == 1


def test_help_says_how_to_get_each_format():
    from audiorec.data.histories import SOURCES

    said = call("plays", "--help").out
    assert all(f"\n  {source} " in said for source in SOURCES)
    assert "list " in said and "remove " in said
