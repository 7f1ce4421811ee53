"""Melon Playlist Dataset: 148,826 playlists of 649,091 songs, with mel-spectrograms and no audio.

Each playlist is a listener and a session. Its spectrograms (``<id // 1000>/<id>.npy``, 48 bands)
are not read.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import polars as pl

from audiorec.data.datasets.folder import DatasetFolder, ExpectedFile, no_tracks
from audiorec.data.datasets.rows import UNREADABLE, DatasetPlays, playlist_rows
from audiorec.data.histories.export import data_error
from audiorec.data.parquet import sink
from audiorec.exceptions import first_line

TITLE = "Melon Playlist Dataset"
PAPER = (
    "A. Ferraro et al.: Melon Playlist Dataset: A Public Dataset for Audio-Based Playlist "
    "Generation and Music Tagging. ICASSP 2021"
)
TERMS = "non-commercial research"
ORIGIN = "https://mtg.github.io/melon-playlist-dataset/"
LISTENING = "playlists"
PLAYLISTS = ExpectedFile("train.json", "playlists")
FILES = (PLAYLISTS, ExpectedFile("song_meta.json", "names of songs", required=False))
tracks = no_tracks
BATCH = 1 << 20
"""Entries in memory at a time."""


def read(folder: DatasetFolder) -> DatasetPlays:
    """Entries of all playlists."""
    playlists = folder.one(PLAYLISTS.name)
    with playlists.open() as stream:
        try:
            lists = json.load(stream)
        except (ValueError, RecursionError) as error:
            raise data_error(
                str(playlists), f"is no JSON ({first_line(error)})", "fetch it again"
            ) from None
    if not isinstance(lists, list):
        raise data_error(str(playlists), "is no JSON list of playlists", "fetch it again")
    left: Counter[str] = Counter()
    entries = list(_entries(lists, left))
    if not entries:
        raise data_error(str(playlists), "has no songs in its playlists", "fetch it again")
    parts = []
    for start in range(0, len(entries), BATCH):
        parts.append(folder.new_file())
        sink(playlist_rows(entries[start : start + BATCH]).lazy(), parts[-1])
    return DatasetPlays(pl.scan_parquet(parts), {what: n for what, n in left.items() if n})


def _entries(lists: list[Any], left: Counter[str]) -> Iterator[tuple[str, str]]:
    for playlist in lists:
        known = isinstance(playlist, dict) and isinstance(playlist.get("id"), int)
        songs = playlist.get("songs") if known else None
        if not isinstance(songs, list):
            left["playlists that cannot be read"] += 1
            continue
        for song in songs:
            if isinstance(song, int):
                yield f"playlist-{playlist['id']}", f"melon-{song}"
            else:
                left[UNREADABLE] += 1
