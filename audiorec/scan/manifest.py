"""Read a manifest: a CSV file that says which file is which track."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from audiorec.exceptions import DataError, system_reason
from audiorec.scan.files import absolute
from audiorec.scan.settle import TAGS
from audiorec.workers import one_line


def read_manifest(manifest: Path) -> dict[str, dict[str, Any]]:
    """What a manifest gives for every file.

    Parameters
    ----------
    manifest : Path
        CSV in UTF-8 with columns ``track_id`` and ``path`` (relative to the manifest), and
        optionally ``artist``, ``title``, ``album``, ``year`` and ``genre``; others are passed by.

    Returns
    -------
    given : dict of str to dict
        By absolute path: ``track_id`` and the tags that are not empty.

    Raises
    ------
    DataError
        If it cannot be read, lacks a column or rows, or an id or a path stands twice.
    """
    manifest = Path(manifest)
    try:
        with manifest.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            lacking = [c for c in ("track_id", "path") if c not in (reader.fieldnames or ())]
            if lacking:
                raise _error(
                    manifest,
                    f"lacks the column {lacking[0]}",
                    "its first line must name track_id,path and optionally " + ",".join(TAGS),
                )
            names = list(reader.fieldnames or ())
            twice = [c for c in ("track_id", "path", *TAGS) if names.count(c) > 1]
            if twice:
                raise _error(
                    manifest,
                    f"has {names.count(twice[0])} columns {twice[0]!r}",
                    "leave one, and rename or remove the others",
                )
            rows = [(reader.line_num, row) for row in reader]
    except OSError as error:
        reason = system_reason(error).lower()
        raise _error(manifest, f"cannot be opened: {reason}", "check the path") from None
    except UnicodeDecodeError:
        raise _error(manifest, "is not UTF-8", "save it in UTF-8") from None
    except csv.Error as error:
        raise _error(manifest, f"is not CSV ({error})", "save it as CSV in UTF-8") from None
    if not rows:
        raise _error(manifest, "has no rows", "give a row for every track")
    return _by_path(manifest, rows)


def _by_path(manifest: Path, rows: list[tuple[int, dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    given: dict[str, dict[str, Any]] = {}
    lines: dict[str, int] = {}
    for line, row in rows:
        values = {
            key: (value or "").strip()
            for key, value in row.items()
            if isinstance(key, str) and not isinstance(value, list)
        }
        track_id = values["track_id"]
        for column in ("track_id", "path"):
            if not row[column] or not values[column]:
                raise _error(manifest, f"has no {column} in line {line}", "fill it in")
        if any("\0" in value for value in values.values()):
            raise _error(
                manifest, f"has a zero byte in line {line}", "remove it, or save it as CSV in UTF-8"
            )
        # A path is taken as it stands: names may begin or end with a space.
        path = absolute(manifest.parent / row["path"])
        if track_id in lines:
            raise _error(
                manifest,
                f"has track_id {track_id!r} in lines {lines[track_id]} and {line}",
                "ids must be unique",
            )
        if path in given:
            raise _error(
                manifest,
                f"names {row['path']!r} twice, again in line {line}",
                "give every file one row",
            )
        lines[track_id] = line
        tags: dict[str, Any] = {key: values[key] for key in TAGS if values.get(key)}
        if "year" in tags:
            tags["year"] = _year(manifest, tags["year"], line)
        given[path] = {"track_id": track_id, **tags}
    return given


def _year(manifest: Path, text: str, line: int) -> int:
    try:
        return int(text[:4])
    except ValueError:
        raise _error(
            manifest, f"has year {text!r} in line {line}", "give four digits, or leave it empty"
        ) from None


def _error(manifest: Path, what: str, remedy: str) -> DataError:
    return DataError(one_line(f"{manifest} {what}; {remedy}"))
