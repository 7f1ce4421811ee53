"""HetRec 2011 Last.fm: play counts of 1,892 listeners and 17,632 artists.

A row is a listener, an artist and a count: its tracks are artists, ``lastfm-artist-51``. Copies
differ in whether ``user_artists.dat`` has a header, and some ids are padded with spaces.
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

TITLE = "HetRec 2011 Last.fm"
PAPER = (
    "I. Cantador, P. Brusilovsky, T. Kuflik: 2nd Workshop on Information Heterogeneity and Fusion "
    "in Recommender Systems (HetRec 2011). RecSys 2011"
)
TERMS = "non-commercial research; cite the workshop and Last.fm"
ORIGIN = "https://grouplens.org/datasets/hetrec-2011/"
LISTENING = "counts of artists"
PLAYS = ExpectedFile("user_artists.dat", "counts", ("userID", "artistID", "weight"), header=None)
ARTISTS = ExpectedFile(
    "artists.dat", "names of artists", ("id", "name"), header=None, required=False
)
FILES = (PLAYS, ARTISTS)
tracks = no_tracks


def read(folder: DatasetFolder) -> DatasetPlays:
    """Play counts of listeners and artists."""
    raw = scan_table(folder, PLAYS)
    artist = pl.when(pl.col("artistID") != "").then(pl.lit("lastfm-artist-") + pl.col("artistID"))
    rows = plays_with_problems(raw, user="userID", track=artist, plays="weight")
    read = collect_plays(folder, rows, where=folder.one(PLAYS.name))
    if not folder.find(ARTISTS.name):
        return read
    titles = scan_table(folder, ARTISTS).select(
        track_id=pl.lit("lastfm-artist-") + pl.col("id"),
        artist="name",
        title=pl.lit(""),
        album=pl.lit(""),
    )
    return read._replace(titles=titles)
