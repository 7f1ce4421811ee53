"""XSPF: a playlist as XML; each is a listener, called by its title or its file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from urllib.parse import unquote
from xml.etree import ElementTree

from audiorec.data.histories.export import Export, Member
from audiorec.data.histories.itunes import location
from audiorec.data.histories.listen import Listen, Tally, mbid, number, path_text, text
from audiorec.data.histories.parse import xml_elements

TITLE = "XSPF playlists"
EXPORT = "save a playlist as XSPF in your player; each playlist counts as a listener"


def recognise(member: Member) -> bool:
    """Whether a file is one of these."""
    return member.suffix in (".xspf", ".xml") and b"http://xspf.org/ns/0/" in member.head()


def read(export: Export, members: list[Member], tally: Tally) -> Iterator[Listen]:
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


def list_name(member: Member) -> str:
    """The listener that a playlist is: its path in the export, without the ending."""
    return text(str(PurePosixPath(member.name).with_suffix("")))


def entry_of(values: dict[str, object], *, identifiers: list[str]) -> Listen | None:
    """What one track of a playlist names; None where it names nothing.

    Parameters
    ----------
    values : dict
        creator, title, album, duration (ms) and location.
    identifiers : list of str
        Addresses, of which that of a MusicBrainz recording is read.
    """
    said = values.get("location")
    if isinstance(said, list):
        said = said[0] if said else ""
    said = said if isinstance(said, str) else ""
    path = location(said)
    if not path and "://" not in said:
        path = path_text(unquote(said))
    title = text(values.get("title"))
    recording = next(
        (found for name in identifiers if (found := mbid(name.rstrip("/").rpartition("/")[2]))), ""
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
