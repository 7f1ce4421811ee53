"""Music4All: 109,269 clips of 30 s, and timed plays of 15,602 listeners.

Its tables end in ``.csv`` but are separated by tabs; quotes are ordinary characters of titles.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from audiorec.data.datasets.dataset_files import DatasetFolder, ExpectedFile, ManifestRow
from audiorec.data.datasets.dataset_rows import (
    DatasetPlays,
    collect_plays,
    plays_with_problems,
    scan_table,
)

TITLE = "Music4All"
PAPER = "I. A. P. Santana et al.: Music4All: A New Music Database and Its Applications. IWSSIP 2020"
TERMS = "non-commercial research, by agreement with its authors; not to be redistributed"
ORIGIN = "https://sites.google.com/view/contact4music4all"
LISTENING = "timed plays"
HISTORY = ExpectedFile(
    "listening_history.csv", "listening events", ("user", "song", "timestamp"), header=True
)
INFORMATION = ExpectedFile(
    "id_information.csv",
    "names of tracks",
    ("id", "artist", "song", "album_name"),
    header=True,
    required=False,
)
GENRES = ExpectedFile(
    "id_genres.csv", "genres of tracks", ("id", "genres"), header=True, required=False
)
FILES = (HISTORY, INFORMATION, GENRES)


def read(folder: DatasetFolder) -> DatasetPlays:
    """Every listening event; times have the resolution of a minute."""
    rows = plays_with_problems(
        scan_table(folder, HISTORY), user="user", track="song", timestamp="timestamp"
    )
    return collect_plays(folder, rows, where=folder.one(HISTORY.name))._replace(
        titles=titles(folder)
    )


def titles(folder: DatasetFolder) -> pl.LazyFrame | None:
    """Names of all tracks, if the set has them."""
    if not folder.find(INFORMATION.name):
        return None
    columns = {"track_id": "id", "artist": "artist", "title": "song", "album": "album_name"}
    return scan_table(folder, INFORMATION).select(**columns)


def tracks(folder: DatasetFolder) -> Iterator[ManifestRow]:
    """Tracks that have audio, ``audios/<id>.mp3``."""
    audio = folder.audio()
    names: dict[str, tuple[str, str, str]] = {}
    genres: dict[str, str] = {}
    if audio and folder.find(INFORMATION.name):
        for id_, *values in scan_table(folder, INFORMATION).collect().iter_rows():
            names[id_] = (values[0] or "", values[1] or "", values[2] or "")
    if audio and folder.find(GENRES.name):
        genres = dict(scan_table(folder, GENRES).collect().iter_rows())
    for id_, path in audio.items():
        if id_ in names or not names:
            genre = (genres.get(id_) or "").replace(",", ", ")
            yield ManifestRow(id_, path, *names.get(id_, ("", "", "")), genre=genre)
