"""Remove imported parts and listeners from the stored plays; list the parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from audiorec import artifacts
from audiorec.data.plays.writer import (
    NAMES,
    PlaysWriter,
    is_within,
    stored_manifest,
    writing_plays,
)
from audiorec.exceptions import DataError


def list_parts(directory: Path) -> list[dict[str, Any]]:
    """List source, file, rows, users and tracks of each imported part.

    Raises
    ------
    ArtifactError
        See `audiorec.data.plays_import.import_plays`.
    """
    parts = stored_manifest(directory).extra.get("parts", {})
    keys = ("source", "file", "rows", "users", "tracks")
    listed = [{key: part[key] for key in keys} for part in parts.values()]
    return sorted(listed, key=lambda part: (part["source"], part["file"]))


def remove_parts(directory: Path, source: str) -> int:
    """Remove imports of a format, or from a file or folder; return the number of rows removed.

    Raises
    ------
    DataError
        If there are none.
    """
    folder = Path(source).resolve()
    with writing_plays(directory) as writer:
        removed = [n for n, p in writer.parts.items() if p["source"] == source]
        removed = removed or [n for n, p in writer.parts.items() if is_within(p["file"], folder)]
        if not removed:
            known = sorted({str(part["source"]) for part in writer.parts.values()} - {""})
            raise DataError(
                f"nothing was imported from {source!r}; name a format ({', '.join(known)}) or a "
                "file, as 'audiorec plays list' shows them"
            )
        rows = writer.drop(*removed)
        prune_names(writer)
        writer.commit()
    return rows


def prune_names(writer: PlaysWriter) -> None:
    """Remove names that no stored play has any more."""
    names = writer.names()
    if not len(names):
        return
    used = [writer.frame(name).select(key="track_id").unique() for name in writer.parts]
    keys = pl.concat(used).unique() if used else pl.DataFrame(schema={"key": pl.String})
    writer.put(NAMES, names.join(keys, on="key", how="semi", maintain_order="left"))


def forget_user(directory: Path, user: str) -> int:
    """Remove a listener from the stored plays; return the number of rows removed.

    Names of tracks that nobody else has played are removed too.
    """
    if not artifacts.exists(directory):
        return 0
    rows = 0
    with writing_plays(directory) as writer:
        for name, part in list(writer.parts.items()):
            frame = writer.frame(name)
            kept = frame.filter(pl.col("user_id") != user)
            if len(kept) == len(frame):
                continue
            rows += len(frame) - len(kept)
            writer.drop(name)
            if len(kept):
                about = {key: part[key] for key in ("source", "grouped") if key in part}
                writer.put(name, kept, file="", **about)
        if rows:
            prune_names(writer)
            writer.commit()
    return rows
