"""MTG-Jamendo: 55,701 full songs under Creative Commons licences, with tags and no listening.

The last columns of its tables are any number of tags, separated by tabs: ``genre---rock``.
"""

from __future__ import annotations

from collections.abc import Iterator

from audiorec.data.datasets.dataset_files import DatasetFolder, ExpectedFile, ManifestRow
from audiorec.data.datasets.dataset_rows import DatasetPlays, scan_table

TITLE = "MTG-Jamendo"
PAPER = (
    "D. Bogdanov, M. Won, P. Tovstogan, A. Porter, X. Serra: The MTG-Jamendo Dataset for Automatic "
    "Music Tagging. ML4MD, ICML 2019"
)
TERMS = "metadata CC BY-NC-SA 4.0; audio under the Creative Commons licence of each track"
ORIGIN = "https://github.com/MTG/mtg-jamendo-dataset"
LISTENING = ""
TAGS = ExpectedFile("raw.tsv", "tags of tracks", ("line",), separator="\x01", group="tags")
TAGS_30S = ExpectedFile(
    "raw_30s.tsv", "tags of tracks of 30 s or more", ("line",), separator="\x01", group="tags"
)
AUTOTAGGING = ExpectedFile(
    "autotagging.tsv", "tags of tracks, cleaned", ("line",), separator="\x01", group="tags"
)
NAMES = ExpectedFile(
    "raw.meta.tsv",
    "names of tracks",
    ("TRACK_ID", "TRACK_NAME", "ARTIST_NAME", "ALBUM_NAME", "RELEASEDATE"),
    header=True,
    required=False,
)
FILES = (AUTOTAGGING, TAGS_30S, TAGS, NAMES)
PATH, FIRST_TAG = 3, 5
"""Columns of a line: TRACK_ID ARTIST_ID ALBUM_ID PATH DURATION TAGS."""


def read(folder: DatasetFolder) -> DatasetPlays | None:
    """None: the set has no listening data."""
    return None


def tracks(folder: DatasetFolder) -> Iterator[ManifestRow]:
    """Tracks that have audio, ``14/214.mp3`` or ``14/214.low.mp3``."""
    audio = folder.audio()
    table = next(file for file in FILES if file.group and folder.find(file.name))
    names: dict[str, tuple[str, str, str, str]] = {}
    if audio and folder.find(NAMES.name):
        for id_, title, artist, album, date in scan_table(folder, NAMES).collect().iter_rows():
            names[id_] = (artist or "", title or "", album or "", (date or "")[:4])
    for (line,) in scan_table(folder, table).collect().iter_rows():
        fields = (line or "").split("\t")
        if len(fields) < FIRST_TAG or fields[0] == "TRACK_ID":
            continue
        path = audio.get(fields[PATH].rsplit("/", 1)[-1].split(".")[0])
        if path is None:
            continue
        genres = [tag.split("---")[1] for tag in fields[FIRST_TAG:] if tag.startswith("genre---")]
        unnamed = (fields[1], "", fields[2], "")  # ids still distinguish artists and albums
        artist, title, album, year = names.get(fields[0], unnamed)
        yield ManifestRow(fields[0], path, artist, title, album, year, ", ".join(genres))
