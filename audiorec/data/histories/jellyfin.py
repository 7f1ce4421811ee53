"""Jellyfin: ``playback_reporting.db`` of the plugin Playback Reporting.

A row is a listen: its start by the server's clock, which is assumed to be in this machine's local
time, its duration, and a name such as ``Artist - Title (Album)``. Episodes and films are left out,
and columns about devices are not read.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator

from audiorec.data.histories.databases import column, holds_table
from audiorec.data.histories.export_files import Export, ExportFile
from audiorec.data.histories.field_values import local_to_utc, number, parse_time, text
from audiorec.data.histories.listen import Listen, Tally

TITLE = "Jellyfin playback reporting"
EXPORT = (
    "with the plugin Playback Reporting: copy playback_reporting.db from the server's data folder"
)
UNKNOWN = "Not Known"
"""Placeholder of the plugin for an artist, title or album that a file lacks."""
_NAME = re.compile(r"(?P<artist>.+?) - (?P<title>.+?)(?: \((?P<album>[^()]*(?:\([^()]*\))?)\))?")


def recognise(member: ExportFile) -> bool:
    """Whether a file has this format."""
    return holds_table(member, "PlaybackActivity")


def read(export: Export, members: list[ExportFile], tally: Tally) -> Iterator[Listen]:
    """Every listen of the reports."""
    for member in members:
        with export.database(member) as database:
            paused = column(database, "PlaybackActivity", "PauseDuration", alias="a", absent="0")
            for row in database.execute(
                "SELECT a.DateCreated AS DateCreated, a.UserId AS UserId, a.ItemType AS ItemType,"
                f" a.ItemName AS ItemName, a.PlayDuration AS PlayDuration, {paused}"
                " FROM PlaybackActivity a"
            ):
                listen = _listen(row, tally)
                if listen is not None:
                    yield listen


def _listen(row: sqlite3.Row, tally: Tally) -> Listen | None:
    if row["ItemType"] != "Audio":
        tally["videos"] += 1
        return None
    artist, title, album = split_name(text(row["ItemName"]))
    if not title:
        tally["rows without a title"] += 1
        return None
    played = number(row["PlayDuration"])
    if played is None or played < 0:
        tally["rows that cannot be read"] += 1
        return None
    time = parse_time(row["DateCreated"], tally)
    if time is None:
        return None
    return Listen(
        artist,
        title,
        album,
        timestamp=int(local_to_utc(time)),
        seconds=max(0.0, played - (number(row["PauseDuration"]) or 0.0)),
        user=text(row["UserId"]),
    )


def split_name(name: str) -> tuple[str, str, str]:
    """Artist, title and album of ``Artist - Title (Album)``; a name without a dash is a title."""
    match = _NAME.fullmatch(name)
    parts = ("", name, "") if match is None else match.group("artist", "title", "album")
    artist, title, album = ("" if part in (None, UNKNOWN) else part for part in parts)
    return artist, title, album
