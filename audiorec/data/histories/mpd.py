"""MPD: its sticker database, in which clients such as myMPD keep counts, skips and ratings.

Every value is text. Songs have their path in the music directory as names. myMPD's like is 0
(dislike), 1 (neutral) or 2 (like), and its rating is from 1 to 10.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import PurePosixPath

from audiorec.data.histories.databases import holds_table
from audiorec.data.histories.export_files import Export, ExportFile
from audiorec.data.histories.field_values import count, normalize_rating, path_text, text
from audiorec.data.histories.listen import Listen, Tally

TITLE = "MPD stickers"
EXPORT = "copy MPD's sticker database, the sticker_file of mpd.conf (often sticker.sql)"
PLAYS = ("playCount", "playcount", "play_count")
SKIPS = ("skipCount", "skipcount", "skip_count")


def recognise(member: ExportFile) -> bool:
    """Whether a file has this format."""
    return holds_table(member, "sticker")


def read(export: Export, members: list[ExportFile], tally: Tally) -> Iterator[Listen]:
    """Every song that was played, skipped or rated."""
    for member in members:
        stickers: dict[str, dict[str, object]] = defaultdict(dict)
        with export.database(member) as database:
            for row in database.execute("SELECT type, uri, name, value FROM sticker"):
                if row["type"] == "song":
                    stickers[row["uri"]][row["name"]] = row["value"]
        for uri, values in stickers.items():
            plays = max(count(values.get(name)) for name in PLAYS)
            skips = max(count(values.get(name)) for name in SKIPS)
            rating = _rating(values)
            if plays or skips or rating:
                path = path_text(uri)
                title = text(PurePosixPath(path).stem)
                yield Listen(title=title, path=path, plays=plays, skips=skips, rating=rating)
            else:
                tally["tracks never played"] += 1


def _rating(values: dict[str, object]) -> float | None:
    liked = {"0": -1.0, "2": 1.0}.get(str(values.get("like", "")).strip())
    return liked if liked is not None else normalize_rating(values.get("rating"), best=10)
