"""Check and import a data set: its listening as plays, its tracks as a manifest to scan."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from audiorec.artifacts import fingerprint, write_atomic
from audiorec.data.catalog import Catalog, FileRow, Track
from audiorec.data.datasets import NAMES, DatasetFolder, ExpectedFile, ManifestRow, dataset
from audiorec.data.datasets.dataset_rows import scan_table
from audiorec.data.magic_bytes import SPECTROGRAM
from audiorec.data.plays import ImportReport, PlaysWriter
from audiorec.exceptions import DataError, data_error, first_line

BATCH = 10_000
"""Tracks added to the catalogue at a time."""
LOOKED_AT = 1000
"""Rows of a table that a check reads."""
HEAD = 1 << 22
"""Bytes of a table that a check unpacks."""


class DatasetCheck(NamedTuple):
    """Files of a data set in a folder: those found, missing and invalid.

    Attributes
    ----------
    found, missing, optional : tuple of str
        Files, with their contents; missing ones that are required, and missing ones that are not.
    wrong : tuple of str
        A line for every invalid file.
    audio : int
        Tracks of the set that have audio.
    """

    found: tuple[str, ...]
    missing: tuple[str, ...]
    optional: tuple[str, ...]
    wrong: tuple[str, ...]
    audio: int

    @property
    def ok(self) -> bool:
        """Whether the data set can be imported."""
        return not self.missing and not self.wrong


class DatasetReport(NamedTuple):
    """Counts of the listening and tracks imported from a data set.

    Attributes
    ----------
    imported : ImportReport or None
        None where the set has no listening.
    left_out : dict of str to int
        Number of rows that were left out, by kind.
    audio : int
        Tracks that have audio.
    """

    imported: ImportReport | None
    left_out: dict[str, int]
    audio: int


def check_dataset(name: str, path: Path) -> DatasetCheck:
    """Check the files of a data set, by the first rows of each.

    Parameters
    ----------
    name : str
        One of `audiorec.data.datasets.NAMES`.
    path : Path
        The folder.

    Raises
    ------
    ParameterError
        If no set has the name.
    DataError
        If `path` is not a folder.
    """
    module = dataset(name)
    present: list[str] = []
    missing: list[str] = []
    optional: list[str] = []
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = DatasetFolder(path, scratch=Path(scratch))
        groups = {file.group for file in module.FILES if file.group and folder.find(file.name)}
        for file in module.FILES:
            title = f"{file.name} ({file.what})"
            files = folder.find(file.name)
            if not files:
                needed = file.group not in groups if file.group else file.required
                (missing if needed else optional).append(title)
                continue
            present.append(title if len(files) == 1 else f"{title}: {len(files)} files")
            wrong += _problems(folder, file)
        audio = 0 if missing or wrong else sum(1 for _ in module.tracks(folder))
    return DatasetCheck(tuple(present), tuple(missing), tuple(optional), tuple(wrong), audio)


def _problems(folder: DatasetFolder, file: ExpectedFile) -> list[str]:
    """A line for each defect in the first rows of a file."""
    problems = []
    for copy in folder.find(file.name):
        try:
            if not file.columns:
                with copy.open() as stream:
                    if not stream.read(1):
                        raise data_error(str(copy), "is empty", "fetch it again")
                continue
            folder.one(file.name)
            rows = scan_table(folder, file, copy=copy, n_bytes=HEAD).head(LOOKED_AT).collect()
            if not len(rows):
                raise data_error(str(copy), "has no rows", "fetch it again")
            short = rows.select(pl.col(file.columns[-1]).is_null().mean()).item()
            if len(file.columns) > 1 and short > 0.5:
                mark = {"\t": "tabs", ",": "commas"}.get(file.separator, repr(file.separator))
                raise data_error(
                    str(copy),
                    f"has fewer than {len(file.columns)} columns in {short:.0%} of its first rows",
                    f"they are {', '.join(file.columns)}, parted by {mark}",
                )
        except DataError as error:
            problems.append(str(error))
        except (pl.exceptions.PolarsError, OSError) as error:
            problems.append(
                str(data_error(str(copy), f"cannot be read ({error})", "fetch it again"))
            )
    return problems


def add_dataset(
    writer: PlaysWriter, name: str, path: Path
) -> tuple[DatasetReport, list[ManifestRow]]:
    """Add the listening of a data set to a writer of plays; list its tracks with audio.

    Parameters
    ----------
    writer : PlaysWriter
    name : str
    path : Path

    Raises
    ------
    ParameterError
        If no set has the name.
    DataError
        If a file is missing or invalid, or another data set is stored: the numbers that both use
        for listeners and tracks would be confused.
    """
    module = dataset(name)
    check = check_dataset(name, path)
    if not check.ok:
        problems = [f"{path} has no {missing}" for missing in check.missing] + list(check.wrong)
        more = f"; {len(problems) - 1} more" if len(problems) > 1 else ""
        raise DataError(f"{problems[0]}{more}: see 'audiorec dataset check {name} {path}'")
    others = {str(part["source"]) for part in writer.parts.values()} & set(NAMES) - {name}
    if others and module.LISTENING:
        other = min(others)
        raise DataError(
            f"the workspace holds the data set {other}, whose listeners may have the names of "
            f"others in {name}; name another workspace (-w DIR), or run 'audiorec plays remove "
            f"{other}' first"
        )
    folder = DatasetFolder(path, scratch=writer.new_scratch())
    read = module.read(folder)
    rows = list(module.tracks(folder))
    if read is None:
        return DatasetReport(None, {}, len(rows)), rows
    report = writer.add(read.plays, file=path, source=name)
    if read.titles is not None:
        titles = read.titles.with_columns(pl.all().fill_null(""))
        try:
            writer.put_titles(titles, source=name)
        except pl.exceptions.PolarsError as error:
            what = f"names tracks in a table that cannot be read ({first_line(error)})"
            raise data_error(path, what, "fetch it again, or leave it out") from None
    report = report._replace(skipped=sum(read.left_out.values()))
    return DatasetReport(report, read.left_out, len(rows)), rows


def catalogue_spectrograms(catalog: Path, rows: Sequence[ManifestRow]) -> int:
    """Add tracks to the catalogue whose files are spectrograms, which no scan can read.

    Parameters
    ----------
    catalog : Path
        Created if missing.
    rows : sequence of ManifestRow
        Those that have audio are skipped.

    Returns
    -------
    catalogued : int
    """
    given = [row for row in rows if row.path.suffix == SPECTROGRAM]
    if not given:
        return 0
    with Catalog(catalog) as opened:
        for start in range(0, len(given), BATCH):
            opened.upsert([_catalogued(row) for row in given[start : start + BATCH]])
    return len(given)


def _catalogued(row: ManifestRow) -> FileRow:
    path = row.path.resolve()
    state = path.stat()
    track = Track(
        row.track_id,
        str(path),
        artist=row.artist,
        title=row.title,
        album=row.album,
        genre=row.genre,
        year=int(row.year) if row.year.isascii() and row.year.isdecimal() else None,
        format="mel",
        clip_hash=fingerprint([row.track_id, state.st_size, state.st_mtime_ns]),
    )
    return FileRow(track, state.st_size, state.st_mtime_ns, ctime_ns=state.st_ctime_ns)


def write_manifest(file: Path, rows: Sequence[ManifestRow]) -> None:
    """Write tracks with audio as a CSV for ``audiorec scan --manifest``."""
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow(ManifestRow._fields)
    audio = (row for row in rows if row.path.suffix != SPECTROGRAM)
    out.writerows(row._replace(path=row.path.resolve()) for row in audio)
    write_atomic(file, text.getvalue().encode("utf-8", "surrogateescape"))


def about_datasets() -> list[dict[str, Any]]:
    """Name, paper, terms, origin, listening and files of each data set."""
    listed = []
    for name in NAMES:
        module = dataset(name)
        files = [
            {
                "name": file.name,
                "what": file.what,
                "columns": list(file.columns),
                "required": file.required or bool(file.group),
            }
            for file in module.FILES
        ]
        listed.append(
            {
                "name": name,
                "title": module.TITLE,
                "paper": module.PAPER,
                "terms": module.TERMS,
                "origin": module.ORIGIN,
                "listening": module.LISTENING,
                "files": files,
            }
        )
    return listed
