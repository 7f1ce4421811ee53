"""FMA: 106,574 tracks of the Free Music Archive, with genres, without individual listeners.

``tracks.csv`` has two rows of header (``track``, ``title``), a third with ``track_id`` alone, and
texts with line breaks within quotes.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from audiorec.data.datasets.dataset_files import DatasetFolder, ExpectedFile, ManifestRow
from audiorec.data.datasets.dataset_rows import DatasetPlays
from audiorec.data.histories.csv_normalization import fields_of_any_length
from audiorec.exceptions import data_error

TITLE = "FMA"
PAPER = (
    "M. Defferrard, K. Benzi, P. Vandergheynst, X. Bresson: FMA: A Dataset for Music Analysis. "
    "ISMIR 2017"
)
TERMS = "metadata CC BY 4.0; audio under the licence that each artist chose"
ORIGIN = "https://github.com/mdeff/fma"
LISTENING = ""
TRACKS = ExpectedFile("tracks.csv", "names and genres of tracks")
FILES = (TRACKS,)
WANTED = {
    "artist": ("artist", "name"),
    "title": ("track", "title"),
    "album": ("album", "title"),
    "year": ("album", "date_released"),
    "genre": ("track", "genre_top"),
}


def read(folder: DatasetFolder) -> DatasetPlays | None:
    """None: the set counts listens in total, not by listener."""
    return None


def tracks(folder: DatasetFolder) -> Iterator[ManifestRow]:
    """Tracks that have audio, ``005/005123.mp3``; their ids are the names of the files."""
    audio = folder.audio()
    table = folder.one(TRACKS.name)
    with table.open() as stream, fields_of_any_length():
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace", newline="")
        rows = csv.reader(text)
        header = list(zip(next(rows, []), next(rows, []), strict=False))
        missing = [" ".join(names) for names in WANTED.values() if names not in header]
        if missing:
            raise data_error(
                str(table),
                f"has no column {missing[0]!r} in its two header rows",
                "take tracks.csv of fma_metadata.zip",
            )
        at = {key: header.index(names) for key, names in WANTED.items()}
        for row in rows:
            if len(row) < len(header) or not row[0].isdecimal():
                continue
            id_ = row[0].zfill(6)
            if id_ in audio:
                values = {key: row[column].strip() for key, column in at.items()}
                yield ManifestRow(id_, audio[id_], **values | {"year": values["year"][:4]})
