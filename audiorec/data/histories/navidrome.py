"""Navidrome: ``navidrome.db``, with counts, stars and ratings of every user, and scrobbles.

Scrobbles, each with its time, exist since the end of 2025; where a listener has some of a track,
they replace the count. Rows of albums and artists are ignored.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from audiorec.data.histories.databases import column, has_columns, has_table, holds_table
from audiorec.data.histories.export_files import Export, ExportFile
from audiorec.data.histories.field_values import (
    count,
    mbid,
    normalize_rating,
    number,
    parse_time,
    path_text,
    text,
)
from audiorec.data.histories.listen import Listen, Tally

TITLE = "Navidrome database"
EXPORT = "copy navidrome.db (and navidrome.db-wal) from the server's data folder"


def recognise(member: ExportFile) -> bool:
    """Whether a file has this format."""
    return holds_table(member, "annotation", "media_file")


def read(export: Export, members: list[ExportFile], tally: Tally) -> Iterator[Listen]:
    """Every scrobble, and the counts, stars and ratings of every user."""
    for member in members:
        with export.database(member) as database:
            yield from _scrobbles(database, tally)
            yield from _counts(database, tally)


def _song_columns(database: sqlite3.Connection) -> str:
    """Columns of a song, those that this version has."""
    wanted = {"artist": "''", "title": "''", "album": "''", "path": "''", "duration": "NULL"}
    wanted |= {"mbz_recording_id": "''", "mbz_track_id": "''"}
    parts = [
        column(database, "media_file", name, alias="m", absent=absent)
        for name, absent in wanted.items()
    ]
    return ", ".join([*parts, "u.user_name AS user_name"])


def _listen(row: sqlite3.Row) -> Listen:
    length = number(row["duration"])
    return Listen(
        text(row["artist"]),
        text(row["title"]),
        text(row["album"]),
        duration=length if length and length > 0 else None,
        recording_mbid=mbid(row["mbz_recording_id"]) or mbid(row["mbz_track_id"]),
        path=path_text(row["path"]),
        user=text(row["user_name"]),
    )


def _scrobbles(database: sqlite3.Connection, tally: Tally) -> Iterator[Listen]:
    if not has_table(database, "scrobbles"):
        return
    for row in database.execute(
        f"SELECT s.submission_time AS time, m.id AS id, {_song_columns(database)} FROM scrobbles s"
        " LEFT JOIN media_file m ON m.id = s.media_file_id LEFT JOIN user u ON u.id = s.user_id"
    ):
        if row["id"] is None:
            tally["plays of files that the server has no more"] += 1
            continue
        time = parse_time(row["time"], tally)
        if time is not None:
            yield _listen(row)._replace(timestamp=time)


def _counts(database: sqlite3.Connection, tally: Tally) -> Iterator[Listen]:
    rated = column(database, "annotation", "rating", alias="a", absent="0")
    starred = column(database, "annotation", "starred", alias="a", absent="0")
    typed = has_columns(database, "annotation", "item_type")
    kind = "AND a.item_type = 'media_file'" if typed else ""
    for row in database.execute(
        f"SELECT a.play_count AS play_count, {rated}, {starred}, {_song_columns(database)}"
        f" FROM annotation a JOIN media_file m ON m.id = a.item_id {kind}"
        " LEFT JOIN user u ON u.id = a.user_id"
    ):
        rating = 1.0 if row["starred"] in (1, True) else normalize_rating(row["rating"], best=5)
        plays = count(row["play_count"])
        if plays or rating:
            yield _listen(row)._replace(plays=plays, rating=rating)
        else:
            tally["tracks never played"] += 1
