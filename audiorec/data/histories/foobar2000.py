"""foobar2000: the XML exported by its component Playback Statistics.

An entry is a file with a count, its first and last time in the Windows epoch (tenths of a
microsecond since 1601), and optionally a rating of 1 to 5. The times are those of two plays of
the count; the rest have none, so all of them are imported as a count.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PureWindowsPath

from audiorec.data.histories.export_files import Export, ExportFile
from audiorec.data.histories.field_values import count, normalize_rating, path_text, text
from audiorec.data.histories.itunes import location
from audiorec.data.histories.listen import Listen, Tally
from audiorec.data.histories.stream_parsing import xml_elements

TITLE = "foobar2000 playback statistics"
EXPORT = (
    "with the component Playback Statistics: Library > Playback statistics > Export, an XML file"
)


def recognise(member: ExportFile) -> bool:
    """Whether a file has this format."""
    return member.suffix == ".xml" and b"<PlaybackStatistics" in member.head()


def read(export: Export, members: list[ExportFile], tally: Tally) -> Iterator[Listen]:
    """Every entry that was played or rated."""
    for member in members:
        for entry in xml_elements(member, "Entry"):
            plays = count(entry.get("Count"))
            rating = normalize_rating(entry.get("Rating"), best=5)
            if not plays and not rating:
                tally["tracks never played"] += 1
                continue
            items = [_item(item.get("Path", "")) for item in entry.iter("Item")]
            path = next((item for item in items if item), "")
            if not path:
                tally["entries without a file"] += 1
                continue
            # Only the name of the file can be matched where the path is unknown here.
            title = text(PureWindowsPath(path).stem)
            yield Listen(title=title, path=path, plays=plays, rating=rating)


def _item(entry: str) -> str:
    """Path of an item; foobar2000 writes it plainly, or as a URL, percent-encoded or not."""
    if entry.startswith("file://"):
        return location(entry.replace("\\", "/").replace("#", "%23"))
    return path_text(entry)
