"""Yambda: up to 4.79 billion listens of Yandex Music, with the played fraction of each track.

``listens.parquet`` is flat, one row per listen, or sequential, one row of lists per listener. Times
are seconds from an unpublished moment, so their dates are meaningless. The played fraction may
exceed 100 %. ``likes.parquet`` and ``dislikes.parquet``, if they exist, are ratings; the last
rating of a track by a listener counts, and ``unlikes.parquet`` and ``undislikes.parquet`` withdraw
one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from audiorec.data.datasets.dataset_files import DatasetFolder, ExpectedFile, no_tracks
from audiorec.data.datasets.dataset_rows import UNREADABLE, DatasetPlays, collect_plays
from audiorec.data.histories import PLAY_FRACTION, PLAY_SECONDS, SKIP_SECONDS
from audiorec.exceptions import data_error, first_line

TITLE = "Yambda"
PAPER = (
    "A. Ploshkin et al.: Yambda-5B - A Large-Scale Multi-modal Dataset for Ranking and Retrieval. "
    "RecSys 2025"
)
TERMS = "Apache 2.0"
ORIGIN = "https://huggingface.co/datasets/yandex/yambda"
LISTENING = "timed plays and skips, likes"
LISTENS = ExpectedFile("listens.parquet", "listens")
RATINGS = {"likes": 1.0, "dislikes": -1.0, "unlikes": 0.0, "undislikes": 0.0}
"""Files of ratings, with the rating that each stands for."""
FILES = (
    LISTENS,
    *(ExpectedFile(f"{name}.parquet", name, required=False) for name in RATINGS),
)
tracks = no_tracks
NEITHER = "listens that are neither a play nor a skip"
EVENT = {"uid": pl.Int64, "item_id": pl.Int64, "timestamp": pl.Int64}
COLUMNS = EVENT | {
    "played_ratio_pct": pl.Float64,
    "track_length_seconds": pl.Float64,
}


def read(folder: DatasetFolder) -> DatasetPlays:
    """Listens by the rule of all histories: half or four minutes is a play, under 30 s a skip."""
    raw = _events(folder, LISTENS, COLUMNS)
    share, length = pl.col("played_ratio_pct") / 100, pl.col("track_length_seconds")
    played = (share >= PLAY_FRACTION) | (share * length >= PLAY_SECONDS)
    skipped = ~played & (share * length < SKIP_SECONDS)
    unusable = pl.any_horizontal(pl.col(*COLUMNS).is_null()) | (pl.col("played_ratio_pct") < 0)
    problem = pl.when(unusable).then(pl.lit(UNREADABLE))
    rows = raw.select(
        user_id=pl.col("uid").cast(pl.String),
        track_id=pl.col("item_id").cast(pl.String),
        plays=pl.lit(1.0),
        timestamp="timestamp",
        skipped=pl.when(skipped).then(1.0).otherwise(0.0),
        problem=problem.when(~played & ~skipped).then(pl.lit(NEITHER)),
    )
    plays, left, _ = collect_plays(folder, rows, where=folder.one(LISTENS.name))
    said = [
        _events(folder, f, EVENT).with_columns(rating=RATINGS[f.what])
        for f in _rating_files(folder)
    ]
    if not said:
        return DatasetPlays(plays, left)
    # Times are on a grid of 5 s: of two at one time, the withdrawal is the earlier one.
    last = (
        pl.concat(said)
        .drop_nulls()
        .sort("timestamp", pl.col("rating").abs())
        .group_by("uid", "item_id")
        .agg(pl.col("rating").last())
    )
    ratings = last.filter(pl.col("rating") != 0).select(
        user_id=pl.col("uid").cast(pl.String),
        track_id=pl.col("item_id").cast(pl.String),
        plays=pl.lit(0.0),
        rating="rating",
    )
    return DatasetPlays(pl.concat([plays, ratings], how="diagonal"), left)


def _rating_files(folder: DatasetFolder) -> list[ExpectedFile]:
    return [file for file in FILES if file.what in RATINGS and folder.find(file.name)]


def _events(folder: DatasetFolder, file: ExpectedFile, columns: Mapping[str, Any]) -> pl.LazyFrame:
    """These columns of a file, one row per event."""
    path = folder.one(file.name)
    try:
        raw = pl.scan_parquet(folder.table(path))
        schema = raw.collect_schema()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise data_error(
            str(path), f"is no Parquet file ({first_line(error)})", "fetch it again"
        ) from None
    missing = [name for name in columns if name not in schema]
    if missing:
        raise data_error(
            str(path),
            f"has no column {missing[0]!r} (its columns: {', '.join(schema.names())[:200]})",
            "name the folder of one size, such as flat/50m",
        )
    lists = [name for name in columns if isinstance(schema[name], pl.List)]
    raw = raw.select(list(columns))
    raw = raw.explode(lists) if lists else raw
    return raw.with_columns(pl.col(n).cast(t, strict=False) for n, t in columns.items())
