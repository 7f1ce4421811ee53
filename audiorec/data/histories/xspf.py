"""XSPF: playlists as XML; each is a listener, named by its title or its file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from urllib.parse import unquote
from xml.etree import ElementTree

from audiorec.data.histories.export_files import Export, ExportFile
from audiorec.data.histories.field_values import mbid, number, path_text, text
from audiorec.data.histories.itunes import location
from audiorec.data.histories.listen import Listen, Tally
from audiorec.data.histories.stream_parsing import xml_elements

TITLE = "XSPF playlists"
EXPORT = "save a playlist as XSPF in your player; each playlist counts as a listener"


def recognise(member: ExportFile) -> bool:
    """Whether a file has this format."""
    return member.suffix in (".xspf", ".xml") and b"http://xspf.org/ns/0/" in member.head()


def read(export: Export, members: list[ExportFile], tally: Tally) -> Iterator[Listen]:
    """Every entry of the playlists."""
    for member in members:
        name = list_name(member)
        for track in xml_elements(member, "track"):
            entry = entry_of(
                {child.tag: child.text or "" for child in track if isinstance(child.tag, str)},
                identifiers=[_text(track, "identifier")],
            )
            if entry is None:
                tally["entries without a title or a file"] += 1
            else:
                yield entry._replace(user=name)


def _text(track: ElementTree.Element, name: str) -> str:
    return track.findtext(name) or ""


def list_name(member: ExportFile) -> str:
    """Name of the listener of a playlist: its path in the export, without the suffix."""
    return text(str(PurePosixPath(member.name).with_suffix("")))


def entry_of(values: dict[str, object], *, identifiers: list[str]) -> Listen | None:
    """Make a listen of one track of a playlist; None if it names no recording.

    Parameters
    ----------
    values : dict
        creator, title, album, duration (ms) and location.
    identifiers : list of str
        URLs, of which that of a MusicBrainz recording is used.
    """
    address = values.get("location")
    if isinstance(address, list):
        address = address[0] if address else ""
    address = address if isinstance(address, str) else ""
    path = location(address)
    if not path and "://" not in address:
        path = path_text(unquote(address))
    title = text(values.get("title"))
    recording = next(
        (id_ for name in identifiers if (id_ := mbid(name.rstrip("/").rpartition("/")[2]))), ""
    )
    if not title and not path:
        return None
    length = number(values.get("duration"))
    return Listen(
        text(values.get("creator")),
        title or text(PurePosixPath(path.replace("\\", "/")).stem),
        text(values.get("album")),
        duration=length / 1e3 if length and length > 0 else None,
        recording_mbid=recording,
        path=path,
    )
