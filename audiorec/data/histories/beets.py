"""beets: ``library.db``, with the flexible attributes that plugins such as mpdstats write.

``play_count``, ``skip_count`` and ``rating`` (0 to 1) are attributes of items; ``path`` is bytes.
"""

from __future__ import annotations

from collections.abc import Iterator

from audiorec.data.histories.databases import column, holds_table
from audiorec.data.histories.export_files import Export, ExportFile
from audiorec.data.histories.field_values import count, mbid, number, path_text, text
from audiorec.data.histories.listen import Listen, Tally

TITLE = "beets library"
EXPORT = "copy the library of 'beet config' (library.db); the plugin mpdstats counts plays"
NAMES = ("play_count", "skip_count", "rating")


def recognise(member: ExportFile) -> bool:
    """Whether a file has this format."""
    return holds_table(member, "item_attributes", "items")


def read(export: Export, members: list[ExportFile], tally: Tally) -> Iterator[Listen]:
    """Every item that was played, skipped or rated."""
    pivot = ", ".join(
        f"max(CASE WHEN a.key = '{name}' THEN a.value END) AS {name}" for name in NAMES
    )
    for member in members:
        with export.database(member) as database:
            length = column(database, "items", "length", alias="i", absent="NULL")
            track = column(database, "items", "mb_trackid", alias="i", absent="''")
            for row in database.execute(
                "SELECT i.artist AS artist, i.title AS title, i.album AS album, i.path AS path,"
                f" {length}, {track}, {pivot} FROM items i"
                " JOIN item_attributes a ON a.entity_id = i.id GROUP BY i.id"
            ):
                plays, skips = count(row["play_count"]), count(row["skip_count"])
                score = number(row["rating"])
                # mpdstats starts at 0.5, and moves from there
                rating = None if score is None or not 0 <= score <= 1 else 2 * score - 1
                if not plays and not skips and not rating:
                    tally["tracks never played"] += 1
                    continue
                seconds = number(row["length"])
                yield Listen(
                    text(row["artist"]),
                    text(row["title"]),
                    text(row["album"]),
                    duration=seconds if seconds and seconds > 0 else None,
                    plays=plays,
                    skips=skips,
                    rating=rating or None,
                    recording_mbid=mbid(row["mb_trackid"]),
                    path=path_text(row["path"]),
                )
