"""HetRec 2011 Last.fm: how often 1,892 listeners played 17,632 artists.

A row is a listener, an artist and a count: its tracks are artists, ``lastfm-artist-51``. Copies
differ in whether ``user_artists.dat`` has a header, and some ids have blanks around them.
"""

from __future__ import annotations

import polars as pl

from audiorec.data.datasets.folder import DatasetFolder, ExpectedFile, no_tracks
from audiorec.data.datasets.rows import DatasetPlays, scan_table, settled, to_plays

TITLE = "HetRec 2011 Last.fm"
PAPER = (
    "I. Cantador, P. Brusilovsky, T. Kuflik: 2nd Workshop on Information Heterogeneity and Fusion "
    "in Recommender Systems (HetRec 2011). RecSys 2011"
)
TERMS = "non-commercial research; cite the workshop and Last.fm"
ORIGIN = "https://grouplens.org/datasets/hetrec-2011/"
LISTENING = "counts of artists"
PLAYS = ExpectedFile("user_artists.dat", "counts", ("userID", "artistID", "weight"), header=None)
FILES = (PLAYS, ExpectedFile("artists.dat", "names of artists", required=False))
tracks = no_tracks


def read(folder: DatasetFolder) -> DatasetPlays:
    """How often each listener played each artist."""
    raw = scan_table(folder, PLAYS)
    artist = pl.when(pl.col("artistID") != "").then(pl.lit("lastfm-artist-") + pl.col("artistID"))
    rows = to_plays(raw, user="userID", track=artist, plays="weight")
    return settled(folder, rows, where=folder.one(PLAYS.name))
