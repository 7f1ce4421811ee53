"""LFM-1b: a billion listening events of 120,000 Last.fm users, without a header."""

from __future__ import annotations

import polars as pl

from audiorec.data.datasets.dataset_files import DatasetFolder, ExpectedFile, no_tracks
from audiorec.data.datasets.dataset_rows import (
    DatasetPlays,
    collect_plays,
    plays_with_problems,
    scan_table,
)

TITLE = "LFM-1b"
PAPER = "M. Schedl: The LFM-1b Dataset for Music Retrieval and Recommendation. ICMR 2016"
TERMS = "non-commercial research; its authors took it offline, over Last.fm's terms"
ORIGIN = "http://www.cp.jku.at/datasets/LFM-1b/"
LISTENING = "timed plays"
EVENTS = ExpectedFile(
    "LFM-1b_LEs.txt", "listening events", ("user", "artist", "album", "track", "timestamp")
)
TRACKS = ExpectedFile(
    "LFM-1b_tracks.txt", "names of tracks", ("track_id", "title", "artist"), required=False
)
ARTISTS = ExpectedFile("LFM-1b_artists.txt", "names of artists", ("artist", "name"), required=False)
FILES = (EVENTS, TRACKS, ARTISTS)
tracks = no_tracks


def read(folder: DatasetFolder) -> DatasetPlays:
    """Every listening event."""
    rows = plays_with_problems(
        scan_table(folder, EVENTS), user="user", track="track", timestamp="timestamp"
    )
    read = collect_plays(folder, rows, where=folder.one(EVENTS.name))
    if not (folder.find(TRACKS.name) and folder.find(ARTISTS.name)):
        return read
    named = scan_table(folder, TRACKS).join(scan_table(folder, ARTISTS), on="artist", how="left")
    titles = named.select("track_id", "title", artist="name", album=pl.lit(""))
    return read._replace(titles=titles)
