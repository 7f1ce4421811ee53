"""Import of plays from files that name tracks by id or by path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import polars as pl

from audiorec.data.histories import csv, m3u
from audiorec.data.histories.imported_frame import ImportedFrame
from audiorec.data.names import normalize_text
from audiorec.data.playlist_files import EntryPathMatcher, PathMap, entry_path
from audiorec.data.plays import ImportReport, PlaysWriter, writing_plays
from audiorec.exceptions import DataError, ParameterError


class Importer(Protocol):
    """Read a file of listening; `scratch` is a directory for unpacked files.

    `neutral` means that ratings are 1 to 5, and is the one that is neither like nor dislike.
    """

    def __call__(
        self, file: Path, *, scratch: Path, neutral: float | None = None, **how: Any
    ) -> ImportedFrame: ...


def _csv(file: Path, *, scratch: Path, neutral: float | None = None, **_how: Any) -> ImportedFrame:
    return ImportedFrame(*csv.read_plays(file, scratch=scratch, neutral=neutral))


def _m3u(
    file: Path,
    *,
    scratch: Path,
    neutral: float | None = None,
    path_map: Sequence[PathMap] = (),
    **_how: Any,
) -> ImportedFrame:
    if neutral is not None:
        raise ParameterError(f"neutral={neutral:g} is for ratings, and playlists have none")
    return ImportedFrame(*m3u.read_playlists(file, path_map=path_map))


IMPORTERS: dict[str, Importer] = {"csv": _csv, "m3u": _m3u}


BY_PATH = frozenset({"m3u"})
"""Sources with paths of files as names of tracks."""


def get_importer(source: str) -> Importer:
    """Get the importer of a source by its name.

    Raises
    ------
    ParameterError
        If no importer has that name.
    """
    try:
        return IMPORTERS[source]
    except KeyError:
        known = ", ".join(sorted(IMPORTERS))
        raise ParameterError(f"source={source!r} is unknown; use one of: {known}") from None


def import_plays(
    directory: Path,
    file: Path,
    *,
    source: str = "csv",
    neutral: float | None = None,
    paths: Mapping[str, str] | None = None,
    path_map: Sequence[PathMap] = (),
) -> ImportReport:
    """Store the listening of a file in addition to what is stored already.

    The same file imported again (the same path, or the same rows under another path) replaces its
    earlier import, so that nothing counts twice; and a folder replaces earlier imports of the same
    format from within it.

    Parameters
    ----------
    directory : Path
        Artifact of kind "plays"; created if missing.
    file : Path
        The file.
    source : str
        Name of its format in `IMPORTERS`.
    neutral : float, optional
        The rating between 1 and 5 that is neither like nor dislike. Without it ratings are from -1
        to 1.
    paths : mapping of str to str, optional
        Id of each file of the catalogue, by absolute path: for sources with paths.
    path_map : sequence of PathMap
        Folders of such sources, and the same folders here.

    Returns
    -------
    report : ImportReport

    Raises
    ------
    DataError
        If the file cannot be used; the stored plays stay unchanged.
    ParameterError
        If `source` is unknown, or `neutral` impossible.
    ArtifactError
        If the artifact is something else, or of a newer version. Damage is allowed: the damaged
        part may be the one that is imported again.
    """
    with writing_plays(directory) as writer:
        report = add_table(
            writer, file, source=source, neutral=neutral, paths=paths, path_map=path_map
        )
        writer.commit()
    return report


def add_table(
    writer: PlaysWriter,
    file: Path,
    *,
    source: str,
    neutral: float | None = None,
    paths: Mapping[str, str] | None = None,
    path_map: Sequence[PathMap] = (),
    names: Mapping[str, str] | None = None,
    text: Path | None = None,
) -> ImportReport:
    """Add the rows of a file with ids or paths of tracks; see `import_plays`.

    `text` is the path of its unpacked rows, if any.
    """
    importer = get_importer(source)
    how = {"path_map": path_map} if source in BY_PATH else {}
    plays, skipped, problems = importer(
        text or file, scratch=writer.new_scratch(), neutral=neutral, **how
    )
    unknown = 0
    missing: tuple[str, ...] = ()
    if source in BY_PATH:
        plays, unknown, missing = _by_id(plays, file=file, paths=paths or {})
    elif paths:
        plays = _by_name(plays, file=file, paths=paths, names=names or {})
    added = writer.add(plays, file=file, source=source)
    return added._replace(skipped=skipped, unknown=unknown, problems=problems, missing=missing)


def _by_name(
    plays: pl.LazyFrame, *, file: Path, paths: Mapping[str, str], names: Mapping[str, str]
) -> pl.LazyFrame:
    """Rows under the ids of their tracks, where a table has paths, or "Artist - Title"."""
    unique = plays.select(pl.col("track_id").unique()).collect()["track_id"].to_list()
    known, finder = set(paths.values()), EntryPathMatcher(paths)
    track_ids: dict[str, str] = {}
    for name in unique:
        track_id = None
        if name in known:
            continue
        if "/" in name or "\\" in name:
            path = entry_path(name, folder=file.parent)
            track_id = None if path is None else finder.find(path)
        if track_id is None and " - " in name:
            track_id = names.get(normalize_text(name))
        if track_id is not None:
            track_ids[name] = track_id
    if not track_ids:
        return plays
    return plays.with_columns(track_id=pl.col("track_id").replace(track_ids))


def _by_id(
    plays: pl.LazyFrame, *, file: Path, paths: Mapping[str, str]
) -> tuple[pl.LazyFrame, int, tuple[str, ...]]:
    """Rows of files in the catalogue, under the ids of their tracks; rows and files left out."""
    named = plays.select(pl.col("track_id").unique(maintain_order=True)).collect()
    finder = EntryPathMatcher(paths)
    track_ids = {path: finder.find(path) for path in named["track_id"].to_list()}
    missing = tuple(path for path, track_id in track_ids.items() if track_id is None)
    known = {path: track_id for path, track_id in track_ids.items() if track_id is not None}
    ids = pl.LazyFrame(
        {"track_id": list(known), "id": list(known.values())},
        schema={"track_id": pl.String, "id": pl.String},
    )
    total = plays.select(pl.len()).collect().item()
    if not known:
        raise DataError(
            f"none of the {len(named)} files that {file} names is in the catalogue, "
            f"{missing[0]!r} not; scan the folder that they lie in first, or say where they are "
            "with --path-map OLD=NEW"
        )
    columns = plays.collect_schema().names()
    joined = plays.join(ids, on="track_id", how="inner", maintain_order="left")
    joined = joined.with_columns(track_id=pl.col("id"))
    kept = joined.select(pl.len()).collect().item()
    return joined.select(columns), total - kept, missing
