"""LFM-2b: two billion listening events of 120,000 Last.fm users, with a header."""

from __future__ import annotations

from audiorec.data.datasets.dataset_files import no_tracks
from audiorec.data.datasets.dataset_rows import EventsOrCounts

TITLE = "LFM-2b"
PAPER = (
    "M. Schedl et al.: LFM-2b: A Dataset of Enriched Music Listening Events for Recommender "
    "Systems Research and Fairness Analysis. CHIIR 2022"
)
TERMS = "non-commercial research; its authors took it offline, over Last.fm's terms"
ORIGIN = "http://www.cp.jku.at/datasets/LFM-2b/"
LISTENING = "timed plays, or counts"
_LISTENING = EventsOrCounts.named("listening_events.tsv", "listening_counts.tsv")
FILES = tuple(_LISTENING)
tracks = no_tracks
read = _LISTENING.read
