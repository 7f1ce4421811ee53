"""Melon Playlist Dataset: 148,826 playlists of 649,091 songs, with mel-spectrograms and no audio.

Each playlist is a listener and a session. The spectrograms, ``<id // 1000>/<id>.npy``, are of 20 to
50 seconds from a song: 48 bands in dB, of windows of 512 samples every 256 at 16 kHz. They are
catalogued in the place of audio files, and enter the pipeline at the stage ``mel``.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from audiorec.data.datasets.dataset_files import DatasetFolder, ExpectedFile, ManifestRow
from audiorec.data.datasets.dataset_rows import UNREADABLE, DatasetPlays, playlist_rows
from audiorec.data.histories.field_values import text
from audiorec.data.parquet_sink import sink
from audiorec.data.plays.writer import TITLES_SCHEMA
from audiorec.exceptions import data_error

TITLE = "Melon Playlist Dataset"
PAPER = (
    "A. Ferraro et al.: Melon Playlist Dataset: A Public Dataset for Audio-Based Playlist "
    "Generation and Music Tagging. ICASSP 2021"
)
TERMS = "non-commercial research"
ORIGIN = "https://mtg.github.io/melon-playlist-dataset/"
LISTENING = "playlists"
PLAYLISTS = ExpectedFile("train.json", "playlists")
SONGS = ExpectedFile("song_meta.json", "names of songs", required=False)
GENRES = ExpectedFile("genre_gn_all.json", "names of genres", required=False)
FILES = (PLAYLISTS, SONGS, GENRES)
BATCH = 1 << 20
"""Entries in memory at a time."""


def read(folder: DatasetFolder) -> DatasetPlays:
    """Entries of all playlists."""
    left: Counter[str] = Counter()
    entries = list(_entries(_json(folder, PLAYLISTS, list), left))
    if not entries:
        where = str(folder.one(PLAYLISTS.name))
        raise data_error(where, "has no songs in its playlists", "fetch it again")
    parts = []
    for start in range(0, len(entries), BATCH):
        parts.append(folder.new_file())
        sink(playlist_rows(entries[start : start + BATCH]).lazy(), parts[-1])
    names = [(song[0], *song[2:5]) for song in _songs(folder).values()]
    titles = pl.LazyFrame(names, schema=TITLES_SCHEMA, orient="row")
    left_out = {what: n for what, n in left.items() if n}
    return DatasetPlays(pl.scan_parquet(parts), left_out, titles)


def tracks(folder: DatasetFolder) -> Iterator[ManifestRow]:
    """Songs that have spectrograms, by their numbers."""
    paths = dict(_spectrograms(folder.path))
    songs = _songs(folder) if paths else {}
    for number in sorted(paths):
        named = songs.get(number, ManifestRow(f"melon-{number}", Path()))
        yield named._replace(path=paths[number])


def _spectrograms(folder: Path) -> Iterator[tuple[int, Path]]:
    for root, _, names in os.walk(folder):
        for name in names:
            stem, dot, suffix = name.partition(".")
            if dot and suffix == "npy" and stem.isascii() and stem.isdecimal():
                yield int(stem), Path(root, name)


def _songs(folder: DatasetFolder) -> dict[int, ManifestRow]:
    """Names of the songs, by their numbers."""
    if not folder.find(SONGS.name):
        return {}
    genres = _json(folder, GENRES, dict) if folder.find(GENRES.name) else {}
    named = {}
    for song in _json(folder, SONGS, list):
        number = song.get("id") if isinstance(song, dict) else None
        if isinstance(number, int):
            codes = [text(code) for code in _list(song, "song_gn_gnr_basket")]
            named[number] = ManifestRow(
                f"melon-{number}",
                Path(),
                ", ".join(filter(None, map(text, _list(song, "artist_name_basket")))),
                text(song.get("song_name")),
                text(song.get("album_name")),
                year if (year := text(song.get("issue_date"))[:4]) != "0000" else "",
                ", ".join(filter(None, (text(genres.get(code)) or code for code in codes))),
            )
    return named


def _list(song: dict[str, Any], key: str) -> list[Any]:
    value = song.get(key)
    return value if isinstance(value, list) else []


def _json(folder: DatasetFolder, file: ExpectedFile, kind: type) -> Any:
    """Parse a file as JSON, a list or an object.

    Raises
    ------
    DataError
        If it is something else.
    """
    found = folder.one(file.name)
    value = found.read_json()
    if not isinstance(value, kind):
        what = "list" if kind is list else "object"
        raise data_error(str(found), f"is no JSON {what} of {file.what}", "fetch it again")
    return value


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
