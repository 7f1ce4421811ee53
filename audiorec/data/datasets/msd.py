"""Million Song Dataset with the Taste Profile: 48 million triplets of listener, song and count.

Triplets have songs (SO...), audio files have tracks (TR...); a song has none, one or several, and
some of these pairs are known to be wrong (``sid_mismatches.txt``): they are not used, and songs
that have no other track are left out. A song without any track keeps its own id, as listening
without audio.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import polars as pl

from audiorec.data.datasets.dataset_files import DatasetFolder, ExpectedFile, ManifestRow
from audiorec.data.datasets.dataset_rows import (
    DatasetPlays,
    collect_plays,
    plays_with_problems,
    scan_table,
)

TITLE = "Million Song Dataset with the Taste Profile"
PAPER = (
    "T. Bertin-Mahieux, D. P. W. Ellis, B. Whitman, P. Lamere: The Million Song Dataset. "
    "ISMIR 2011; B. McFee, T. Bertin-Mahieux, D. P. W. Ellis, G. Lanckriet: The Million Song "
    "Dataset Challenge. WWW 2012 companion"
)
TERMS = "research; audio not included"
ORIGIN = "http://millionsongdataset.com/tasteprofile/"
LISTENING = "counts"
TRIPLETS = ExpectedFile("train_triplets.txt", "triplets", ("user", "song", "plays"))
SONGS = ExpectedFile(
    "taste_profile_song_to_tracks.txt", "tracks of each song", ("line",), separator="\x01",
    required=False,
)  # fmt: skip
MISMATCHES = ExpectedFile(
    "sid_mismatches.txt", "songs with a wrong track", ("line",), separator="\x01", required=False
)
UNIQUE = ExpectedFile(
    "unique_tracks.txt", "names of tracks", ("line",), separator="\x01", required=False
)
FILES = (TRIPLETS, SONGS, MISMATCHES, UNIQUE)
WRONG = "plays of songs with a wrong track alone"
_TRACK = re.compile(r"TR[A-Z0-9]{16}")
_PAIR = r"<(SO\w+)\s+(TR\w+)>"


def read(folder: DatasetFolder) -> DatasetPlays:
    """Triplets under the ids of tracks, where songs have one."""
    rows = plays_with_problems(
        scan_table(folder, TRIPLETS), user="user", track="song", plays="plays"
    )
    songs, dropped = _tracks_of_songs(folder)
    rows = rows.join(songs.lazy(), left_on="track_id", right_on="song", how="left")
    problem = pl.when(pl.col("problem").is_null() & pl.col("track_id").is_in(dropped.implode()))
    rows = rows.with_columns(
        track_id=pl.coalesce("track", "track_id"),
        problem=problem.then(pl.lit(WRONG)).otherwise("problem"),
    ).drop("track")
    return collect_plays(folder, rows, where=folder.one(TRIPLETS.name))._replace(
        titles=_titles(folder)
    )


def _titles(folder: DatasetFolder) -> pl.LazyFrame | None:
    """Names of tracks, and of songs without a track."""
    if not folder.find(UNIQUE.name):
        return None
    fields = pl.col("line").str.split("<SEP>")
    names = ("track", "song", "artist", "title")
    table = scan_table(folder, UNIQUE).select(
        fields.list.get(place, null_on_oob=True).alias(name) for place, name in enumerate(names)
    )
    return pl.concat(
        table.select("artist", "title", track_id=id_, album=pl.lit("")) for id_ in names[:2]
    ).drop_nulls("track_id")


def _tracks_of_songs(folder: DatasetFolder) -> tuple[pl.DataFrame, pl.Series]:
    """The first correct track of each song (song, track), and songs with only wrong ones."""
    schema = {"song": pl.String, "track": pl.String}
    pairs = wrong = pl.DataFrame(schema=schema)
    line = pl.col("line")
    if folder.find(MISMATCHES.name):
        matches = line.str.extract_groups(_PAIR).struct.rename_fields(["song", "track"])
        wrong = scan_table(folder, MISMATCHES).select(matches).unnest("line").drop_nulls().collect()
    if folder.find(SONGS.name):
        fields = line.str.split("\t")
        split = scan_table(folder, SONGS).select(
            song=fields.list.first(), track=fields.list.slice(1)
        )
        pairs = split.explode("track").drop_nulls().collect()
    elif folder.find(UNIQUE.name):
        fields = line.str.split("<SEP>")
        split = scan_table(folder, UNIQUE).select(
            song=fields.list.get(1, null_on_oob=True), track=fields.list.first()
        )
        pairs = split.drop_nulls().collect()
    right = pairs.filter(pl.col("track") != "").join(wrong, on=["song", "track"], how="anti")
    songs = right.unique("song", keep="first", maintain_order=True)
    dropped = wrong.join(songs, on="song", how="anti")["song"].unique()
    return songs, dropped


def tracks(folder: DatasetFolder) -> Iterator[ManifestRow]:
    """Tracks that have audio, ``TR....mp3``."""
    names: dict[str, tuple[str, str]] = {}
    audio = {stem: path for stem, path in folder.audio().items() if _TRACK.fullmatch(stem)}
    if audio and folder.find(UNIQUE.name):
        for (line,) in scan_table(folder, UNIQUE).collect().iter_rows():
            parts = (line or "").split("<SEP>")
            if len(parts) == 4 and parts[0] in audio:
                names[parts[0]] = (parts[2], parts[3])
    for stem, path in audio.items():
        yield ManifestRow(stem, path, *names.get(stem, ("", "")))
