"""Last.fm-1K: all plays of 992 listeners until May 2009.

Many tracks have no MusicBrainz id: their ids are made of artist and title. Quotes are ordinary
characters of titles. A few plays are dated years after the set was collected, by wrong clocks.
"""

from __future__ import annotations

import polars as pl

from audiorec.data.datasets.dataset_files import DatasetFolder, ExpectedFile, no_tracks
from audiorec.data.datasets.dataset_rows import (
    DatasetPlays,
    collect_plays,
    plays_with_problems,
    scan_table,
)
from audiorec.id_map import LONGEST

TITLE = "Last.fm-1K"
PAPER = "O. Celma: Music Recommendation and Discovery in the Long Tail. Springer 2010"
TERMS = "non-commercial use; cite Last.fm"
ORIGIN = "http://ocelma.net/MusicRecommendationDataset/lastfm-1K.html"
LISTENING = "timed plays"
EVENTS = ExpectedFile(
    "userid-timestamp-artid-artname-traid-traname.tsv",
    "listening events",
    ("user", "timestamp", "artist_mbid", "artist", "track_mbid", "title"),
)
FILES = (EVENTS,)
tracks = no_tracks
COLLECTED = 1_246_406_400
"""2009-07-01 UTC, epoch seconds: no play can be later."""


def read(folder: DatasetFolder) -> DatasetPlays:
    """Every listening event."""
    artist, title = pl.col("artist").fill_null(""), pl.col("title").fill_null("")
    name = (pl.lit("name:") + artist + pl.lit(" - ") + title).str.to_lowercase()
    named = pl.when((artist != "") & (title != "")).then(name.str.head(LONGEST))
    mbid = pl.col("track_mbid").fill_null("")
    track = pl.when(mbid != "").then(mbid).otherwise(named)
    table = scan_table(folder, EVENTS)
    titles = table.select(track.alias("track_id"), "artist", "title", album=pl.lit(""))
    rows = plays_with_problems(
        table,
        user="user",
        track=track,
        timestamp="timestamp",
        latest=COLLECTED,
    )
    read = collect_plays(folder, rows, where=folder.one(EVENTS.name))
    return read._replace(titles=titles.drop_nulls("track_id"))
