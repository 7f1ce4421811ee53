"""CUE sheets: audio files that hold several tracks.

A sheet lists files, and for each track its start in one of them (``INDEX 01``, minutes, seconds
and 75ths of a second); it ends at the start of the next. A file with two or more tracks in a sheet
is catalogued as these tracks, not as one of its own.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from audiorec.data import FilePart
from audiorec.scan.files import FileState, file_state, is_audio

SUFFIX = ".cue"
MOST_BYTES = 1 << 20
FRAMES_PER_SECOND = 75
_TIME = re.compile(r"(\d{1,4}):([0-5]?\d):([0-6]?\d|7[0-4])")
_YEAR = re.compile(r"(1[5-9]|20)\d\d")


class CueTrack(NamedTuple):
    """A track of a sheet.

    Attributes
    ----------
    file : str
        As written in the sheet.
    start : float
        Seconds.
    tags : dict
        artist, title, album, genre (str), year and number (int), where the sheet has them.
    """

    file: str
    start: float
    tags: dict[str, Any]


class CueFiles(NamedTuple):
    """Files of a scan, with the tracks into which CUE sheets split them.

    Attributes
    ----------
    files : list of FileState
        Whole files, and tracks in the place of those that a sheet splits.
    tags : dict of str to dict
        Tags of tracks in sheets, by the path of each.
    parted : frozenset of str
        Files that sheets split into tracks.
    """

    files: list[FileState]
    tags: dict[str, dict[str, Any]]
    parted: frozenset[str]


def with_cue_tracks(found: Iterable[FileState]) -> CueFiles:
    """Replace files by their tracks where CUE sheets among the files split them.

    A sheet that cannot be used stays among them, with its `FileState.error`.
    """
    files: dict[str, FileState] = {}
    sheets: list[FileState] = []
    for file in found:
        if file.path.lower().endswith(SUFFIX) and not file.error:
            sheets.append(file)
        else:
            files[file.path] = file
    tags: dict[str, dict[str, Any]] = {}
    parted: set[str] = set()
    for sheet in sheets:
        try:
            tracks = segments(sheet.path)
        except (OSError, ValueError) as error:
            files[sheet.path] = FileState(sheet.path, None, None, f"{error}; correct the CUE sheet")
            continue
        for segment, said in tracks:
            if segment.file in parted and segment.path not in tags:
                continue  # already split by another sheet
            whole = file_state(segment.file)
            files.pop(segment.file, None)
            files[segment.path] = whole._replace(path=segment.path)
            tags[segment.path] = said
        parted.update(segment.file for segment, _ in tracks)
    return CueFiles(list(files.values()), tags, frozenset(parted))


def segments(sheet: str) -> list[tuple[FilePart, dict[str, Any]]]:
    """Tracks that share a file, and the tags of each in a sheet.

    Raises
    ------
    OSError
        If it cannot be read.
    ValueError
        If it is not a sheet, names a missing file, or has times that go backwards.
    """
    tracks = read_cue(sheet)
    by_file: dict[str, list[CueTrack]] = {}
    for track in tracks:
        by_file.setdefault(track.file, []).append(track)
    found: list[tuple[FilePart, dict[str, Any]]] = []
    for name, its in by_file.items():
        if len(its) < 2:  # a file of its own
            continue
        path = _audio_file(sheet, name)
        starts = [track.start for track in its]
        if sorted(set(starts)) != starts:
            raise ValueError(f"gives times of {name!r} that do not ascend")
        for track, end in zip(its, [*starts[1:], None], strict=True):
            found.append((FilePart(path, track.start, end), track.tags))
    return found


def read_cue(sheet: str) -> list[CueTrack]:
    """Read every track of a sheet, in its order; raises as `segments` does."""
    with Path(sheet).open("rb") as stream:
        data = stream.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise ValueError("is too large to be a CUE sheet")
    album: dict[str, Any] = {}
    track: dict[str, Any] | None = None
    file = ""
    tracks: list[CueTrack] = []
    for line in _text(data).splitlines():
        words = _words(line)
        if not words:
            continue
        command, rest = words[0].upper(), words[1:]
        if command == "FILE" and rest:
            file = rest[0]
        elif command == "TRACK" and rest:
            audio = len(rest) < 2 or rest[1].upper() == "AUDIO"
            track = {"number": int(rest[0])} if audio and rest[0].isdecimal() else None
        elif command == "INDEX" and len(rest) == 2 and rest[0] in ("1", "01"):
            if track is not None and file:
                tracks.append(CueTrack(file, _seconds(rest[1]), track))
        else:
            _take_tag(command, rest, album if not tracks and track is None else track)
    if not tracks:
        raise ValueError("names no track with a time (INDEX 01)")
    return [one._replace(tags=_tags(one.tags, album)) for one in tracks]


def _take_tag(command: str, rest: list[str], into: dict[str, Any] | None) -> None:
    """Store a line's tag of the album or of a track."""
    if into is None or not rest:
        return
    if command == "REM" and len(rest) > 1 and rest[0].upper() in ("GENRE", "DATE"):
        command, rest = rest[0].upper(), rest[1:]
    key = {"TITLE": "title", "PERFORMER": "artist", "GENRE": "genre", "DATE": "year"}.get(command)
    if key is not None:
        into[key] = " ".join(" ".join(rest).split())


def _tags(track: dict[str, Any], album: dict[str, Any]) -> dict[str, Any]:
    tags = {
        "artist": track.get("artist") or album.get("artist"),
        "title": track.get("title"),
        "album": album.get("title"),
        "genre": track.get("genre") or album.get("genre"),
        "number": track["number"],
    }
    year = _YEAR.search(str(track.get("year") or album.get("year") or ""))
    tags["year"] = int(year[0]) if year else None
    return {key: value for key, value in tags.items() if value}


def _words(line: str) -> list[str]:
    try:
        splitter = shlex.shlex(line.strip(), posix=True)
        splitter.whitespace_split, splitter.quotes, splitter.escape = True, '"', ""
        splitter.commenters = ""
        return list(splitter)
    except ValueError:  # an unclosed quote
        return line.replace('"', " ").split()


def _seconds(text: str) -> float:
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"gives {text!r} for a time, which is MM:SS:FF")
    minutes, seconds, frames = map(int, found.groups())
    return minutes * 60 + seconds + frames / FRAMES_PER_SECOND


def _text(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _audio_file(sheet: str, name: str) -> str:
    """The file that a sheet means: of that name or, if encoded since, of that stem."""
    folder = os.path.dirname(sheet)
    base = name.replace("\\", "/").rpartition("/")[2]
    exact = os.path.join(folder, *name.replace("\\", "/").split("/"))
    if not file_state(exact).error:
        return exact
    names = sorted(os.listdir(folder))
    stem = os.path.splitext(base)[0].casefold()
    alike = [one for one in names if one.casefold() == base.casefold()]
    alike += [one for one in names if is_audio(one) and os.path.splitext(one)[0].casefold() == stem]
    if not alike:
        raise ValueError(f"names the file {name!r}, which is not beside it")
    return os.path.join(folder, alike[0])
