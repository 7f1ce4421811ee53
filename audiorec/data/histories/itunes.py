"""iTunes and the Music app: the library as XML, with counts of plays and skips.

Ratings computed by Music itself are ignored; 60 of 100 is neutral. Podcasts, films, voice memos
and disabled tracks are left out. ``Location`` is a URL of the file, perhaps of Windows.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

from audiorec.data.histories.export_files import Export, ExportFile
from audiorec.data.histories.field_values import count, normalize_rating, number, path_text, text
from audiorec.data.histories.listen import Listen, Tally
from audiorec.data.histories.stream_parsing import xml_elements

TITLE = "iTunes or Music library"
EXPORT = "in Music or iTunes: File > Library > Export Library..., an XML file"
_OTHER = ("Podcast", "Movie", "TV Show", "Has Video", "Music Video", "Audiobooks", "iTunesU")


def recognise(member: ExportFile) -> bool:
    """Whether a file has this format."""
    head = member.head()
    return member.suffix == ".xml" and b"<plist" in head and b"<key>Tracks</key>" in head


def read(export: Export, members: list[ExportFile], tally: Tally) -> Iterator[Listen]:
    """Every track of the libraries that was played, skipped or rated."""
    for member in members:
        for element in xml_elements(member, "dict"):
            track = _dict(element)
            if "Track ID" not in track or len(track) < 3:
                continue  # a playlist, or an entry of one
            listen = _listen(track, tally)
            if listen is not None:
                yield listen


def _dict(element: ElementTree.Element) -> dict[str, str | bool]:
    """Keys and plain values of a property list's dictionary."""
    values: dict[str, str | bool] = {}
    key = ""
    for child in element:
        if child.tag == "key":
            key = child.text or ""
        elif child.tag in ("true", "false"):
            values[key] = child.tag == "true"
        elif child.tag in ("string", "integer", "real", "date"):
            values[key] = child.text or ""
    return values


def _listen(track: dict[str, str | bool], tally: Tally) -> Listen | None:
    kind = str(track.get("Kind", "")).lower()
    if any(track.get(key) is True for key in _OTHER) or "video" in kind:
        tally["podcasts, audiobooks and videos"] += 1
        return None
    if track.get("Disabled") is True:
        tally["tracks that are switched off"] += 1
        return None
    plays, skips = count(track.get("Play Count")), count(track.get("Skip Count"))
    rating = None
    if track.get("Rating Computed") is not True:
        rating = normalize_rating(track.get("Rating"), best=100)
    if track.get("Loved") is True or track.get("Favorited") is True:
        rating = 1.0
    elif track.get("Disliked") is True:
        rating = -1.0
    title = text(track.get("Name"))
    if not title:
        tally["rows without a title"] += 1
        return None
    if not plays and not skips and not rating:
        tally["tracks never played"] += 1
        return None
    length = number(track.get("Total Time"))
    return Listen(
        text(track.get("Artist")) or text(track.get("Album Artist")),
        title,
        text(track.get("Album")),
        duration=length / 1e3 if length and length > 0 else None,
        plays=plays,
        skips=skips,
        rating=rating,
        path=location(track.get("Location")),
    )


def location(value: object) -> str:
    """Path of a ``file://`` URL; of Windows with its drive. Empty if it is not one."""
    if not isinstance(value, str):
        return ""
    try:
        address = urlsplit(value)
    except ValueError:
        return ""
    if address.scheme != "file":
        return ""
    path = path_text(unquote(address.path))
    return path[1:] if path[2:3] == ":" else path
