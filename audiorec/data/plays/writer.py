"""Parts of stored plays, written to a scratch directory and stored at once with one manifest."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from audiorec import artifacts
from audiorec.artifacts import Manifest
from audiorec.data.parquet_sink import sink
from audiorec.data.plays.pseudonyms import pseudonym, pseudonymised
from audiorec.data.plays.uncatalogued_names import COLUMNS, KIND, NAMES, TITLES
from audiorec.exceptions import DamagedArtifactError, DataError
from audiorec.id_map import LONGEST, id_problem

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
TITLES_SCHEMA = dict.fromkeys(COLUMNS, pl.String)
FEEDBACK = "part-feedback.parquet"


class ImportReport(NamedTuple):
    """Counts of the rows imported from one file.

    Attributes
    ----------
    rows : int
        Rows stored.
    users, tracks : int
        Distinct listeners and tracks in them.
    duplicates : int
        Rows left out because they repeat an earlier one, its time included.
    summed : int
        Rows stored without a time whose listener and track occur in an earlier row too: their
        counts add up.
    skipped : int
        Rows left out because they have no play, no skip, no like and no dislike.
    replaced : int
        Rows of an earlier import of the same file that these have replaced.
    skips, ratings : int
        Stored rows with a skip, and with a like or dislike.
    unknown : int
        Rows left out because their file is not in the catalogue.
    problems : tuple of (str, str)
        Path of each of several unreadable files, and the reason in one line.
    missing : tuple of str
        Files that are not in the catalogue, as in the list.
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
    missing: tuple[str, ...] = ()


class PlaysWriter:
    """Parts of stored plays, written to a scratch directory and then stored all at once.

    Parameters
    ----------
    directory : Path
        Artifact of kind "plays".
    scratch : Path
        Directory on the same file system for new parts.
    salt : bytes, optional
        With it the names of listeners are stored as salted hashes.
    former_salt : bytes, optional
        Salt of earlier pseudonyms: parts stored under those are replaced by the same under names.
    """

    def __init__(
        self,
        directory: Path,
        *,
        scratch: Path,
        salt: bytes | None = None,
        former_salt: bytes | None = None,
    ) -> None:
        self.directory = directory
        self._scratch = scratch
        self._salt = salt
        self._former_salt = salt or former_salt
        stored = stored_manifest(directory)
        self._files = dict(stored.files)
        self.parts: dict[str, dict[str, Any]] = dict(stored.extra.get("parts", {}))
        self._pending: dict[str, Path] = {}
        self._number = 0

    def user(self, name: str) -> str:
        """Stored form of a listener's name."""
        return name if self._salt is None else pseudonym(name, salt=self._salt)

    def new_scratch(self) -> Path:
        """A new directory for unpacked files."""
        self._number += 1
        folder = self._scratch / str(self._number)
        folder.mkdir()
        return folder

    def add(
        self, plays: pl.LazyFrame, *, file: Path, source: str, group: str | None = None
    ) -> ImportReport:
        """Add rows as a part, in place of an earlier one of the same file.

        Parameters
        ----------
        plays : pl.LazyFrame
        file : Path
        source : str
        group : str, optional
            Parts of one group replace each other, whatever file they are from.
        """
        if self._salt is not None:
            plays = pseudonymised(plays, salt=self._salt)
        part = self.new_scratch() / "part.parquet"
        read = _write_part(plays, part)
        _check_ids(file, part)
        summary = _summary(part)
        path = str(file.resolve())
        name = _part_name(path if group is None else [source, self.user(group)])
        names = {name}
        if group is not None and self._former_salt is not None:
            other = pseudonym(group, salt=self._former_salt)
            names = {_part_name([source, whose]) for whose in (group, other)}
        contents = [artifacts.digest_file(part, digits=digits) for digits in artifacts.DIGESTS]
        replaced = self.drop(
            *names,
            *(() if group is not None else self._parts_in_folder(file.resolve(), source=source)),
            *(n for n, e in self._files.items() if e.digest in contents),
        )
        self._pending[name] = part
        # A path may contain the listener's name, which must not be stored then.
        self.parts[name] = {
            "file": "" if self._salt is not None else path,
            "source": source,
            **({"grouped": True} if group is not None else {}),
            **summary,
        }
        counts = {"skips": 0, "ratings": 0} | _feedback_counts(part)
        return ImportReport(
            summary["rows"],
            summary["users"],
            summary["tracks"],
            duplicates=read - summary["rows"],
            summed=summary["summed"],
            skipped=0,
            replaced=replaced,
            skips=counts["skips"],
            ratings=counts["ratings"],
        )

    def drop(self, *names: str) -> int:
        """Drop parts; return the number of their rows."""
        present = {name for name in names if name in self.parts}
        rows = sum(int(self.parts.pop(name)["rows"]) for name in present)
        for name in names:
            self._files.pop(name, None)
            self._pending.pop(name, None)
        return rows

    def frame(self, name: str) -> pl.DataFrame:
        """The rows of a part."""
        return pl.read_parquet(self._path(name))

    def put(self, name: str, frame: pl.DataFrame | pl.LazyFrame, **about: Any) -> None:
        """Store a frame under a logical name; with `about` it is a part with these attributes."""
        path = self.new_scratch() / "part.parquet"
        sink(frame.lazy(), path)
        self._pending[name] = path
        if about:
            self.parts[name] = {**about, **_summary(path)}

    def put_titles(self, titles: pl.LazyFrame, *, source: str) -> None:
        """Store names of tracks that occur in the stored plays of a data set.

        Parameters
        ----------
        titles : pl.LazyFrame
            Columns of `TITLES_SCHEMA`; empty where unknown.
        source : str
        """
        parts = [name for name, part in self.parts.items() if part["source"] == source]
        played = pl.concat([pl.scan_parquet(self._path(n)).select("track_id") for n in parts])
        named = titles.filter(pl.any_horizontal(pl.col("artist", "title") != ""))
        known = named.join(played.unique(), on="track_id", how="semi").unique("track_id")
        self.put(f"{TITLES}{source}.parquet", known.select(*TITLES_SCHEMA))

    def names(self) -> pl.DataFrame:
        """The table of names; empty if it is missing or unreadable."""
        if NAMES not in self._files and NAMES not in self._pending:
            return pl.DataFrame(schema=NAMES_SCHEMA)
        try:
            return pl.read_parquet(self._path(NAMES))
        except (OSError, pl.exceptions.PolarsError):
            return pl.DataFrame(schema=NAMES_SCHEMA)

    def commit(self) -> None:
        """Store everything in one rename; without any part, remove the stored plays."""
        if not self.parts:
            artifacts.remove(self.directory, stored_manifest(self.directory))
            return
        sources = {part["source"] for part in self.parts.values()}
        for files in (self._files, self._pending):
            for name in [n for n in files if n.startswith(TITLES)]:
                if name.removeprefix(TITLES).removesuffix(".parquet") not in sources:
                    del files[name]
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

    def _parts_in_folder(self, folder: Path, *, source: str) -> list[str]:
        return [
            name
            for name, part in self.parts.items()
            if part["source"] == source
            and "grouped" not in part
            and is_within(part["file"], folder)
        ]


def _part_name(key: str | list[str]) -> str:
    """Name of the part of a file, or of a source and a group."""
    return f"part-{artifacts.fingerprint(key)[:12]}.parquet"


def is_within(file: str, folder: Path) -> bool:
    """Whether a part was imported from a file or folder, or from within it."""
    return bool(file) and Path(file).is_relative_to(folder)


@contextmanager
def writing_plays(
    directory: Path, *, salt: bytes | None = None, former_salt: bytes | None = None
) -> Iterator[PlaysWriter]:
    """Change stored plays; nothing is changed before `PlaysWriter.commit`."""
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".import-", dir=directory) as aside:
        yield PlaysWriter(directory, scratch=Path(aside), salt=salt, former_salt=former_salt)


def stored_manifest(directory: Path) -> Manifest:
    """Stored manifest; empty if nothing is stored, rebuilt from the parts if it is torn."""
    if not artifacts.exists(directory):
        return Manifest(KIND)
    try:
        return artifacts.load_manifest(directory, kind=KIND, check="manifest")
    except DamagedArtifactError:
        return _recovered_manifest(directory)


def _recovered_manifest(directory: Path) -> Manifest:
    """A manifest of the undamaged parts, by the digests in their names.

    The file that a part was imported from is lost, except for what is in its name: importing
    that file again replaces it.
    """
    files: dict[str, artifacts.ArtifactFile] = {}
    parts: dict[str, dict[str, object]] = {}
    leftovers = directory.glob("part-*.*.parquet")
    for path in sorted(leftovers, key=lambda path: path.stat().st_mtime_ns):
        stem, digits = path.name.split(".")[:2]
        if artifacts.matches_digest(path, digits):
            name, digest = f"{stem}.parquet", artifacts.digest_file(path)
            files[name] = artifacts.ArtifactFile(path.name, path.stat().st_size, digest)
            parts[name] = {"file": "", "source": "", **_summary(path)}
    for path in directory.glob("names.*.parquet"):
        if artifacts.matches_digest(path, path.name.split(".")[1]):
            size, digest = path.stat().st_size, artifacts.digest_file(path)
            files[NAMES] = artifacts.ArtifactFile(path.name, size, digest)
    return Manifest(KIND, files=files, extra={"parts": parts})


def _write_part(plays: pl.LazyFrame, part: Path) -> int:
    """Write rows to Parquet without exact repeats; return the number of input rows."""
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
    """Raise `DataError` for the first id that is too long, or that no text array can hold."""
    frame = pl.scan_parquet(part)
    for column in ("user_id", "track_id"):
        length = pl.col(column).str.len_chars()
        bad = (length > LONGEST) | pl.col(column).str.contains("\0", literal=True)
        invalid = frame.filter(bad).select(column).head(1).collect(engine="streaming")
        if len(invalid):
            raise DataError(f"plays file {file}: {column} {id_problem(invalid.item())}")


def _summary(part: Path) -> dict[str, int]:
    """Counts of a part for the import report and the manifest."""
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
    pairs = _distinct_pairs(frame.filter(pl.col("timestamp").is_null())) if untimed else 0
    return {"rows": rows, "users": users, "tracks": tracks, "summed": untimed - pairs}


def _distinct_pairs(frame: pl.LazyFrame) -> int:
    """Number of distinct pairs of listener and track, by their 64-bit hashes.

    A set of the names themselves would take 200 bytes a row; two of 50 million pairs have the same
    hash once in 15,000 such files.
    """
    hashes = frame.select(pl.struct("user_id", "track_id").hash()).collect(engine="streaming")
    sorted_ = np.sort(hashes.to_series().to_numpy())
    return int((sorted_[1:] != sorted_[:-1]).sum()) + 1


def _feedback_counts(part: Path) -> dict[str, int]:
    """Number of rows in a part with skips and with ratings."""
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
