"""Stored listening: Parquet, one part per imported file, behind one manifest.

A frame of plays has the columns ``user_id``, ``track_id``, ``plays`` (float64) and ``timestamp``
(second since 1970-01-01 UTC, or null). Tracks need no audio: any listening is informative
about the listener. Where the files have them there are two more columns, ``skipped`` (number of
the plays that were skipped) and ``rating`` (-1 to 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from audiorec import artifacts
from audiorec.artifacts import Manifest
from audiorec.data.histories import IN_COLUMNS
from audiorec.data.plays.play_and_skip_rules import (
    SOURCE,
    drop_counts_with_events,
    merge_repeated_plays,
    prefer_feedback_ratings,
)
from audiorec.data.plays.uncatalogued_names import is_part
from audiorec.data.plays.writer import (
    FEEDBACK,
    KIND,
    NAMES,
    is_within,
    stored_manifest,
    writing_plays,
)
from audiorec.exceptions import ArtifactError, first_line


def forget_within(directory: Path, folder: Path, *, source: str) -> int:
    """Remove listening of a format that was imported from a folder, or from within it.

    Returns
    -------
    rows : int
        Number of rows removed.

    Raises
    ------
    ArtifactError
        See `audiorec.data.plays_import.import_plays`.
    """
    removed = [
        name
        for name, part in stored_manifest(directory).extra.get("parts", {}).items()
        if part["source"] == source and is_within(part["file"], folder.resolve())
    ]
    if not removed:
        return 0
    with writing_plays(directory) as writer:
        rows = writer.drop(*removed)
        writer.commit()
    return rows


def imported_from(directory: Path, *, source: str) -> list[Path]:
    """Files and folders from which stored listening of a source was imported, if known.

    Raises
    ------
    ArtifactError
        See `audiorec.data.plays_import.import_plays`.
    """
    parts = stored_manifest(directory).extra.get("parts", {}).values()
    return [Path(part["file"]) for part in parts if part["file"] and part["source"] == source]


def load_plays(directory: Path, *, with_source: bool = False, coded: bool = False) -> pl.DataFrame:
    """Load all stored listening.

    Events that occur in two files (equal in listener, track, count and time, as in two exports of
    one history) count once; counts without a time add up.

    Parameters
    ----------
    directory : Path
        Artifact of kind "plays".
    with_source : bool
        Add a column ``source`` with the format from which each row was imported.
    coded : bool
        Make user_id and track_id a `polars.Enum`, ascending: 8 bytes a row instead of 32.

    Returns
    -------
    plays : pl.DataFrame
        Columns user_id (str), track_id (str), plays (float64), timestamp (int64 epoch s or null);
        and, where a part has them, skipped (float64 or null) and rating (float64, -1 to 1, or
        null).

    Raises
    ------
    ArtifactError
        If nothing is stored, or it is damaged.
    """
    manifest = artifacts.load_manifest(directory, kind=KIND)
    parts = _parts(directory, manifest)
    histories = NAMES in manifest.files or FEEDBACK in manifest.files
    about = manifest.extra.get("parts", {})
    sources = [about[name]["source"] for name in sorted(about)]
    early = coded and not histories
    told_sources = sources if histories or with_source else ()
    frame = _read(directory, parts, sources=told_sources, coded=early)
    if histories:
        frame = _by_rule(_resolved(frame, directory, manifest))
    elif len(parts) > 1 and frame["timestamp"].null_count() < len(frame):
        timed = _once(frame.filter(pl.col("timestamp").is_not_null()))
        frame = pl.concat([frame.filter(pl.col("timestamp").is_null()), timed])
    frame = frame if with_source else frame.drop(SOURCE, strict=False)
    return _coded(frame.lazy()).collect() if coded and not early else frame


def _coded(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Encode the ids, each in the order of the ids."""
    for column in ("user_id", "track_id"):
        names = frame.select(pl.col(column).unique()).collect(engine="streaming").to_series()
        frame = frame.with_columns(pl.col(column).cast(pl.Enum(names.drop_nulls().sort())))
    return frame


def _once(events: pl.DataFrame) -> pl.DataFrame:
    """Drop events that are equal in everything but their source."""
    columns = [column for column in events.columns if column != SOURCE]
    return events.unique(columns, keep="first", maintain_order=True)


def _by_rule(frame: pl.DataFrame) -> pl.DataFrame:
    """Merge histories into plays, by the rules of `audiorec.data.plays.play_and_skip_rules`.

    Listeners without such a history are unchanged.
    """
    mine = pl.col(SOURCE).is_in([*IN_COLUMNS, ""])
    listeners = frame.filter(~mine)["user_id"].unique()
    concerned, timed = (
        pl.col("user_id").is_in(listeners.implode()),
        pl.col("timestamp").is_not_null(),
    )
    rest, both = frame.filter(~concerned), frame.filter(concerned)
    events = merge_repeated_plays(_once(both.filter(timed)), apart=mine)
    counts = both.filter(~timed)
    reports = pl.concat(
        [counts.filter(mine), drop_counts_with_events(counts.filter(~mine), events), events],
        how="diagonal",
    )
    others = pl.concat([rest.filter(~timed), _once(rest.filter(timed))])
    return pl.concat([others, prefer_feedback_ratings(reports)], how="diagonal").select(
        frame.columns
    )


def all_played_tracks(directory: Path) -> list[str]:
    """Ids of all tracks in the stored listening, ascending; no other column is read.

    Raises
    ------
    ArtifactError
        See `load_plays`.
    """
    manifest = artifacts.load_manifest(directory, kind=KIND)
    ids = _read(directory, _parts(directory, manifest), columns=["track_id"], distinct=True)
    if NAMES in manifest.files:
        ids = _resolved(ids, directory, manifest).unique()
    return ids["track_id"].sort().to_list()


def _resolved(frame: pl.DataFrame, directory: Path, manifest: Manifest) -> pl.DataFrame:
    """Rows under the ids of the tracks to which their names were matched."""
    if NAMES not in manifest.files:
        return frame
    names = _read(directory, [directory / manifest.files[NAMES].file])
    ids = names.select("key", resolved=pl.coalesce("track_id", "name_id"))
    joined = frame.join(ids, left_on="track_id", right_on="key", how="left", maintain_order="left")
    return joined.with_columns(track_id=pl.coalesce("resolved", "track_id")).drop("resolved")


def _parts(directory: Path, manifest: Manifest) -> list[Path]:
    return [
        directory / entry.file for name, entry in sorted(manifest.files.items()) if is_part(name)
    ]


def _read(
    directory: Path,
    parts: Sequence[Path],
    *,
    columns: Sequence[str] | None = None,
    distinct: bool = False,
    sources: Sequence[str] = (),
    coded: bool = False,
) -> pl.DataFrame:
    try:
        scans = [pl.scan_parquet(part) for part in parts]
        if sources:
            pairs = zip(scans, sources, strict=True)
            scans = [scan.with_columns(pl.lit(source).alias(SOURCE)) for scan, source in pairs]
        frame = pl.concat(scans, how="diagonal")
        frame = frame if columns is None else frame.select(columns)
        if coded:
            return _coded(frame).collect(engine="streaming")
        return (frame.unique() if distinct else frame).collect()
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = first_line(error)
        raise ArtifactError(
            f"plays in {directory} cannot be read ({reason}); "
            "remove the directory and run 'audiorec plays FILE' again"
        ) from None
