"""Manifest reader: a CSV file that maps files to track ids and tags."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from audiorec.data.strict_csv import read_table
from audiorec.exceptions import data_error
from audiorec.id_map import id_problem
from audiorec.scan.files import absolute
from audiorec.scan.match import TAGS


def read_manifest(manifest: Path) -> dict[str, dict[str, Any]]:
    """Read the track id and tags of every file in a manifest.

    Parameters
    ----------
    manifest : Path
        CSV in UTF-8 with columns ``track_id`` and ``path`` (relative to the manifest), and
        optionally ``artist``, ``title``, ``album``, ``year`` and ``genre``; others are ignored.

    Returns
    -------
    manifest_values : dict of str to dict
        By absolute path: ``track_id`` and the nonempty tags.

    Raises
    ------
    DataError
        If it cannot be read, lacks a column or rows, a line is truncated, or an id or a path occurs
        twice.
    """
    manifest = Path(manifest)
    return _by_path(
        manifest, read_table(manifest, required_columns=("track_id", "path"), optional_columns=TAGS)
    )


def _by_path(manifest: Path, rows: list[tuple[int, dict[str, str]]]) -> dict[str, dict[str, Any]]:
    manifest_values: dict[str, dict[str, Any]] = {}
    lines: dict[str, int] = {}
    for line, row in rows:
        values = {key: value.strip() for key, value in row.items()}
        track_id = values["track_id"]
        for column in ("track_id", "path"):
            if not values[column]:
                raise data_error(manifest, f"has no {column} in line {line}", "fill it in")
        if any("\0" in value for value in values.values()):
            raise data_error(
                manifest, f"has a zero byte in line {line}", "remove it, or save it as CSV in UTF-8"
            )
        if problem := id_problem(track_id):
            what, _, remedy = problem.partition("; ")
            raise data_error(manifest, f"has track_id {what} in line {line}", remedy)
        # Paths are not trimmed: names may begin or end with a space.
        path = absolute(manifest.parent / row["path"])
        if track_id in lines:
            raise data_error(
                manifest,
                f"has track_id {track_id!r} in lines {lines[track_id]} and {line}",
                "ids must be unique",
            )
        if path in manifest_values:
            raise data_error(
                manifest,
                f"names {row['path']!r} twice, again in line {line}",
                "give every file one row",
            )
        lines[track_id] = line
        tags: dict[str, Any] = {key: values[key] for key in TAGS if values.get(key)}
        if "year" in tags:
            tags["year"] = _year(manifest, tags["year"], line)
        manifest_values[path] = {"track_id": track_id, **tags}
    return manifest_values


def _year(manifest: Path, text: str, line: int) -> int:
    try:
        return int(text[:4])
    except ValueError:
        raise data_error(
            manifest, f"has year {text!r} in line {line}", "give four digits, or leave it empty"
        ) from None
