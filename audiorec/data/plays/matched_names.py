"""Names in stored listening, and their tracks in the catalogue.

The plays of a history are stored under keys of the names in it. A table beside them gives each key
its track, so that names can be matched again when the catalogue has grown, or corrected by hand,
without importing the history again. A name in no catalogue has an id made of the name.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from audiorec import artifacts
from audiorec.artifacts import write_atomic
from audiorec.data.names import Matcher, TrackName, name_id
from audiorec.data.names.listen_matching import RULES
from audiorec.data.plays.play_and_skip_rules import KEY
from audiorec.data.plays.writer import (
    NAMES,
    NAMES_SCHEMA,
    PlaysWriter,
    stored_manifest,
    writing_plays,
)
from audiorec.data.strict_csv import read_table
from audiorec.exceptions import AudiorecError, data_error

BY_HAND = RULES[0]
NONE = "-"
"""Entry of a corrected list for a name that is not in the catalogue."""
COLUMNS = ("key", "listens", "artist", "title", "album", "track_id")


class UnmatchedName(NamedTuple):
    """A name without a track, and the number of its listens."""

    key: str
    listens: int
    artist: str
    title: str
    album: str


def matched(names: pl.DataFrame, matcher: Matcher) -> pl.DataFrame:
    """The table of names with the track of each, if the catalogue has it.

    Parameters
    ----------
    names : pl.DataFrame
        Columns of `NAMES_SCHEMA` but the last three, which are added; manual entries are kept.
    matcher : Matcher
    """
    track_ids: list[str | None] = []
    rules: list[str | None] = []
    ids: list[str | None] = []
    columns = ("artist", "title", "album", "duration", "recording_mbid", "path")
    by_hand = "track_id" in names.columns and "rule" in names.columns
    for row in names.iter_rows(named=True):
        name = TrackName(*(row[column] for column in columns))
        ids.append(name_id(name))
        if by_hand and row["rule"] == BY_HAND and _still_there(row["track_id"], matcher):
            track_ids.append(row["track_id"])
            rules.append(BY_HAND)
            continue
        match = matcher.match(name)
        track_ids.append(match.track_id if match else None)
        rules.append(match.rule if match else None)
    made: dict[str, list[str | None]] = {"track_id": track_ids, "rule": rules, "name_id": ids}
    return names.with_columns(
        pl.Series(column, list(values), dtype=pl.String) for column, values in made.items()
    ).select(*NAMES_SCHEMA)


def _still_there(track_id: str | None, matcher: Matcher) -> bool:
    return track_id is None or track_id in matcher


def add_names(writer: PlaysWriter, names: pl.DataFrame, matcher: Matcher) -> pl.DataFrame:
    """Match names again, including those stored before, and store the table; return it.

    Parameters
    ----------
    writer : PlaysWriter
    names : pl.DataFrame
        key, artist, title, album, recording_mbid, path and duration.
    matcher : Matcher
    """
    old = writer.names()
    new = names.join(old.select("key"), on="key", how="anti")
    whole = pl.concat([old, new], how="diagonal").sort("key")
    table = matched(whole, matcher)
    writer.put(NAMES, table)
    return table


def rematch_names(directory: Path, matcher: Callable[[bool], Matcher]) -> int:
    """Match the stored names to a catalogue that has changed.

    Parameters
    ----------
    directory : Path
        Artifact of kind "plays"; unchanged if it has no names.
    matcher : callable
        Makes the matcher; its argument is whether MusicBrainz ids are of use.

    Returns
    -------
    changed : int
        Number of names with another track than before.
    """
    if not artifacts.exists(directory) or NAMES not in stored_manifest(directory).files:
        return 0
    with writing_plays(directory) as writer:
        before = writer.names()
        after = matched(before, matcher(has_mbids(before)))
        changed = after.select(pl.col("track_id").ne_missing(before["track_id"]).sum()).item()
        if changed:
            writer.put(NAMES, after)
            writer.commit()
    return int(changed)


def has_mbids(names: pl.DataFrame) -> bool:
    """Whether any name has a MusicBrainz id."""
    return bool((names["recording_mbid"] != "").any())


def listens_by_key(writer: PlaysWriter) -> pl.DataFrame:
    """Number of listens in the stored parts of every key: columns key and listens."""
    frames = [
        frame.select(key="track_id", listens="plays").filter(pl.col("key").str.starts_with(KEY))
        for name in writer.parts
        if len(frame := writer.frame(name))
    ]
    empty = pl.DataFrame(schema={"key": pl.String, "listens": pl.Float64})
    return pl.concat([empty, *frames]).group_by("key").agg(pl.col("listens").sum())


def unmatched_names(writer: PlaysWriter) -> list[UnmatchedName]:
    """Names without a track, the most frequent first."""
    names = writer.names().filter(pl.col("track_id").is_null() & pl.col("rule").is_null())
    rows = names.join(listens_by_key(writer), on="key", how="inner").sort(
        "listens", "artist", "title", "key", descending=[True, False, False, False]
    )
    columns = ("key", "listens", "artist", "title", "album")
    return [UnmatchedName(k, int(n), *rest) for k, n, *rest in rows.select(columns).iter_rows()]


def write_unmatched(file: Path, names: Sequence[UnmatchedName]) -> None:
    """Write names for manual correction: a CSV whose last column is for tracks."""
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow(COLUMNS)
    out.writerows((*name, "") for name in names)
    write_atomic(file, text.getvalue().encode("utf-8", "replace"))


def read_corrections(file: Path, *, find: Callable[[str], str]) -> dict[str, str | None]:
    """Read a corrected list: the track of each key, None for names not in the catalogue.

    Parameters
    ----------
    file : Path
        As written by `write_unmatched`, with tracks in the column ``track_id``, or "-".
    find : callable
        Returns the id of the track with a name, path or id.

    Raises
    ------
    DataError
        If it is not such a list, or a track is unknown; the message has the line.
    """
    corrections: dict[str, str | None] = {}
    for line, row in read_table(
        file, required_columns=("key", "track_id"), optional_columns=COLUMNS
    ):
        track_id, key = row["track_id"].strip(), row["key"].strip()
        if not track_id:
            continue
        if not key.startswith(KEY):
            raise data_error(
                file, f"has key {key!r} in line {line}", "leave that column as it was written"
            )
        try:
            corrections[key] = None if track_id == NONE else find(track_id)
        except AudiorecError as error:
            raise data_error(file, f"has an unknown track in line {line}", str(error)) from None
    return corrections


def assign_tracks(writer: PlaysWriter, tracks: dict[str, str | None]) -> int:
    """Assign tracks to names by hand; return the number of names."""
    names = writer.names()
    corrections = pl.DataFrame(
        {"key": list(tracks), "_track": list(tracks.values())},
        schema={"key": pl.String, "_track": pl.String},
    ).with_columns(_hand=pl.lit(value=True))
    joined = names.join(corrections, on="key", how="left", maintain_order="left")
    by_hand = pl.col("_hand").fill_null(value=False)
    writer.put(
        NAMES,
        joined.with_columns(
            track_id=pl.when(by_hand).then("_track").otherwise("track_id"),
            rule=pl.when(by_hand).then(pl.lit(BY_HAND)).otherwise("rule"),
        ).select(*NAMES_SCHEMA),
    )
    return int(joined.select(by_hand.sum()).item())
