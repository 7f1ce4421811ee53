"""Plex: ``com.plexapp.plugins.library.db``, with every view of a track by each account.

Ratings and counts are in ``metadata_item_settings``, by the same guid: they cover the views that
were cleared. Names of tracks without a view are those of the library.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from audiorec.data.histories.databases import column, has_columns, has_table, holds_table
from audiorec.data.histories.export_files import Export, ExportFile
from audiorec.data.histories.field_values import count, normalize_rating, parse_time, text
from audiorec.data.histories.listen import Listen, Tally

TITLE = "Plex database"
EXPORT = (
    "copy com.plexapp.plugins.library.db (and its -wal) from the server's "
    "'Plug-in Support/Databases', or a backup beside it"
)
TRACK = 10
"""Number of the type "track" among Plex's types of items."""


def recognise(member: ExportFile) -> bool:
    """Whether a file has this format."""
    return holds_table(member, "metadata_item_views")


def read(export: Export, members: list[ExportFile], tally: Tally) -> Iterator[Listen]:
    """Every view of a track, and the ratings of each account."""
    for member in members:
        with export.database(member) as database:
            named = has_table(database, "accounts")
            user = "coalesce(nullif(c.name, ''), v.account_id)" if named else "v.account_id"
            join = "LEFT JOIN accounts c ON c.id = v.account_id" if named else ""
            songs = _library(database)
            for row in database.execute(
                "SELECT v.guid AS guid, v.metadata_type AS kind, v.grandparent_title AS artist,"
                " v.parent_title AS album, v.title AS title, v.viewed_at AS time,"
                f" CAST({user} AS TEXT) AS user FROM metadata_item_views v {join}"
            ):
                if row["kind"] != TRACK:
                    tally["videos"] += 1
                    continue
                time = parse_time(row["time"], tally)
                artist, title, album = (text(row[key]) for key in ("artist", "title", "album"))
                listen = Listen(artist, title, album, user=text(row["user"]))
                if listen.title:
                    songs[row["guid"]] = listen
                if listen.title and time is not None:
                    yield listen._replace(timestamp=time)
            if has_table(database, "metadata_item_settings"):
                skips = column(
                    database, "metadata_item_settings", "skip_count", alias="v", absent="0"
                )
                for row in database.execute(
                    f"SELECT v.guid AS guid, v.rating AS rating, v.view_count AS views, {skips},"
                    f" CAST({user} AS TEXT) AS user FROM metadata_item_settings v {join}"
                ):
                    known = songs.get(row["guid"])
                    rating = normalize_rating(row["rating"], best=10)
                    plays, skipped = count(row["views"]), count(row["skip_count"])
                    if known is not None and (rating or plays or skipped):
                        yield known._replace(
                            user=text(row["user"]), plays=plays, skips=skipped, rating=rating
                        )


def _library(database: sqlite3.Connection) -> dict[str, Listen]:
    """Tracks of the library, by their guids: albums and artists are their parents."""
    if not has_columns(database, "metadata_items", "id", "parent_id", "guid", "title"):
        return {}
    return {
        row["guid"]: Listen(text(row["artist"]), text(row["title"]), text(row["album"]))
        for row in database.execute(
            "SELECT t.guid AS guid, t.title AS title, a.title AS album, p.title AS artist"
            " FROM metadata_items t LEFT JOIN metadata_items a ON a.id = t.parent_id"
            " LEFT JOIN metadata_items p ON p.id = a.parent_id"
            f" WHERE t.metadata_type = {TRACK}"
        )
        if text(row["title"])
    }
