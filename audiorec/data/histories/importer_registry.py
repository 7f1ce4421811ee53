"""Registry of formats of histories by name, and recognition of an export's format."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import NamedTuple, Protocol, cast

from audiorec.data.histories.export_files import Export, ExportFile
from audiorec.data.histories.listen import Listen, Tally
from audiorec.exceptions import ParameterError, data_error

SOURCES = (
    "spotify",
    "listenbrainz",
    "lastfm",
    "rockbox",
    "itunes",
    "apple-music",
    "youtube-music",
    "navidrome",
    "jellyfin",
    "plex",
    "foobar2000",
    "mpd",
    "beets",
    "csv",
    "m3u",
    "xspf",
    "jspf",
)
"""Names of the formats, in the order in which they are tried."""
PLAYLISTS = ("m3u", "xspf", "jspf")
"""Formats of playlists: they often lie beside other exports, and each list is a session."""
IN_COLUMNS = ("csv", "m3u")
"""Formats that are read as columns."""
AUTO = "auto"


class HistoryFormat(Protocol):
    """Protocol of a module of a format."""

    TITLE: str
    EXPORT: str

    def recognise(self, member: ExportFile) -> bool:
        """Whether a file of an export has this format."""
        ...

    def read(self, export: Export, members: list[ExportFile], tally: Tally) -> Iterator[Listen]:
        """Iterate over the listens of these files."""
        ...


class RecognisedExport(NamedTuple):
    """The format of an export, and its files of this format."""

    source: str
    members: list[ExportFile]


def history(source: str) -> HistoryFormat:
    """Import the module of a format.

    Raises
    ------
    ParameterError
        If no format has that name.
    """
    if source not in SOURCES:
        known = ", ".join((AUTO, *SOURCES))
        raise ParameterError(f"source={source!r} is unknown; use one of: {known}")
    name = source.replace("-", "_")
    return cast("HistoryFormat", importlib.import_module(f"audiorec.data.histories.{name}"))


def recognise(export: Export, *, source: str = AUTO) -> RecognisedExport:
    """Recognise the format of an export.

    Parameters
    ----------
    export : Export
    source : str
        One of `SOURCES`; or "auto", to detect it.

    Raises
    ------
    DataError
        If it has no known format, another one than `source`, or several.
    """
    if source != AUTO:
        members = _members(export, source)
        if not members:
            raise data_error(
                export.path,
                f"has no {history(source).TITLE} in it",
                f"to get one: {history(source).EXPORT}; or leave --source to auto",
            )
        return RecognisedExport(source, members)
    by_source = {name: members for name in SOURCES if (members := _members(export, name))}
    if len(by_source) > 1:
        by_source = {n: f for n, f in by_source.items() if n not in PLAYLISTS} or by_source
    if not by_source:
        raise data_error(
            export.path,
            "is not a known listening history",
            f"known are {', '.join(SOURCES)}: 'audiorec plays --help' says how to get each",
        )
    if len(by_source) > 1:
        raise data_error(
            export.path,
            f"holds {' and '.join(by_source)}",
            "name the files one by one, or one format by --source",
        )
    return RecognisedExport(*next(iter(by_source.items())))


def _members(export: Export, source: str) -> list[ExportFile]:
    module = history(source)
    return [member for member in export.members if module.recognise(member)]
