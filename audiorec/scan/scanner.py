"""Scan into the catalogue: find audio files, decode new ones, recognise moved ones.

A scan has two halves. The first decodes every new or changed file, in worker processes, and stages
the results in the catalogue as it goes. The second decides, in one transaction, which track every
staged file is. A scan that is killed loses nothing: the next one finds the staged files.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from audiorec.data import segment_of
from audiorec.data.catalog import Catalog, FileRow, as_text
from audiorec.data.catalog.database import NOTE
from audiorec.data.folder_walk import IgnoreRules, is_ignored, rules_for
from audiorec.exceptions import DataError
from audiorec.printable_text import one_line
from audiorec.progress import Progress, silent
from audiorec.scan.cue import with_cue_tracks
from audiorec.scan.files import FileState, absolute, file_state, find_audio_files
from audiorec.scan.match import ReadFile, match_files
from audiorec.scan.track_manifest import read_manifest
from audiorec.worker_pool import run_isolated

if TYPE_CHECKING:
    from audiorec.scan.read_file import Also

STAGE = "scan"
BATCH_SECONDS = 1.0  # between commits


class ScanReport(NamedTuple):
    """Number of files added, changed, moved, unchanged, missing and failed.

    Attributes
    ----------
    added : int
        Recordings new to the catalogue.
    changed : int
        Known files with other tags or other audio, and files that are back.
    moved : int
        Known recordings under another path.
    unchanged : int
        Known files that did not change.
    missing : int
        Tracks whose files are gone since the last scan.
    failed : int
        Files that cannot be used; reasons in `Catalog.failures`.
    """

    added: int
    changed: int
    moved: int
    unchanged: int
    missing: int
    failed: int


def scan(
    catalog: Catalog,
    paths: Sequence[Path],
    *,
    exclude: Sequence[str] = (),
    force: bool = False,
    n_jobs: int | None = None,
    also: Also | None = None,
    progress: Progress = silent,
) -> ScanReport:
    """Add audio files to a catalogue; only new and changed ones are opened.

    Parameters
    ----------
    catalog : Catalog
    paths : sequence of Path
        Folders, in which files are chosen by suffix, and files, which are tried with any suffix.
    exclude : sequence of str
        Paths to skip, as gitignore patterns relative to each folder; see also
        `audiorec.data.folder_walk`. Catalogued files that are skipped now become missing.
    force : bool
        Decode unchanged files again.
    n_jobs : int or None
        Worker processes; None is one per CPU.
    also : callable, optional
        Further work on a decoded clip, in the worker processes; see `audiorec.scan.read_file`.
    progress : Progress

    Raises
    ------
    DataError
        If a path does not exist. Files that cannot be used are counted and recorded, not raised.
    ParameterError
        If a pattern is invalid.

    Examples
    --------
    >>> import numpy, soundfile
    >>> Path("music").mkdir()
    >>> noise = numpy.random.default_rng(0).normal(0, 0.1, 22050 * 5)
    >>> soundfile.write("music/noise.flac", noise, 22050)
    >>> with Catalog(Path("catalog.sqlite")) as catalog:
    ...     report = scan(catalog, [Path("music")], n_jobs=1)
    ...     report.added, [track.title for track in catalog.tracks()]
    (1, ['noise'])
    """
    check_paths(paths)
    progress("scan", 0, None)
    files, tags, parted = with_cue_tracks(find_audio_files(paths, exclude=exclude))
    named = {absolute(path): rules_for(absolute(path), exclude) for path in paths}
    return _scan(
        catalog,
        files,
        manifest_values=tags,
        parted=parted,
        named=named,
        force=force,
        n_jobs=n_jobs,
        also=also,
        progress=progress,
    )


def check_paths(paths: Sequence[Path]) -> None:
    """Raise `DataError` if a path does not exist."""
    for path in paths:
        if not Path(path).is_dir() and file_state(absolute(path)).error.startswith("is not there"):
            raise DataError(one_line(f"there is no file or folder {path}; check the path"))


def scan_manifest(
    catalog: Catalog,
    manifest: Path,
    *,
    force: bool = False,
    n_jobs: int | None = None,
    also: Also | None = None,
    progress: Progress = silent,
) -> ScanReport:
    """Add the files of a manifest to a catalogue, under the ids it assigns.

    Parameters
    ----------
    catalog : Catalog
    manifest : Path
        See `audiorec.scan.track_manifest`; its values take precedence over the files' tags, and
        replace all values of an earlier manifest for the same file.
    force : bool
        Decode unchanged files again.
    n_jobs : int or None
        Worker processes; None is one per CPU.
    also : callable, optional
        Further work on a decoded clip, in the worker processes; see `audiorec.scan.read_file`.
    progress : Progress

    Raises
    ------
    DataError
        If the manifest cannot be used. Audio files that cannot be used are counted and recorded.
    """
    manifest_values = read_manifest(manifest)
    progress("scan", 0, len(manifest_values))
    files = [file_state(path) for path in manifest_values]
    return _scan(
        catalog,
        files,
        manifest_values=manifest_values,
        named={},
        force=force,
        n_jobs=n_jobs,
        also=also,
        progress=progress,
    )


def _scan(
    catalog: Catalog,
    files: Sequence[FileState],
    *,
    manifest_values: Mapping[str, Mapping[str, Any]],
    named: Mapping[str, IgnoreRules],
    parted: frozenset[str] = frozenset(),
    force: bool,
    n_jobs: int | None,
    also: Also | None,
    progress: Progress,
) -> ScanReport:
    rows = {row.track.path: row for row in catalog.file_rows()}
    unchanged, new, failed = _sort_files(
        catalog, files, rows, manifest_values=manifest_values, named=named, force=force
    )
    done = len(files) - len(new)
    failed += _read_all(catalog, new, done=done, n_jobs=n_jobs, also=also, progress=progress)
    report = _settle(catalog, list(rows.values()), unchanged, manifest_values)
    _keep_change_times(catalog, [file for file in files if file.path in unchanged], rows)
    missing = _mark_missing(catalog, {file.path for file in files}, named, parted)
    progress("scan", len(files), len(files))
    return report._replace(missing=missing, failed=failed)


class _SortedFiles(NamedTuple):
    """Paths of files that did not change, files to be read, and how many cannot be."""

    unchanged: set[str]
    new: list[FileState]
    failed: int


def _sort_files(
    catalog: Catalog,
    files: Sequence[FileState],
    rows: Mapping[str, FileRow],
    *,
    manifest_values: Mapping[str, Mapping[str, Any]],
    named: Mapping[str, IgnoreRules],
    force: bool,
) -> _SortedFiles:
    """Tell by their states which files are to be read; record those that cannot be opened."""
    known_failures = catalog.failed_states(stage=STAGE)
    staged = catalog.staged()
    unchanged: set[str] = set()
    new: list[FileState] = []
    failed = 0
    with catalog.transaction():
        for file in files:
            state = (file.size, file.mtime_ns)
            row = rows.get(file.path)
            if file.error:
                failed += 1
                _record(catalog, file, one_line(f"{file.path} {file.error}"))
            elif force:
                new.append(file)
            elif (
                row is not None
                and row.ctime_ns in (0, file.ctime_ns)
                and state == (row.size, row.mtime_ns)
                and not _is_withdrawn(row, manifest_values.get(file.path, {}))
            ):
                unchanged.add(file.path)
                if as_text(file.path) in known_failures:  # it was damaged in between, and restored
                    catalog.clear_failure(file.path, stage=STAGE)
            elif file.path in staged and state == staged[file.path][:2]:
                pass
            elif file.path not in named and state == known_failures.get(as_text(file.path)):
                failed += 1
            else:
                new.append(file)
    return _SortedFiles(unchanged, new, failed)


def _read_all(
    catalog: Catalog,
    files: Sequence[FileState],
    *,
    done: int,
    n_jobs: int | None,
    also: Also | None,
    progress: Progress,
) -> int:
    """Read files and stage them, committed about every second; return how many failed."""
    from audiorec.scan.read_file import read_file  # here: decoders, in workers alone

    total = done + len(files)
    failed = 0
    function = partial(read_file, also=also)
    outcomes = run_isolated(function, [file.path for file in files], n_jobs=n_jobs)
    pending = iter(zip(files, outcomes, strict=True))
    exhausted = not files
    while not exhausted:
        batch: list[tuple[FileState, Any]] = []
        until = time.monotonic() + BATCH_SECONDS
        while time.monotonic() < until:
            item = next(pending, None)
            if item is None:
                exhausted = True
                break
            batch.append(item)
            done += 1
            progress("scan", done, total)
        with catalog.transaction():
            for file, outcome in batch:
                if outcome.error is not None:
                    failed += 1
                    _record(catalog, file, outcome.error)
                else:
                    catalog.clear_failure(file.path)
                    if note := outcome.value.pop("note"):
                        catalog.record_failure(file.path, stage=NOTE, reason=note)
                    catalog.stage(
                        file.path,
                        size=file.size or 0,
                        mtime_ns=file.mtime_ns or 0,
                        reading={**outcome.value, "ctime_ns": file.ctime_ns},
                    )
    return failed


def _record(catalog: Catalog, file: FileState, reason: str) -> None:
    # A file that could not even be opened is tried again next time: permissions and links change
    # without a trace in size and time.
    openable = "cannot be opened" not in reason
    catalog.record_failure(
        file.path,
        stage=STAGE,
        reason=reason,
        size=file.size if openable else None,
        mtime_ns=file.mtime_ns if openable else None,
    )


def _settle(
    catalog: Catalog,
    rows: list[FileRow],
    unchanged: set[str],
    manifest_values: Mapping[str, Mapping[str, Any]],
) -> ScanReport:
    """Turn staged files into tracks, and update unchanged ones by the manifest."""
    staged = {
        path: ReadFile(path, size, mtime_ns, reading, manifest_values.get(path, {}))
        for path, (size, mtime_ns, reading) in catalog.staged().items()
    }
    touched = {
        row.track.path: _as_staged(row, manifest_values.get(row.track.path, {}))
        for row in rows
        if row.track.path in unchanged
        and _has_changed(row, manifest_values.get(row.track.path, {}))
    }
    matched = match_files(
        {**staged, **touched}, rows, is_there=lambda path: not file_state(path).error
    )
    catalog.replace(matched.remove, matched.rows)
    return ScanReport(
        added=matched.added,
        changed=matched.changed,
        moved=matched.moved,
        unchanged=len(unchanged) - len(touched) + matched.unchanged,
        missing=0,
        failed=0,
    )


def _keep_change_times(
    catalog: Catalog, unchanged: Sequence[FileState], rows: Mapping[str, FileRow]
) -> None:
    """Store the times of change of files that were scanned before these were kept."""
    ctimes = {
        rows[file.path].track.track_id: file.ctime_ns
        for file in unchanged
        if not rows[file.path].ctime_ns
    }
    if ctimes:
        catalog.keep_change_times(ctimes)


def _has_changed(row: FileRow, manifest_values: Mapping[str, Any]) -> bool:
    return row.track.missing or any(
        row.manifest_values.get(key) != value for key, value in manifest_values.items()
    )


def _is_withdrawn(row: FileRow, manifest_values: Mapping[str, Any]) -> bool:
    """Whether a manifest drops a value that an earlier one gave: the file's tag is read again."""
    return bool(manifest_values) and not row.manifest_values.keys() <= manifest_values.keys()


def _as_staged(row: FileRow, manifest_values: Mapping[str, Any]) -> ReadFile:
    track = replace(row.track, missing=False)
    reading = {
        name: getattr(track, name)
        for name in track.__dataclass_fields__
        if name not in ("track_id", "path")
    }
    reading["ctime_ns"] = row.ctime_ns
    return ReadFile(track.path, row.size, row.mtime_ns, reading, manifest_values)


def _mark_missing(
    catalog: Catalog, seen: set[str], named: Mapping[str, IgnoreRules], parted: frozenset[str]
) -> int:
    """Mark tracks whose files were searched for and are gone; drop failures of such files.

    So are files that a CUE sheet splits now, and parts of files that no sheet splits any more.
    """

    def is_looked_for(path: str) -> bool:
        return path in seen or path in named or _root(path) is not None

    def _root(path: str) -> str | None:
        return next((root for root in named if path.startswith(f"{root.rstrip('/')}/")), None)

    def is_gone(path: str) -> bool:
        if path in seen or not is_looked_for(path):
            return path in seen and file_state(path).size is None
        if path in parted or segment_of(path) is not None:
            return True
        root = _root(path)
        return file_state(path).size is None or (
            root is not None and is_ignored(path, root=root, rules=named[root])
        )

    gone = [track_id for track_id, path in catalog.facts("path") if is_gone(path)]
    catalog.mark_missing(gone)
    still_there = {as_text(path) for path in seen}
    with catalog.transaction():
        for failure in [*catalog.failures(), *catalog.notes()]:
            if is_looked_for(failure.path) and failure.path not in still_there:
                catalog.clear_failure(failure.path)
    return len(gone)
