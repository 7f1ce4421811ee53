"""The files of a data set in a folder, plain or compressed."""

from __future__ import annotations

import bz2
import fnmatch
import gzip
import io
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

from zstandard import ZstdDecompressor

from audiorec.artifacts import write_error
from audiorec.data.histories.export_files import CountedStream, UnpackBudget, reading
from audiorec.exceptions import data_error, first_line

DEPTH = 2
"""Levels of subfolders in which files are searched for."""
AUDIO = (".mp3", ".flac", ".ogg", ".opus", ".wav", ".m4a")
BLOCK = 1 << 22
"""Bytes copied at a time."""
MAX_RATIO = 200
"""Unpacked bytes per packed one: tables of listening have 3 to 20; more is a zip bomb."""
ALWAYS_UNPACKED = 1 << 26
"""Bytes that may be unpacked at any ratio."""


def _unpack_zstd(stream: IO[bytes]) -> IO[bytes]:
    return ZstdDecompressor().stream_reader(stream, read_across_frames=True)


UNPACK: dict[str, Callable[[IO[bytes]], Any]] = {
    ".gz": lambda stream: gzip.GzipFile(fileobj=stream),
    ".bz2": bz2.BZ2File,
    ".zst": _unpack_zstd,
}
"""Decompressor of a file, by its suffix."""


class ExpectedFile(NamedTuple):
    """A file of a data set, as it is expected.

    Attributes
    ----------
    name : str
        Its name, or a pattern of several.
    what : str
        Its contents.
    columns : tuple of str
        Columns of a table, in their order.
    header : bool or None
        Whether the table has a header line; None where copies differ.
    separator : str
    required : bool
    group : str
        At least one file of a group is required.
    """

    name: str
    what: str
    columns: tuple[str, ...] = ()
    header: bool | None = False
    separator: str = "\t"
    required: bool = True
    group: str = ""


class ManifestRow(NamedTuple):
    """A track of a data set that has audio; see `audiorec.scan.track_manifest`."""

    track_id: str
    path: Path
    artist: str = ""
    title: str = ""
    album: str = ""
    year: str = ""
    genre: str = ""


def no_tracks(folder: DatasetFolder) -> Iterator[ManifestRow]:
    """No tracks, for sets without audio."""
    return iter(())


class FoundFile(NamedTuple):
    """A file that was found, possibly within a zip."""

    path: Path
    entry: str = ""

    def __str__(self) -> str:
        return f"{self.path} ({self.entry})" if self.entry else str(self.path)

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Open for reading bytes, unpacked; errors while reading become `DataError`."""
        most = max(ALWAYS_UNPACKED, MAX_RATIO * self.path.stat().st_size)
        budget = UnpackBudget(self.path, most=most)
        with reading(str(self)), ExitStack() as opened:
            stream: Any = opened.enter_context(self.path.open("rb"))
            if self.entry:
                archive = opened.enter_context(zipfile.ZipFile(stream))
                stream = opened.enter_context(archive.open(self.entry))
            elif self.is_packed:
                stream = opened.enter_context(UNPACK[self.path.suffix.lower()](stream))
            yield io.BufferedReader(CountedStream(stream, budget)) if self.is_packed else stream

    def read_json(self) -> Any:
        """Parse as JSON; `DataError` if it is not valid."""
        with self.open() as stream:
            try:
                return json.load(stream)
            except (ValueError, RecursionError) as error:
                what = f"is no JSON ({first_line(error)})"
                raise data_error(str(self), what, "fetch it again") from None

    @property
    def is_packed(self) -> bool:
        """Whether it has to be unpacked."""
        return bool(self.entry) or self.path.suffix.lower() in UNPACK


class DatasetFolder:
    """The folder of a data set.

    Parameters
    ----------
    path : Path
    scratch : Path
        Existing directory for unpacked files; it must exist as long as their readers.

    Raises
    ------
    DataError
        If it is not a folder.
    """

    def __init__(self, path: Path, *, scratch: Path) -> None:
        self.path, self.scratch = path, scratch
        self._numbers = 0
        if not path.exists():
            raise data_error(path, "is not there", "check its path")
        if not path.is_dir():
            raise data_error(path, "is no folder", "put the set's files in one, and name that")

    def find(self, name: str) -> list[FoundFile]:
        """Files of a name or pattern in the folder and two levels below, unpacked ones first."""
        below = ["*/" * depth for depth in range(DEPTH + 1)]
        for suffix in ("", *UNPACK):
            paths = [path for at in below for path in self.path.glob(f"{at}{name}{suffix}")]
            if paths:
                return [FoundFile(path) for path in sorted(paths) if path.is_file()]
        copies = []
        for archive in sorted(path for at in below[:2] for path in self.path.glob(f"{at}*.zip")):
            with reading(archive), zipfile.ZipFile(archive) as opened:
                entries = opened.namelist()
            copies += [
                FoundFile(archive, entry)
                for entry in sorted(entries)
                if fnmatch.fnmatchcase(entry.rsplit("/", 1)[-1], name)
            ]
        return copies

    def one(self, name: str) -> FoundFile:
        """Get the only file of a name.

        Raises
        ------
        DataError
            If there is none, or several.
        """
        copies = self.find(name)
        if not copies:
            raise data_error(self.path, f"has no {name}", "see 'audiorec dataset list'")
        if len(copies) > 1:
            raise data_error(
                self.path,
                f"has {len(copies)} files {name}, {copies[0]} and {copies[1]} among them",
                "keep one",
            )
        return copies[0]

    def table(self, file: FoundFile, *, n_bytes: int | None = None) -> Path:
        """Path of a table for polars, unpacked: polars would unpack all of it in memory.

        Of a compressed table, at most about `n_bytes` are unpacked.

        Raises
        ------
        DataError
            If it is damaged.
        ArtifactError
            If the disk is too full to unpack it.
        """
        if not file.is_packed:
            return file.path
        target = self.new_file()
        left = n_bytes
        with file.open() as stream, target.open("wb", buffering=0) as out:
            while (left is None or left > 0) and (block := stream.read(BLOCK)):
                left = None if left is None else left - len(block)
                rest = memoryview(block)
                try:
                    while rest:  # unbuffered: a full disk takes some bytes before it fails
                        rest = rest[out.write(rest) :]
                except OSError as error:
                    raise write_error(target, error) from None
        return target

    def new_file(self) -> Path:
        """An unused path in the scratch directory."""
        self._numbers += 1
        return self.scratch / f"dataset-{self._numbers}"

    def audio(self) -> dict[str, Path]:
        """Audio files anywhere in the folder, by their names up to the first dot."""
        paths: dict[str, Path] = {}
        for root, folders, names in os.walk(self.path):
            folders.sort()
            for name in sorted(names):
                if name.lower().endswith(AUDIO) and not name.startswith("."):
                    paths.setdefault(name.split(".")[0], Path(root, name))
        return paths
