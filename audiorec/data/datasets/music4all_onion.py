"""Music4All-Onion: 252,984,396 plays of Music4All's tracks by 119,140 listeners.

It has counts and events; where both exist the events are used, which include all of the
counts.
"""

from __future__ import annotations

from collections.abc import Iterator

from audiorec.data.datasets import music4all
from audiorec.data.datasets.dataset_files import DatasetFolder, ManifestRow
from audiorec.data.datasets.dataset_rows import DatasetPlays, EventsOrCounts

TITLE = "Music4All-Onion"
PAPER = (
    "M. Moscati et al.: Music4All-Onion - A Large-Scale Multi-faceted Content-Centric Music "
    "Recommendation Dataset. CIKM 2022"
)
TERMS = "CC BY-NC-SA 4.0; the audio is Music4All's, by agreement with its authors"
ORIGIN = "https://zenodo.org/records/6609677"
LISTENING = "timed plays, or counts"
_LISTENING = EventsOrCounts.named("userid_trackid_timestamp.tsv", "userid_trackid_count.tsv")
FILES = (*_LISTENING, music4all.INFORMATION, music4all.GENRES)


def read(folder: DatasetFolder) -> DatasetPlays:
    """Every listening event, else the counts."""
    return _LISTENING.read(folder)._replace(titles=music4all.titles(folder))


def tracks(folder: DatasetFolder) -> Iterator[ManifestRow]:
    """Tracks that have audio, in Music4All."""
    return music4all.tracks(folder)
