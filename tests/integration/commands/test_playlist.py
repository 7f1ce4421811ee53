"""The command ``playlist``."""

from __future__ import annotations

import json

from ..conftest import call


def test_playlists_keep_artists_apart_and_can_be_read_back(finished, some_track, tmp_path):
    file = tmp_path / "list.m3u8"
    answer = call(
        "-w", finished, "playlist", some_track["track_id"],
        "--length", "12", "--artist-window", "3", "-o", file,
    )  # fmt: skip
    assert answer.code == 0, answer.err
    lines = file.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "#EXTM3U"
    paths = [line for line in lines if not line.startswith("#")]
    assert len(paths) == len(set(paths)) == 12
    assert all((file.parent / path).resolve().is_file() for path in paths)
    listed = json.loads(
        call("-w", finished, "playlist", some_track["track_id"], "--length", "12",
             "--artist-window", "3", "-o", tmp_path / "l.json", "--json").out
    )["results"]  # fmt: skip
    artists = [hit["artist"] for hit in listed]
    assert listed[0]["track_id"] == some_track["track_id"]
    assert all(len(set(artists[i : i + 3])) == 3 for i in range(len(artists) - 2))
