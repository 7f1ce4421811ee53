"""Music4All-Onion: 252,984,396 plays of Music4All's tracks by 119,140 listeners.

Given as counts and as events; where both are there the events are taken, which say all that the
counts say.
"""

from __future__ import annotations

from collections.abc import Iterator

from audiorec.data.datasets import music4all
from audiorec.data.datasets.folder import DatasetFolder, ExpectedFile, ManifestRow
from audiorec.data.datasets.rows import DatasetPlays, events_or_counts

TITLE = "Music4All-Onion"
PAPER = (
    "M. Moscati et al.: Music4All-Onion - A Large-Scale Multi-faceted Content-Centric Music "
    "Recommendation Dataset. CIKM 2022"
)
TERMS = "CC BY-NC-SA 4.0; the audio is Music4All's, by agreement with its authors"
ORIGIN = "https://zenodo.org/records/6609677"
LISTENING = "timed plays, or counts"
EVENTS = ExpectedFile(
    "userid_trackid_timestamp.tsv",
    "listening events",
    ("user_id", "track_id", "timestamp"),
    header=True,
    group="listening",
)
COUNTS = ExpectedFile(
    "userid_trackid_count.tsv",
    "counts",
    ("user_id", "track_id", "count"),
    header=True,
    group="listening",
)
FILES = (EVENTS, COUNTS, music4all.INFORMATION, music4all.GENRES)


def read(folder: DatasetFolder) -> DatasetPlays:
    """Every listening event, else the counts."""
    return events_or_counts(folder, events=EVENTS, counts=COUNTS)


def tracks(folder: DatasetFolder) -> Iterator[ManifestRow]:
    """Tracks whose audio, of Music4All, is there."""
    return music4all.tracks(folder)
