"""Stored listening: Parquet, one part per imported file, behind one manifest.

A frame of plays has the columns ``user_id``, ``track_id``, ``plays`` (float64) and ``timestamp``
(second since 1970-01-01 UTC, or null). Tracks need no audio: listening to any track tells something
about the listener. Where the files have them there are two more columns, ``skipped`` (how many of
the plays were broken off) and ``rating`` (-1 to 1).
"""

from __future__ import annotations

import hashlib
import hmac
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
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
NAMES = "names.parquet"
"""What the listening of histories names, and which tracks that is."""
NAMES_SCHEMA = {
    "key": pl.String,
    "artist": pl.String,
    "title": pl.String,
    "album": pl.String,
    "duration": pl.Float64,
    "recording_mbid": pl.String,
    "path": pl.String,
    "track_id": pl.String,
    "rule": pl.String,
    "name_id": pl.String,
}
FEEDBACK = "part-feedback.parquet"
SOURCE = "_source"
IN_COLUMNS = ("csv", "m3u")


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
    with writing_plays(directory) as writer:
        report = add_table(writer, file, source=source, neutral=neutral, paths=paths)
        writer.commit()
    return report


def add_table(
    writer: PlaysWriter,
    file: Path,
    *,
    source: str,
    neutral: float | None = None,
    paths: Mapping[str, str] | None = None,
) -> ImportReport:
    """Add the rows of a file that names tracks by id or path; see `import_plays`."""
    importer = get_importer(source)
    plays, skipped, problems = importer(file, scratch=writer.new_scratch(), neutral=neutral)
    unknown = 0
    if source in BY_PATH:
        plays, unknown = _by_id(plays, file=file, paths=paths or {})
    added = writer.add(plays, file=file, source=source)
    return added._replace(skipped=skipped, unknown=unknown, problems=problems)


class PlaysWriter:
    """Parts of stored plays that are made aside, and become stored all at once.

    Parameters
    ----------
    directory : Path
        Artifact of kind "plays".
    scratch : Path
        Directory on the same file system for what is made.
    salt : bytes, optional
        With it the names of listeners are stored as salted hashes.
    """

    def __init__(self, directory: Path, *, scratch: Path, salt: bytes | None = None) -> None:
        self.directory = directory
        self._scratch = scratch
        self._salt = salt
        stored = _manifest(directory)
        self._files = dict(stored.files)
        self.parts: dict[str, dict[str, Any]] = dict(stored.extra.get("parts", {}))
        self._pending: dict[str, Path] = {}
        self._number = 0

    def new_scratch(self) -> Path:
        """A new directory for what is unpacked."""
        self._number += 1
        folder = self._scratch / str(self._number)
        folder.mkdir()
        return folder

    def add(
        self, plays: pl.LazyFrame, *, file: Path, source: str, group: str | None = None
    ) -> ImportReport:
        """Add rows as a part, in the place of those that came from the same file.

        Parameters
        ----------
        plays : pl.LazyFrame
        file : Path
        source : str
        group : str, optional
            Parts of one group replace each other, wherever they came from.
        """
        if self._salt is not None:
            plays = pseudonymised(plays, salt=self._salt)
        part = self.new_scratch() / "part.parquet"
        read = _write_part(plays, part)
        summary = _summary(part)
        path = str(file.resolve())
        name = (
            f"part-{artifacts.fingerprint(path if group is None else [source, group])[:12]}.parquet"
        )
        contents = [artifacts.digest_file(part, digits=digits) for digits in artifacts.DIGESTS]
        replaced = self.drop(
            name,
            *(() if group is not None else self._within(file.resolve(), source=source)),
            *(n for n, e in self._files.items() if e.digest in contents),
        )
        self._pending[name] = part
        # A path may hold the listener's name, which is not to be kept then.
        self.parts[name] = {
            "file": "" if self._salt is not None else path,
            "source": source,
            **({"group": group} if group is not None else {}),
            **summary,
        }
        told = _told(part)
        return ImportReport(
            **summary, **told, duplicates=read - summary["rows"], skipped=0, replaced=replaced
        )

    def drop(self, *names: str) -> int:
        """Leave out parts; return how many rows they had."""
        gone = {name for name in names if name in self.parts}
        rows = sum(int(self.parts.pop(name)["rows"]) for name in gone)
        for name in names:
            self._files.pop(name, None)
            self._pending.pop(name, None)
        return rows

    def frame(self, name: str) -> pl.DataFrame:
        """The rows of a part."""
        return pl.read_parquet(self._path(name))

    def put(self, name: str, frame: pl.DataFrame, **about: Any) -> None:
        """Store a frame under a logical name; with `about` it is a part, of which that is said."""
        path = self.new_scratch() / "part.parquet"
        sink(frame.lazy(), path)
        self._pending[name] = path
        if about:
            self.parts[name] = {**about, **_summary(path)}

    def names(self) -> pl.DataFrame:
        """The table of names; empty where there is none, or it cannot be read."""
        if NAMES not in self._files and NAMES not in self._pending:
            return pl.DataFrame(schema=NAMES_SCHEMA)
        try:
            return pl.read_parquet(self._path(NAMES))
        except (OSError, pl.exceptions.PolarsError):
            return pl.DataFrame(schema=NAMES_SCHEMA)

    def commit(self) -> None:
        """Store all of it, in one rename; without any part, remove what was stored."""
        if not self.parts:
            (self.directory / artifacts.MANIFEST).unlink(missing_ok=True)
            for entry in self._files.values():
                (self.directory / entry.file).unlink(missing_ok=True)
            return
        for name, path in self._pending.items():
            self._files[name] = artifacts.put_file(self.directory, name, path)
        self._pending.clear()
        artifacts.commit(
            self.directory,
            kind=KIND,
            files=self._files,
            config={},
            inputs={},
            extra={"parts": dict(sorted(self.parts.items()))},
        )

    def _path(self, name: str) -> Path:
        return self._pending.get(name) or self.directory / self._files[name].file

    def _within(self, folder: Path, *, source: str) -> list[str]:
        return [
            name
            for name, part in self.parts.items()
            if part["source"] == source and "group" not in part and _lies_in(part["file"], folder)
        ]


def _lies_in(file: str, folder: Path) -> bool:
    return bool(file) and Path(file).is_relative_to(folder)


@contextmanager
def writing_plays(directory: Path, *, salt: bytes | None = None) -> Iterator[PlaysWriter]:
    """Change stored plays; nothing is changed before `PlaysWriter.commit`."""
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".import-", dir=directory) as aside:
        yield PlaysWriter(directory, scratch=Path(aside), salt=salt)


def pseudonym(user: str, *, salt: bytes) -> str:
    """A salted hash in place of a listener's name."""
    digest = hmac.new(salt, user.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
    return f"p-{digest[:20]}"


def pseudonymised(plays: pl.LazyFrame, *, salt: bytes) -> pl.LazyFrame:
    """Plays with the names of their listeners as salted hashes."""
    users = plays.select(pl.col("user_id").unique()).collect()["user_id"].to_list()
    hashes = {user: pseudonym(user, salt=salt) for user in users}
    return plays.with_columns(pl.col("user_id").replace_strict(hashes, return_dtype=pl.String))


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
    gone = [
        name
        for name, part in _manifest(directory).extra.get("parts", {}).items()
        if part["source"] == source and _lies_in(part["file"], folder.resolve())
    ]
    if not gone:
        return 0
    with writing_plays(directory) as writer:
        rows = writer.drop(*gone)
        writer.commit()
    return rows


def imported_from(directory: Path, *, source: str) -> list[Path]:
    """Files and folders that the stored listening of a source came from, those known of.

    Raises
    ------
    ArtifactError
        See `import_plays`.
    """
    parts = _manifest(directory).extra.get("parts", {}).values()
    return [Path(part["file"]) for part in parts if part["file"] and part["source"] == source]


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
    for path in directory.glob("names.*.parquet"):
        if artifacts.matches(path, path.name.split(".")[1]):
            size, digest = path.stat().st_size, artifacts.digest_file(path)
            files[NAMES] = artifacts.Entry(path.name, size, digest)
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
    manifest = artifacts.load_manifest(directory, kind=KIND)
    parts = _parts(directory, manifest)
    if NAMES in manifest.files or FEEDBACK in manifest.extra.get("parts", {}):
        return _by_rule(directory, manifest)
    frame = _read(directory, parts)
    if len(parts) == 1 or frame["timestamp"].null_count() == len(frame):
        return frame
    timed = frame.filter(pl.col("timestamp").is_not_null()).unique(maintain_order=True)
    return pl.concat([frame.filter(pl.col("timestamp").is_null()), timed])


def _by_rule(directory: Path, manifest: Manifest) -> pl.DataFrame:
    """Stored plays with histories among them; see `audiorec.data.listens`."""
    known = manifest.extra["parts"]
    sources = [known[name]["source"] for name in sorted(known)]
    frame = _read(directory, _parts(directory, manifest), sources=sources)
    frame = _resolved(frame, directory, manifest)
    mine = pl.col(SOURCE).is_in([*IN_COLUMNS, ""])
    listeners = frame.filter(~mine)["user_id"].unique()
    concerned = pl.col("user_id").is_in(listeners.implode())
    timed = pl.col("timestamp").is_not_null()
    # Those who have no such history are as they are without it.
    rest, both = frame.filter(~concerned), frame.filter(concerned)
    events = both.filter(timed).unique(
        [c for c in both.columns if c != SOURCE], keep="first", maintain_order=True
    )
    events = merge_close(events, apart=mine)
    counts = both.filter(~timed)
    yielding = counts_yield(counts.filter(~mine), events)
    told = pl.concat([counts.filter(mine), yielding, events])
    others = pl.concat([rest.filter(~timed), rest.filter(timed).unique(maintain_order=True)])
    return pl.concat([others, feedback_first(told)]).drop(SOURCE)


def played_tracks(directory: Path) -> list[str]:
    """Ids of all tracks in the stored listening, ascending; no other column is read.

    Raises
    ------
    ArtifactError
        See `load_plays`.
    """
    manifest = artifacts.load_manifest(directory, kind=KIND)
    ids = _read(directory, _parts(directory, manifest), columns=["track_id"], distinct=True)
    if NAMES in manifest.files:
        ids = _resolved(ids, directory, manifest).unique()
    return ids["track_id"].sort().to_list()


def _resolved(frame: pl.DataFrame, directory: Path, manifest: Manifest) -> pl.DataFrame:
    """Rows under the ids of the tracks that their names were matched to."""
    if NAMES not in manifest.files:
        return frame
    names = _read(directory, [directory / manifest.files[NAMES].file])
    ids = names.select("key", resolved=pl.coalesce("track_id", "name_id"))
    joined = frame.join(ids, left_on="track_id", right_on="key", how="left", maintain_order="left")
    return joined.with_columns(track_id=pl.coalesce("resolved", "track_id")).drop("resolved")


def _parts(directory: Path, manifest: Manifest) -> list[Path]:
    return [
        directory / entry.file for name, entry in sorted(manifest.files.items()) if name != NAMES
    ]


def _read(
    directory: Path,
    parts: Sequence[Path],
    *,
    columns: Sequence[str] | None = None,
    distinct: bool = False,
    sources: Sequence[str] = (),
) -> pl.DataFrame:
    try:
        scans = [pl.scan_parquet(part) for part in parts]
        if sources:
            pairs = zip(scans, sources, strict=True)
            scans = [scan.with_columns(pl.lit(source).alias(SOURCE)) for scan, source in pairs]
        frame = pl.concat(scans, how="diagonal")
        frame = frame if columns is None else frame.select(columns)
        return (frame.unique() if distinct else frame).collect()
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = first_line(error)
        raise ArtifactError(
            f"plays in {directory} cannot be read ({reason}); "
            "remove the directory and run 'audiorec plays FILE' again"
        ) from None
