"""Stored listening: Parquet, one part per imported file, behind one manifest.

A frame of plays has the columns ``user_id``, ``track_id``, ``plays`` (float64) and ``timestamp``
(second since 1970-01-01 UTC, or null). Tracks need no audio: listening to any track tells something
about the listener. Where the files have them there are two more columns, ``skipped`` (how many of
the plays were broken off) and ``rating`` (-1 to 1).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from audiorec import artifacts
from audiorec.artifacts import Manifest
from audiorec.data.histories.frames import BY_PATH, get_importer
from audiorec.data.parquet import sink
from audiorec.exceptions import ArtifactError, DataError, first_line
from audiorec.ids import LONGEST, id_problem

KIND = "plays"


class ImportReport(NamedTuple):
    """What importing one file did.

    Attributes
    ----------
    rows : int
        Rows stored.
    users, tracks : int
        Distinct listeners and tracks among them.
    duplicates : int
        Rows left out because an earlier one is equal to them, its time included.
    summed : int
        Rows stored without a time whose listener and track stand in an earlier row too: their
        counts add up.
    skipped : int
        Rows left out because they tell of no play, no skip, and no liking or disliking.
    replaced : int
        Rows of an earlier import of the same file that these have replaced.
    skips, ratings : int
        Rows stored that tell of a skip, and of liking or disliking.
    unknown : int
        Rows left out because they name a file that is not in the catalogue.
    problems : tuple of (str, str)
        Path of each of several files that could not be read, and a line that says why.
    """

    rows: int
    users: int
    tracks: int
    duplicates: int
    summed: int
    skipped: int
    replaced: int
    skips: int = 0
    ratings: int = 0
    unknown: int = 0
    problems: tuple[tuple[str, str], ...] = ()


def import_plays(
    directory: Path,
    file: Path,
    *,
    source: str = "csv",
    neutral: float | None = None,
    paths: Mapping[str, str] | None = None,
) -> ImportReport:
    """Store the listening of a file beside what is stored already.

    The same file imported again (the same path, or the same rows under another path) takes the
    place of its earlier import, so that nothing counts twice; and a folder takes the place of
    what came in the same format from within it.

    Parameters
    ----------
    directory : Path
        Artifact of kind "plays"; made when it is missing.
    file : Path
        The file.
    source : str
        Name of its format in `audiorec.data.histories.frames.IMPORTERS`.
    neutral : float, optional
        The rating between 1 and 5 that is neither liking nor disliking. Without it ratings are
        from -1 to 1.
    paths : mapping of str to str, optional
        Id of each file of the catalogue, by absolute path: for sources that name files.

    Returns
    -------
    report : ImportReport

    Raises
    ------
    DataError
        If the file cannot be used; what is stored stays as it is.
    ParameterError
        If `source` is unknown, or `neutral` impossible.
    ArtifactError
        If what is stored is something else, or from a newer version. Damage is no hindrance: the
        file that is damaged may be the one that is imported again.
    """
    importer = get_importer(source)
    stored = _manifest(directory)
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".import-", dir=directory) as aside:
        scratch = Path(aside)
        plays, skipped, problems = importer(file, scratch=scratch, neutral=neutral)
        unknown = 0
        if source in BY_PATH:
            plays, unknown = _by_id(plays, file=file, paths=paths or {})
        part = scratch / "part.parquet"
        read = _write_part(plays, part)
        _check_ids(file, part)
        summary = _summary(part)
        told = _told(part)
        path = str(file.resolve())
        name = f"part-{artifacts.fingerprint(path)[:12]}"
        within = _within(file.resolve(), stored, source=source)
        contents = [artifacts.digest_file(part, digits=digits) for digits in artifacts.DIGESTS]
        same = [
            n
            for n, e in stored.files.items()
            if n == f"{name}.parquet" or n in within or e.digest in contents
        ]
        replaced = sum(stored.extra["parts"][n]["rows"] for n in same)
        entry = artifacts.put_file(directory, f"{name}.parquet", part)
    files = {n: e for n, e in stored.files.items() if n not in same}
    parts = {n: p for n, p in stored.extra.get("parts", {}).items() if n not in same}
    files[f"{name}.parquet"] = entry
    parts[f"{name}.parquet"] = {"file": path, "source": source, **summary}
    artifacts.commit(
        directory,
        kind=KIND,
        files=files,
        config={},
        inputs={},
        extra={"parts": dict(sorted(parts.items()))},
    )
    return ImportReport(
        **summary,
        **told,
        duplicates=read - summary["rows"],
        skipped=skipped,
        replaced=replaced,
        unknown=unknown,
        problems=problems,
    )


def forget_within(directory: Path, folder: Path, *, source: str) -> int:
    """Forget the listening that came in a format from a folder, or from within it.

    Returns
    -------
    rows : int
        How many are gone.

    Raises
    ------
    ArtifactError
        See `import_plays`.
    """
    stored = _manifest(directory)
    gone = _within(folder.resolve(), stored, source=source)
    if not gone:
        return 0
    known: dict[str, dict[str, Any]] = stored.extra["parts"]
    files = {n: e for n, e in stored.files.items() if n not in gone}
    if files:
        parts = {n: p for n, p in known.items() if n not in gone}
        artifacts.commit(
            directory, kind=KIND, files=files, config={}, inputs={}, extra={"parts": parts}
        )
    else:
        artifacts.remove(directory, stored)
    return sum(int(known[name]["rows"]) for name in gone)


def imported_from(directory: Path, *, source: str) -> list[Path]:
    """Files and folders that the stored listening of a source came from, those known of.

    Raises
    ------
    ArtifactError
        See `import_plays`.
    """
    parts = _manifest(directory).extra.get("parts", {}).values()
    return [Path(part["file"]) for part in parts if part["file"] and part["source"] == source]


def _within(folder: Path, stored: Manifest, *, source: str) -> set[str]:
    """Names of the parts that came in a format from a file or folder, or from within it."""
    return {
        name
        for name, part in stored.extra.get("parts", {}).items()
        if part["file"] and part["source"] == source and Path(part["file"]).is_relative_to(folder)
    }


def _by_id(
    plays: pl.LazyFrame, *, file: Path, paths: Mapping[str, str]
) -> tuple[pl.LazyFrame, int]:
    """Rows of files in the catalogue, under the ids of their tracks, and how many are left out.

    A file is known by the path that it was scanned under, or by any other that leads to it.
    """
    named = plays.select(pl.col("track_id").unique()).collect()["track_id"].to_list()
    if any(path not in paths for path in named):
        real = {os.path.realpath(path): id_ for path, id_ in paths.items()}
        others = {path: real.get(os.path.realpath(path)) for path in named}
        paths = {path: id_ for path, id_ in others.items() if id_} | dict(paths)
    ids = pl.LazyFrame(
        {"track_id": list(paths), "id": list(paths.values())},
        schema={"track_id": pl.String, "id": pl.String},
    )
    total = plays.select(pl.len()).collect().item()
    columns = plays.collect_schema().names()
    known = plays.join(ids, on="track_id", how="inner", maintain_order="left")
    known = known.with_columns(track_id=pl.col("id")).select(columns)
    kept = known.select(pl.len()).collect().item()
    if not kept:
        raise DataError(
            f"none of the {total} files that {file} names is in the catalogue; "
            "scan the folder that they lie in first"
        )
    return known, total - kept


def _manifest(directory: Path) -> Manifest:
    """What is stored; an empty manifest where nothing is, one made of the parts if it is torn."""
    if not artifacts.exists(directory):
        return Manifest(KIND)
    try:
        return artifacts.load_manifest(directory, kind=KIND, check="manifest")
    except ArtifactError as error:
        if "make it again" not in str(error):
            raise
        return _recovered(directory)


def _recovered(directory: Path) -> Manifest:
    """A manifest of the parts that are whole, as the digests in their names say.

    Which file a part came from is lost, but for what its name keeps: importing that file again
    takes its place.
    """
    files: dict[str, artifacts.ArtifactFile] = {}
    parts: dict[str, dict[str, object]] = {}
    found = directory.glob("part-*.*.parquet")
    for path in sorted(found, key=lambda path: path.stat().st_mtime_ns):
        stem, digits = path.name.split(".")[:2]
        if artifacts.matches(path, digits):
            name, digest = f"{stem}.parquet", artifacts.digest_file(path)
            files[name] = artifacts.ArtifactFile(path.name, path.stat().st_size, digest)
            parts[name] = {"file": "", "source": "", **_summary(path)}
    return Manifest(KIND, files=files, extra={"parts": parts})


def _write_part(plays: pl.LazyFrame, part: Path) -> int:
    """Write rows to Parquet without the exact repeats; count the rows that came."""
    whole = part.with_name("whole.parquet")
    sink(plays, whole)
    frame = pl.scan_parquet(whole)
    total, timed = (
        frame.select(pl.len(), pl.col("timestamp").count().alias("timed")).collect().row(0)
    )
    if not timed:
        whole.replace(part)
        return int(total)
    untimed = frame.filter(pl.col("timestamp").is_null())
    once = frame.filter(pl.col("timestamp").is_not_null()).unique(keep="first", maintain_order=True)
    kept = pl.concat([untimed, once]) if timed < total else once
    sink(kept, part)
    whole.unlink()
    return int(total)


def _check_ids(file: Path, part: Path) -> None:
    """Raise `DataError` for the first id that is too long, or that no text array can keep."""
    frame = pl.scan_parquet(part)
    for column in ("user_id", "track_id"):
        length = pl.col(column).str.len_chars()
        bad = (length > LONGEST) | pl.col(column).str.contains("\0", literal=True)
        found = frame.filter(bad).select(column).head(1).collect(engine="streaming")
        if len(found):
            raise DataError(f"plays file {file}: {column} {id_problem(found.item())}")


def _summary(part: Path) -> dict[str, int]:
    """Counts of a part, as the import report and the manifest keep them."""
    frame = pl.scan_parquet(part)
    rows, users, tracks, untimed = (
        frame.select(
            pl.len(),
            pl.col("user_id").n_unique(),
            pl.col("track_id").n_unique(),
            pl.col("timestamp").null_count().alias("untimed"),
        )
        .collect(engine="streaming")
        .row(0)
    )
    pairs = 0
    if untimed:
        without = frame.filter(pl.col("timestamp").is_null())
        pairs = (
            without.select("user_id", "track_id")
            .unique()
            .select(pl.len())
            .collect(engine="streaming")
            .item()
        )
    return {"rows": rows, "users": users, "tracks": tracks, "summed": untimed - pairs}


def _told(part: Path) -> dict[str, int]:
    """How many rows of a part tell of skips and of ratings."""
    frame = pl.scan_parquet(part)
    has = frame.collect_schema().names()
    tells = {
        "skips": ("skipped", pl.col("skipped") > 0),
        "ratings": ("rating", pl.col("rating") != 0),
    }
    wanted = [rows.sum().alias(name) for name, (column, rows) in tells.items() if column in has]
    if not wanted:
        return {}
    return frame.select(wanted).collect(engine="streaming").row(0, named=True)


def load_plays(directory: Path) -> pl.DataFrame:
    """All stored listening.

    Events that two files both tell of (equal in listener, track, count and time, as in two
    exports of one history) count once; counts without a time add up.

    Parameters
    ----------
    directory : Path
        Artifact of kind "plays".

    Returns
    -------
    plays : pl.DataFrame
        Columns user_id (str), track_id (str), plays (float64), timestamp (int64 epoch s or null);
        and, where a part has them, skipped (float64 or null) and rating (float64, -1 to 1, or
        null).

    Raises
    ------
    ArtifactError
        If nothing is stored, or it is damaged.
    """
    parts = _parts(directory)
    frame = _read(directory, parts)
    if len(parts) == 1 or frame["timestamp"].null_count() == len(frame):
        return frame
    timed = frame.filter(pl.col("timestamp").is_not_null()).unique(maintain_order=True)
    return pl.concat([frame.filter(pl.col("timestamp").is_null()), timed])


def played_tracks(directory: Path) -> list[str]:
    """Ids of all tracks in the stored listening, ascending; no other column is read.

    Raises
    ------
    ArtifactError
        See `load_plays`.
    """
    ids = _read(directory, _parts(directory), columns=["track_id"], distinct=True)
    return ids["track_id"].sort().to_list()


def _parts(directory: Path) -> list[Path]:
    manifest = artifacts.load_manifest(directory, kind=KIND)
    return [directory / entry.file for _, entry in sorted(manifest.files.items())]


def _read(
    directory: Path,
    parts: Sequence[Path],
    *,
    columns: Sequence[str] | None = None,
    distinct: bool = False,
) -> pl.DataFrame:
    try:
        frame = pl.concat([pl.scan_parquet(part) for part in parts], how="diagonal")
        frame = frame if columns is None else frame.select(columns)
        return (frame.unique() if distinct else frame).collect()
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = first_line(error)
        raise ArtifactError(
            f"plays in {directory} cannot be read ({reason}); "
            "remove the directory and run 'audiorec plays FILE' again"
        ) from None
