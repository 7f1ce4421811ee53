"""Playlists as files: M3U8, JSON, XSPF, JSPF and CSV, each written whole or not at all."""

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

from audiorec.data.m3u import OWN
from audiorec.data.segments import file_of, segment_of
from audiorec.exceptions import ParameterError
from audiorec.output import write_output

XSPF = "http://xspf.org/ns/0/"
CREATOR = "audiorec"  # by which such lists are known to be no listener's
Paths = Literal["absolute", "relative"]
Previews = Mapping[str, tuple[float, float]]
"""By track_id the seconds from which and to which a track is to be played."""
NO_PREVIEWS: Previews = MappingProxyType({})
# Control characters, what XML cannot hold, and the line ends that only Unicode knows.
UNWRITABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]+")


class PlaylistTrack(Protocol):
    """What a playlist says of a track: `data.catalog.Track` has it all.

    Names are empty or None, and a duration (s) is 0 or None, where unknown.
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
    """What came of writing a playlist.

    Attributes
    ----------
    file : Path
    n_tracks : int
        Tracks in the file.
    skipped : tuple of str
        One line for each track that the format cannot carry.
    """

    file: Path
    n_tracks: int
    skipped: tuple[str, ...] = ()


class PathRemap(NamedTuple):
    """A folder of this machine and what a player elsewhere calls it."""

    here: str
    there: str

    @classmethod
    def parse(cls, text: str) -> PathRemap:
        """One from ``HERE=THERE``; `ParameterError` where it is none."""
        here, equals, there = text.partition("=")
        if not (here and equals and there):
            raise ParameterError(f"path map {text!r} must be HERE=THERE, such as /music=/mnt/nas")
        return cls(os.path.abspath(here), there)  # noqa: PTH100 - links stay as they are


def write_m3u8(
    tracks: Sequence[PlaylistTrack],
    file: Path,
    *,
    title: str | None = None,
    paths: Paths = "absolute",
    remap: Sequence[PathRemap] = (),
    previews: Previews = NO_PREVIEWS,
) -> WriteReport:
    """Write an extended M3U in UTF-8.

    A line break in a path cannot be written in this format: such tracks are skipped and named in
    the result. Line breaks and control characters in names become spaces.

    Parameters
    ----------
    tracks : sequence of PlaylistTrack
    file : Path
        Replaced in one step; its folder is made when missing.
    title : str or None
    paths : {"absolute", "relative"}
        Relative ones start at the playlist's folder.
    remap : sequence of PathRemap
        Folders that are called otherwise where the playlist is played; the longest that holds a
        path is replaced.
    previews : mapping of str to (float, float)
        Parts that are played in place of whole tracks, as options of VLC.

    Raises
    ------
    ArtifactError
        If the file cannot be written.
    """
    lines = ["#EXTM3U", OWN]
    if title:
        lines.append(f"#PLAYLIST:{clean(title)}")
    skipped = []
    for track in tracks:
        path = located(track.path, file=file, paths=paths, remap=remap)
        if path.splitlines() != [path]:
            skipped.append(
                f"{track.path!r} holds a line break, which M3U8 cannot carry; "
                "rename it, or write xspf, jspf or json"
            )
            continue
        seconds = round(track.duration) if track.duration else -1
        name = " - ".join(clean(part) for part in (track.artist, _title(track)) if part)
        lines.append(f"#EXTINF:{seconds},{name}")
        for directive, value in (("EXTALB", track.album), ("EXTART", track.artist)):
            if value and clean(value):
                lines.append(f"#{directive}:{clean(value)}")
        lines += _options(track, previews)
        lines.append(path)
    # A name that is not UTF-8 on this file system keeps the bytes that it has there.
    write_output(file, ("\n".join(lines) + "\n").encode("utf-8", errors="surrogateescape"))
    return WriteReport(file, len(tracks) - len(skipped), tuple(skipped))


def _options(track: PlaylistTrack, previews: Previews) -> list[str]:
    """Options of VLC for a track of which a part is played, or which is a part of its file."""
    segment = segment_of(track.path)
    first = segment.start if segment is not None else 0.0
    times: dict[str, float | None] = {}
    if track.track_id in previews:
        start, end = previews[track.track_id]
        times = {"start-time": first + start, "stop-time": first + end}
    elif segment is not None:
        times = {"start-time": first, "stop-time": segment.end}
    return [f"#EXTVLCOPT:{name}={at:.10g}" for name, at in times.items() if at is not None]


def write_json(
    tracks: Sequence[PlaylistTrack],
    file: Path,
    *,
    title: str | None = None,
    paths: Paths = "absolute",
    remap: Sequence[PathRemap] = (),
    previews: Previews = NO_PREVIEWS,
) -> WriteReport:
    """Write a JSON object with a list of tracks, every field as it is; see `write_m3u8`."""
    rows = [
        {
            "rank": rank,
            "track_id": track.track_id,
            "artist": track.artist,
            "title": track.title,
            "album": track.album,
            "duration": track.duration,
            "path": located(track.path, file=file, paths=paths, remap=remap),
            **_segment(track.path),
            **_preview(previews.get(track.track_id)),
        }
        for rank, track in enumerate(tracks, start=1)
    ]
    _write_json(file, {"title": title, "tracks": rows})
    return WriteReport(file, len(rows))


def _segment(path: str) -> dict[str, float | None]:
    """Where a track begins and ends that is a part of its file; nothing of others."""
    segment = segment_of(path)
    return {} if segment is None else {"start": segment.start, "end": segment.end}


def _preview(part: tuple[float, float] | None) -> dict[str, dict[str, float]]:
    return {} if part is None else {"preview": {"start": part[0], "end": part[1]}}


def write_xspf(
    tracks: Sequence[PlaylistTrack],
    file: Path,
    *,
    title: str | None = None,
    paths: Paths = "absolute",
    remap: Sequence[PathRemap] = (),
    previews: Previews = NO_PREVIEWS,
) -> WriteReport:
    """Write XSPF version 1; paths are URIs, durations milliseconds; see `write_m3u8`."""
    _refuse_previews(previews, "xspf")
    ElementTree.register_namespace("", XSPF)
    playlist = ElementTree.Element(f"{{{XSPF}}}playlist", version="1")
    if title:
        ElementTree.SubElement(playlist, f"{{{XSPF}}}title").text = clean(title)
    ElementTree.SubElement(playlist, f"{{{XSPF}}}creator").text = CREATOR
    track_list = ElementTree.SubElement(playlist, f"{{{XSPF}}}trackList")
    for track in tracks:
        row = ElementTree.SubElement(track_list, f"{{{XSPF}}}track")
        where = located(track.path, file=file, paths=paths, remap=remap)
        for name, value in _xspf_fields(track, where).items():
            ElementTree.SubElement(row, f"{{{XSPF}}}{name}").text = str(value)
    ElementTree.indent(playlist)
    content = ElementTree.tostring(playlist, encoding="utf-8", xml_declaration=True)
    write_output(file, content + b"\n")
    return WriteReport(file, len(tracks))


def write_jspf(
    tracks: Sequence[PlaylistTrack],
    file: Path,
    *,
    title: str | None = None,
    paths: Paths = "absolute",
    remap: Sequence[PathRemap] = (),
    previews: Previews = NO_PREVIEWS,
) -> WriteReport:
    """Write JSPF, which is XSPF said in JSON; see `write_xspf`."""
    _refuse_previews(previews, "jspf")
    rows = []
    for track in tracks:
        where = located(track.path, file=file, paths=paths, remap=remap)
        fields = _xspf_fields(track, where)
        rows.append({**fields, "location": [fields["location"]]})
    head = {"title": clean(title), "creator": CREATOR} if title else {"creator": CREATOR}
    _write_json(file, {"playlist": {**head, "track": rows}})
    return WriteReport(file, len(rows))


CSV_COLUMNS = ("rank", "track_id", "artist", "title", "album", "duration", "path")


def write_csv(
    tracks: Sequence[PlaylistTrack],
    file: Path,
    *,
    title: str | None = None,
    paths: Paths = "absolute",
    remap: Sequence[PathRemap] = (),
    previews: Previews = NO_PREVIEWS,
) -> WriteReport:
    """Write a table with a row per track, `CSV_COLUMNS`; see `write_m3u8`.

    A table has no place for the title. Paths that are not UTF-8 keep the bytes that they have.
    """
    _refuse_previews(previews, "csv")
    del title
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(CSV_COLUMNS)
    for rank, track in enumerate(tracks, start=1):
        where = located(track.path, file=file, paths=paths, remap=remap)
        seconds = track.duration or ""
        names = [clean(name or "") for name in (track.artist, track.title, track.album)]
        writer.writerow((rank, track.track_id, *names, seconds, where))
    write_output(file, text.getvalue().encode("utf-8", errors="surrogateescape"))
    return WriteReport(file, len(tracks))


def _refuse_previews(previews: Previews, format_: str) -> None:
    if previews:
        raise ParameterError(f"format={format_!r} has no place for previews; write m3u8 or json")


WRITERS: dict[str, Callable[..., WriteReport]] = {
    "m3u8": write_m3u8,
    "json": write_json,
    "xspf": write_xspf,
    "jspf": write_jspf,
    "csv": write_csv,
}


def write_playlist(
    tracks: Sequence[PlaylistTrack],
    file: Path,
    *,
    format_: str | None = None,
    title: str | None = None,
    paths: Paths = "absolute",
    remap: Sequence[PathRemap] = (),
    previews: Previews = NO_PREVIEWS,
) -> WriteReport:
    """Write a playlist in a format by name, or in the one that the file's ending says.

    Raises
    ------
    ParameterError
        If there is no such format.
    ArtifactError
        If the file cannot be written.

    Examples
    --------
    >>> from audiorec.data.tracks import Track
    >>> track = Track("x", "/music/song.flac", artist="Ann", title="Song", duration=61.0)
    >>> written = write_playlist([track], Path("evening.m3u8"))
    >>> written.n_tracks
    1
    """
    name = format_ or file.suffix.removeprefix(".").lower()
    if name not in WRITERS:
        raise ParameterError(f"format={name!r} must be one of {', '.join(WRITERS)}")
    return WRITERS[name](tracks, file, title=title, paths=paths, remap=remap, previews=previews)


def located(path: str, *, file: Path, paths: Paths, remap: Sequence[PathRemap]) -> str:
    """A track's path as a player is to see it.

    Parameters
    ----------
    path : str
        Absolute; of a part of a file, the file's is given.
    file : Path
        The playlist.
    paths : {"absolute", "relative"}
    remap : sequence of PathRemap

    Raises
    ------
    ParameterError
        If `paths` is neither, or relative paths are to be mapped.
    """
    if paths not in ("absolute", "relative"):
        raise ParameterError(f"paths={paths!r} must be 'absolute' or 'relative'")
    path = file_of(path)
    if paths == "relative":
        if remap:
            raise ParameterError("paths='relative' cannot be mapped; leave out one of the two")
        relative = os.path.relpath(path, file.absolute().parent)
        # A player would take a leading # for a comment.
        return f"./{relative}" if relative.startswith("#") else relative
    for rule in sorted(remap, key=lambda rule: -len(rule.here)):
        here = rule.here.rstrip("/") + "/"
        if path.startswith(here):
            return _joined(rule.there, path[len(here) :])
    return path


def clean(text: str) -> str:
    """Text on one line: control characters and line breaks become one space."""
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
    """A path as a URI, which carries any byte; a relative one as a relative reference."""
    if re.match(r"[A-Za-z]:[\\/]", path):
        return "file:///" + quote(path.replace("\\", "/"), safe="/:")
    if path.startswith("\\\\"):
        return "file:" + quote(path.replace("\\", "/"))
    text = quote(os.fsencode(path))
    return "file://" + text if path.startswith("/") else text


def _write_json(file: Path, value: object) -> None:
    # Names that are not UTF-8 on this file system survive as escapes.
    write_output(file, (json.dumps(value, indent=1, ensure_ascii=True) + "\n").encode())
