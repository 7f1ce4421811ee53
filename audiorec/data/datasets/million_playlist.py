"""Million Playlist Dataset: a million playlists, in slices of a thousand.

Each playlist is a listener and a session; tracks are named by their Spotify ids.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import polars as pl

from audiorec.data.datasets.dataset_files import DatasetFolder, ExpectedFile, FoundFile, no_tracks
from audiorec.data.datasets.dataset_rows import UNREADABLE, DatasetPlays, playlist_rows
from audiorec.data.histories.field_values import text
from audiorec.data.parquet_sink import sink
from audiorec.data.plays.writer import TITLES_SCHEMA
from audiorec.exceptions import data_error

TITLE = "Spotify Million Playlist Dataset"
PAPER = (
    "C.-W. Chen, P. Lamere, M. Schedl, H. Zamani: RecSys Challenge 2018: Automatic Music Playlist "
    "Continuation. RecSys 2018"
)
TERMS = "non-commercial research, after registration; not to be redistributed"
ORIGIN = "https://www.aicrowd.com/challenges/spotify-million-playlist-dataset-challenge"
LISTENING = "playlists"
SLICES = "mpd.slice.*.json"
FILES = (ExpectedFile(SLICES, "slices of playlists"),)
tracks = no_tracks
Entry = tuple[str, str, str, str, str]
"""Playlist, track, and its artist, title and album."""


def read(folder: DatasetFolder) -> DatasetPlays:
    """Entries of all playlists; one slice is in memory at a time."""
    left: Counter[str] = Counter()
    parts, named = [], []
    for slice_ in folder.find(SLICES):
        entries = list(_entries(slice_, left))
        if entries:
            parts.append(folder.new_file())
            sink(playlist_rows([entry[:2] for entry in entries]).lazy(), parts[-1])
            names = [entry[1:] for entry in entries]
            titles = pl.LazyFrame(names, schema=TITLES_SCHEMA, orient="row")
            named.append(folder.new_file())
            sink(titles.unique("track_id"), named[-1])
    if not parts:
        raise data_error(folder.path, f"has no playlists in its {SLICES}", "fetch them again")
    return DatasetPlays(pl.scan_parquet(parts), dict(left), pl.scan_parquet(named))


def _entries(slice_: FoundFile, left: Counter[str]) -> Iterator[Entry]:
    """Entries of a slice, in the order of `pos`."""
    held = slice_.read_json()
    lists = held.get("playlists") if isinstance(held, dict) else None
    if not isinstance(lists, list):
        raise data_error(str(slice_), "has no list 'playlists'", "fetch it again")
    for playlist in lists:
        if not isinstance(playlist, dict) or not isinstance(playlist.get("pid"), int):
            left["playlists that cannot be read"] += 1
            continue
        rows = playlist.get("tracks")
        rows = rows if isinstance(rows, list) else []
        usable = [row for row in rows if _uri(row)]
        left[UNREADABLE] += len(rows) - len(usable)
        for row in sorted(usable, key=_position):
            artist, title, album = (
                text(row.get(f"{of}_name")) for of in ("artist", "track", "album")
            )
            yield f"playlist-{playlist['pid']}", _uri(row), artist, title, album
    left += Counter()


def _position(row: dict[str, Any]) -> int:
    at = row.get("pos")
    return at if isinstance(at, int) else 0


def _uri(row: Any) -> str:
    """Id of a track; empty if a row has none."""
    uri = row.get("track_uri") if isinstance(row, dict) else None
    return uri if isinstance(uri, str) and uri.startswith("spotify:track:") else ""
