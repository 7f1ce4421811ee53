"""Last.fm: the tables that lastfm-to-csv, ghan.nl's export and lastfm-backup-cli write.

Last.fm itself has no export. lastfm-to-csv has no header line: artist, album, track and
``14 Nov 2023 22:13``. ghan.nl has a header; its ``uts`` is in seconds, beside a readable time.
lastfm-backup-cli has date, time, artist and title. All times are UTC; scrobbles without one are
playing now.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from audiorec.data.histories.export_files import Export, ExportFile
from audiorec.data.histories.field_values import mbid, parse_time, text
from audiorec.data.histories.listen import Listen, Tally
from audiorec.data.histories.stream_parsing import csv_dicts, csv_rows

TITLE = "Last.fm scrobbles"
EXPORT = (
    "lastfm.ghan.nl/export or benjaminbenben.com/lastfm-to-csv: enter your name there, save as CSV"
)
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAY = re.compile(r"(\d{1,2}) ([A-Za-z]{3}) (\d{4}),? (\d{1,2}):(\d{2})")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2})?")


def recognise(member: ExportFile) -> bool:
    """Whether a file has this format."""
    return member.suffix in (".csv", ".txt", ".tsv") and _shape(member) != ""


def _shape(member: ExportFile) -> str:
    """Format of the three that a table has, by its first nonempty line."""
    row = next((row for _, row in csv_rows(member, Tally())), [])
    names = {cell.strip().lower() for cell in row}
    if {"uts", "artist", "track"} <= names:
        return "ghan"
    if {"date", "time", "artist", "title"} <= names:
        return "named backup"
    if len(row) == 4 and (_DAY.fullmatch(row[3].strip()) or (not row[3] and any(row[:3]))):
        return "lastfm-to-csv"
    if len(row) == 4 and _DATE.fullmatch(row[0].strip()) and _CLOCK.fullmatch(row[1].strip()):
        return "backup"
    return ""


def read(export: Export, members: list[ExportFile], tally: Tally) -> Iterator[Listen]:
    """Every scrobble of the files."""
    for member in members:
        shape = _shape(member)
        if shape == "ghan":
            rows = _named(member, tally)
        elif shape == "lastfm-to-csv":
            rows = _without_names(member, tally)
        else:
            rows = _backup(member, tally, named=shape == "named backup")
        for listen in rows:
            if listen.title:
                yield listen
            else:
                tally["rows without a title"] += 1


def _named(member: ExportFile, tally: Tally) -> Iterator[Listen]:
    for row in csv_dicts(member, tally, required_columns=("uts", "artist", "track")):
        time = parse_time(row["uts"] or None, tally)
        if time is not None:
            yield Listen(
                text(row["artist"]),
                text(row["track"]),
                text(row.get("album")),
                timestamp=time,
                recording_mbid=mbid(row.get("track_mbid")),
            )


def _without_names(member: ExportFile, tally: Tally) -> Iterator[Listen]:
    for _, row in csv_rows(member, tally):
        if len(row) != 4:
            tally["rows of another length than the first line"] += 1
            continue
        artist, album, track, day = map(text, row)
        time = parse_time(_day(day), tally)
        if time is not None:
            yield Listen(artist, track, album, timestamp=time)


def _backup(member: ExportFile, tally: Tally, *, named: bool) -> Iterator[Listen]:
    for place, (_, row) in enumerate(csv_rows(member, tally)):
        if named and not place:
            continue
        if len(row) != 4:
            tally["rows of another length than the first line"] += 1
            continue
        date, clock, artist, title = map(text, row)
        time = parse_time(f"{date} {clock if clock[1:2] != ':' else '0' + clock}", tally)
        if time is not None:
            yield Listen(artist, title, timestamp=time)


def _day(date: str) -> float | None:
    """Parse ``14 Nov 2023 22:13`` to seconds, independent of the machine's language."""
    match = _DAY.fullmatch(date)
    if match is None:
        return None
    day, month, year, hour, minute = match.groups()
    try:
        at = _MONTHS.index(month.lower()) + 1
        return datetime(int(year), at, int(day), int(hour), int(minute), tzinfo=UTC).timestamp()
    except ValueError:
        return None
