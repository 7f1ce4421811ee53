"""Matching of decoded files to tracks: the same one, a moved one, or a new one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from audiorec.data.catalog import FileRow, Track

TAGS = ("artist", "title", "album", "year", "genre", "number")
ID_LENGTH = 16  # hexadecimal digits of the clip's hash in an id


class ReadFile(NamedTuple):
    """A decoded file, and the values of a manifest for it: ``track_id`` and tags."""

    path: str
    size: int
    mtime_ns: int
    reading: Mapping[str, Any]
    manifest_values: Mapping[str, Any]


class MatchResult(NamedTuple):
    """Ids of rows to delete, rows to write, and the number of files of each kind."""

    remove: list[str]
    rows: list[FileRow]
    added: int
    changed: int
    moved: int
    unchanged: int


def match_files(
    staged: Mapping[str, ReadFile], rows: list[FileRow], *, is_there: Callable[[str], bool]
) -> MatchResult:
    """Match files to tracks: by the id given, by path, by audio; else as new tracks.

    A recording follows its audio: where two files swapped names, their tracks swap paths. A path
    whose audio is new, while its old audio is nowhere else, keeps its track.

    Parameters
    ----------
    staged : mapping of str to ReadFile
        Decoded files, by path.
    rows : list of FileRow
        The catalogue.
    is_there : callable
        Tests whether a path has a file.
    """
    by_id = {row.track.track_id: row for row in rows}
    by_path = {row.track.path: row for row in rows}
    matched = _match_given(staged, by_id, by_path)
    claimed = {row.track.track_id for row in matched.values() if row is not None}
    rest = [path for path in staged if path not in matched]

    def claim(path: str, row: FileRow) -> None:
        matched[path] = row
        claimed.add(row.track.track_id)

    def at_path(path: str) -> FileRow | None:
        row = by_path.get(path)
        return None if row is None or row.track.track_id in claimed else row

    for path in rest:
        row = at_path(path)
        if row is not None and row.track.clip_hash == staged[path].reading["clip_hash"]:
            claim(path, row)
    free = _free_by_sound(rows, staged, matched, claimed, is_there)
    for path in rest:
        if path not in matched:
            candidates = free.get(staged[path].reading["clip_hash"], [])
            if candidates:
                claim(path, candidates.pop(0))
    for path in rest:
        if path not in matched:
            if (row := at_path(path)) is not None:
                claim(path, row)
            else:
                matched[path] = None
    return _write(staged, matched, by_id)


def _match_given(
    staged: Mapping[str, ReadFile], by_id: Mapping[str, FileRow], by_path: Mapping[str, FileRow]
) -> dict[str, FileRow | None]:
    """Files with a given id: the track of that id, else the one at the path."""
    matched: dict[str, FileRow | None] = {}
    given_ids = {
        item.manifest_values["track_id"]
        for item in staged.values()
        if "track_id" in item.manifest_values
    }
    for path, item in staged.items():
        if "track_id" in item.manifest_values:
            there = by_path.get(path)
            if there is not None and there.track.track_id in given_ids:
                there = None
            matched[path] = by_id.get(item.manifest_values["track_id"], there)
    return matched


def _free_by_sound(
    rows: list[FileRow],
    staged: Mapping[str, ReadFile],
    matched: Mapping[str, FileRow | None],
    claimed: set[str],
    is_there: Callable[[str], bool],
) -> dict[str, list[FileRow]]:
    """Tracks that may have moved: their path has no file, or one of other audio."""
    wanted = {item.reading["clip_hash"] for path, item in staged.items() if path not in matched}
    free: dict[str, list[FileRow]] = {}
    for row in rows:
        track = row.track
        if track.clip_hash not in wanted or track.track_id in claimed:
            continue
        if track.missing or track.path in staged or not is_there(track.path):
            free.setdefault(track.clip_hash, []).append(row)
    return free


def _write(
    staged: Mapping[str, ReadFile],
    matched: Mapping[str, FileRow | None],
    by_id: Mapping[str, FileRow],
) -> MatchResult:
    remove: list[str] = []
    out: list[FileRow] = []
    added = changed = moved = unchanged = 0
    taken = set(by_id) | {item.manifest_values.get("track_id", "") for item in staged.values()}
    for path, item in sorted(staged.items()):
        row = matched[path]
        if row is None:
            added += 1
            track_id = item.manifest_values.get("track_id") or _new_id(
                item.reading["clip_hash"], taken
            )
            taken.add(track_id)
            manifest_values: dict[str, Any] = dict(item.manifest_values)
        else:
            if row.track.path != path:
                moved += 1
            remove.append(row.track.track_id)
            manifest_values = dict(item.manifest_values or row.manifest_values)
            track_id = manifest_values.get("track_id") or row.track.track_id
        out.append(_row(item, track_id, manifest_values))
        if row is not None and row.track.path == path:
            same = out[-1].track == row.track
            changed, unchanged = changed + (not same), unchanged + same
    return MatchResult(remove, out, added, changed, moved, unchanged)


def _row(item: ReadFile, track_id: str, manifest_values: Mapping[str, Any]) -> FileRow:
    reading = dict(item.reading)
    ctime_ns = reading.pop("ctime_ns", 0)
    guessed = tuple(name for name in reading.pop("guessed", ()) if name not in manifest_values)
    track = Track(track_id=track_id, path=item.path, guessed=guessed, **reading)
    track = replace(track, **{key: manifest_values[key] for key in TAGS if key in manifest_values})
    return FileRow(track, item.size, item.mtime_ns, manifest_values, ctime_ns)


def _new_id(clip_hash: str, taken: set[str]) -> str:
    base = clip_hash[:ID_LENGTH]
    number = 1
    while (track_id := base if number == 1 else f"{base}-{number}") in taken:
        number += 1
    return track_id
