"""Playlist writers: M3U8, JSON, XSPF, JSPF and CSV, written atomically."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from types import MappingProxyType
from typing import Literal, NamedTuple, Protocol
from urllib.parse import quote
from xml.etree import ElementTree

from audiorec.data import file_of, segment_of
from audiorec.data.playlist_files import PathMap
from audiorec.data.playlist_files.reading import OWN
from audiorec.exceptions import ParameterError
from audiorec.output_files import write_output

XSPF = "http://xspf.org/ns/0/"
CREATOR = "audiorec"  # marks playlists that are not a listener's
Paths = Literal["absolute", "relative"]
Previews = Mapping[str, tuple[float, float]]
"""Start and end (s) of the part of a track to play, by track_id."""
NO_PREVIEWS: Previews = MappingProxyType({})
PREVIEW_FORMATS = ("m3u8", "json")
# Control characters, those invalid in XML, and Unicode line ends.
UNWRITABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]+")


class PlaylistTrack(Protocol):
    """Track fields that a playlist writes, a subset of `data.catalog.Track`.

    Unknown names are empty or None, and an unknown duration (s) is 0 or None.
    """

    @property
    def track_id(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def artist(self) -> str | None: ...
    @property
    def title(self) -> str | None: ...
    @property
    def album(self) -> str | None: ...
    @property
    def duration(self) -> float | None: ...


class WriteReport(NamedTuple):
    """Result of writing a playlist.

    Attributes
    ----------
    file : Path
    n_tracks : int
        Tracks in the file.
    skipped : tuple of str
        One line for each track that the format cannot represent.
    """

    file: Path
    n_tracks: int
    skipped: tuple[str, ...] = ()


class PlaylistContent(NamedTuple):
    """Content of a playlist file.

    Attributes
    ----------
    title : str or None
    tracks : list of (PlaylistTrack, str)
        Each with its path as written for the player.
    previews : mapping of str to (float, float)
    """

    title: str | None
    tracks: list[tuple[PlaylistTrack, str]]
    previews: Previews = NO_PREVIEWS


def format_m3u8(playlist: PlaylistContent) -> bytes:
    """Format as extended M3U in UTF-8; line breaks and control characters become spaces."""
    lines = ["#EXTM3U", OWN]
    if playlist.title:
        lines.append(f"#PLAYLIST:{clean(playlist.title)}")
    for track, path in playlist.tracks:
        seconds = round(track.duration) if track.duration else -1
        name = " - ".join(clean(part) for part in (track.artist, _title(track)) if part)
        lines.append(f"#EXTINF:{seconds},{name}")
        for directive, value in (("EXTALB", track.album), ("EXTART", track.artist)):
            if value and clean(value):
                lines.append(f"#{directive}:{clean(value)}")
        lines += _options(track, playlist.previews)
        lines.append(path)
    # A file name that is not UTF-8 keeps its bytes.
    return ("\n".join(lines) + "\n").encode("utf-8", errors="surrogateescape")


def _options(track: PlaylistTrack, previews: Previews) -> list[str]:
    """Return VLC options of a track that is played in part, or is a part of its file."""
    segment = segment_of(track.path)
    first = segment.start if segment is not None else 0.0
    times: dict[str, float | None] = {}
    if track.track_id in previews:
        start, end = previews[track.track_id]
        times = {"start-time": first + start, "stop-time": first + end}
    elif segment is not None:
        times = {"start-time": first, "stop-time": segment.end}
    return [f"#EXTVLCOPT:{name}={at:.10g}" for name, at in times.items() if at is not None]


def format_json(playlist: PlaylistContent) -> bytes:
    """Format as a JSON object with a list of tracks, every field as it is."""
    rows = [
        {
            "rank": rank,
            "track_id": track.track_id,
            "artist": track.artist,
            "title": track.title,
            "album": track.album,
            "duration": track.duration,
            "path": path,
            **_segment(track.path),
            **_preview(playlist.previews.get(track.track_id)),
        }
        for rank, (track, path) in enumerate(playlist.tracks, start=1)
    ]
    return _json({"title": playlist.title, "tracks": rows})


def _segment(path: str) -> dict[str, float | None]:
    """Return start and end of a track that is a part of its file; empty for others."""
    segment = segment_of(path)
    return {} if segment is None else {"start": segment.start, "end": segment.end}


def _preview(part: tuple[float, float] | None) -> dict[str, dict[str, float]]:
    return {} if part is None else {"preview": {"start": part[0], "end": part[1]}}


def format_xspf(playlist: PlaylistContent) -> bytes:
    """Format as XSPF version 1; paths are URIs, durations milliseconds."""
    ElementTree.register_namespace("", XSPF)
    root = ElementTree.Element(f"{{{XSPF}}}playlist", version="1")
    if playlist.title:
        ElementTree.SubElement(root, f"{{{XSPF}}}title").text = clean(playlist.title)
    ElementTree.SubElement(root, f"{{{XSPF}}}creator").text = CREATOR
    track_list = ElementTree.SubElement(root, f"{{{XSPF}}}trackList")
    for track, path in playlist.tracks:
        row = ElementTree.SubElement(track_list, f"{{{XSPF}}}track")
        for name, value in _xspf_fields(track, path).items():
            ElementTree.SubElement(row, f"{{{XSPF}}}{name}").text = str(value)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def format_jspf(playlist: PlaylistContent) -> bytes:
    """Format as JSPF, the JSON form of XSPF."""
    rows = []
    for track, path in playlist.tracks:
        fields = _xspf_fields(track, path)
        rows.append({**fields, "location": [fields["location"]]})
    head = {"title": clean(playlist.title)} if playlist.title else {}
    return _json({"playlist": {**head, "creator": CREATOR, "track": rows}})


CSV_COLUMNS = ("rank", "track_id", "artist", "title", "album", "duration", "path")


def format_csv(playlist: PlaylistContent) -> bytes:
    """Format as a table of `CSV_COLUMNS` with a row per track, without the playlist's title.

    Paths that are not UTF-8 keep their bytes.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(CSV_COLUMNS)
    for rank, (track, path) in enumerate(playlist.tracks, start=1):
        seconds = track.duration or ""
        names = [clean(name or "") for name in (track.artist, track.title, track.album)]
        writer.writerow((rank, track.track_id, *names, seconds, path))
    return text.getvalue().encode("utf-8", errors="surrogateescape")


WRITERS: dict[str, Callable[[PlaylistContent], bytes]] = {
    "m3u8": format_m3u8,
    "json": format_json,
    "xspf": format_xspf,
    "jspf": format_jspf,
    "csv": format_csv,
}


def write_playlist(
    tracks: Sequence[PlaylistTrack],
    file: Path,
    *,
    format_: str | None = None,
    title: str | None = None,
    paths: Paths = "absolute",
    path_map: Sequence[PathMap] = (),
    previews: Previews = NO_PREVIEWS,
) -> WriteReport:
    """Write a playlist in a format by name, or by the file's suffix.

    A line break in a path cannot be written as M3U8: such tracks are skipped and listed in the
    result.

    Parameters
    ----------
    tracks : sequence of PlaylistTrack
    file : Path
        Replaced atomically; its folder is created if missing.
    format_ : str, optional
        One of `WRITERS`.
    title : str or None
    paths : {"absolute", "relative"}
        Relative to the playlist's folder, or absolute.
    path_map : sequence of PathMap
        Folders with other names on the playing machine; the longest that contains a path is
        replaced.
    previews : mapping of str to (float, float)
        Parts played instead of whole tracks: in M3U8, as options of VLC, and in JSON.

    Raises
    ------
    ParameterError
        If there is no such format, or it does not support previews.
    ArtifactError
        If the file cannot be written.

    Examples
    --------
    >>> from audiorec.data.catalog import Track
    >>> track = Track("x", "/music/song.flac", artist="Ann", title="Song", duration=61.0)
    >>> written = write_playlist([track], Path("evening.m3u8"))
    >>> written.n_tracks
    1
    """
    name = format_ or file.suffix.removeprefix(".").lower()
    if name not in WRITERS:
        raise ParameterError(f"format={name!r} must be one of {', '.join(WRITERS)}")
    if previews and name not in PREVIEW_FORMATS:
        raise ParameterError(f"format={name!r} cannot hold previews; write m3u8 or json")
    listed, skipped = [], []
    for track in tracks:
        path = written_path(track.path, file=file, paths=paths, path_map=path_map)
        if name == "m3u8" and path.splitlines() != [path]:
            skipped.append(
                f"{track.path!r} holds a line break, which M3U8 cannot carry; "
                "rename it, or write xspf, jspf or json"
            )
        else:
            listed.append((track, path))
    write_output(file, WRITERS[name](PlaylistContent(title, listed, previews)))
    return WriteReport(file, len(listed), tuple(skipped))


def written_path(path: str, *, file: Path, paths: Paths, path_map: Sequence[PathMap]) -> str:
    """Return a track's path as written for the player.

    Parameters
    ----------
    path : str
        Absolute; of a part of a file, the path of the file is returned.
    file : Path
        The playlist file.
    paths : {"absolute", "relative"}
    path_map : sequence of PathMap

    Raises
    ------
    ParameterError
        If `paths` is neither, or if relative paths are mapped.
    """
    if paths not in ("absolute", "relative"):
        raise ParameterError(f"paths={paths!r} must be 'absolute' or 'relative'")
    path = file_of(path)
    if paths == "relative":
        if path_map:
            raise ParameterError("paths='relative' cannot be mapped; leave out one of the two")
        relative = os.path.relpath(path, file.absolute().parent)
        # A player would read a leading # as a comment.
        return f"./{relative}" if relative.startswith("#") else relative
    # Symbolic links are kept, as in the catalogue.
    rules = [(os.path.abspath(old).rstrip("/") + "/", new) for old, new in path_map]  # noqa: PTH100 - links stay as they are
    for old, new in sorted(rules, key=lambda rule: -len(rule[0])):
        if path.startswith(old):
            return _joined(new, path[len(old) :])
    return path


def clean(text: str) -> str:
    """Put text on one line: control characters and line breaks become one space."""
    return " ".join(UNWRITABLE.sub(" ", text).split())


def _joined(folder: str, rest: str) -> str:
    if "\\" in folder or re.match("[A-Za-z]:", folder):
        return str(PureWindowsPath(folder, *rest.split("/")))
    return str(PurePosixPath(folder, rest))


def _title(track: PlaylistTrack) -> str:
    return track.title or PurePosixPath(track.path).stem


def _xspf_fields(track: PlaylistTrack, where: str) -> dict[str, str | int]:
    segment = segment_of(track.path)
    part = "" if segment is None else segment.path.removeprefix(segment.file).rstrip(",")
    location = _uri(where) + part
    fields: dict[str, str | int] = {"location": location, "title": clean(_title(track))}
    if track.artist:
        fields["creator"] = clean(track.artist)
    if track.album:
        fields["album"] = clean(track.album)
    if track.duration:
        fields["duration"] = round(1000 * track.duration)
    return fields


def _uri(path: str) -> str:
    """Convert a path to a URI, with any bytes; a relative one to a relative reference."""
    if re.match(r"[A-Za-z]:[\\/]", path):
        return "file:///" + quote(path.replace("\\", "/"), safe="/:")
    if path.startswith("\\\\"):
        return "file:" + quote(path.replace("\\", "/"))
    text = quote(os.fsencode(path))
    return "file://" + text if path.startswith("/") else text


def _json(value: object) -> bytes:
    # File names that are not UTF-8 are written as escapes.
    return (json.dumps(value, indent=1, ensure_ascii=True) + "\n").encode()
