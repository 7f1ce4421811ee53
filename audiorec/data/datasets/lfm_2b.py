"""LFM-2b: two billion listening events of 120,000 Last.fm users, with a header."""

from __future__ import annotations

from collections.abc import Iterator

from audiorec.data.datasets.folder import DatasetFolder, ExpectedFile, ManifestRow
from audiorec.data.datasets.rows import DatasetPlays, events_or_counts

TITLE = "LFM-2b"
PAPER = (
    "M. Schedl et al.: LFM-2b: A Dataset of Enriched Music Listening Events for Recommender "
    "Systems Research and Fairness Analysis. CHIIR 2022"
)
TERMS = "non-commercial research; its authors took it offline, over Last.fm's terms"
ORIGIN = "http://www.cp.jku.at/datasets/LFM-2b/"
LISTENING = "timed plays, or counts"
EVENTS = ExpectedFile(
    "listening_events.tsv",
    "listening events",
    ("user_id", "track_id", "timestamp"),
    header=True,
    group="listening",
)
COUNTS = ExpectedFile(
    "listening_counts.tsv",
    "counts",
    ("user_id", "track_id", "count"),
    header=True,
    group="listening",
)
FILES = (EVENTS, COUNTS)


def read(folder: DatasetFolder) -> DatasetPlays:
    """Every listening event, else the counts."""
    return events_or_counts(folder, events=EVENTS, counts=COUNTS)


def tracks(folder: DatasetFolder) -> Iterator[ManifestRow]:
    """None: the set has no audio."""
    return iter(())
