"""Files of an export: a single file, a folder, or a zip that may contain further zips.

No file is unpacked under its name in an archive, and the total of bytes read from archives is
limited.
"""

from __future__ import annotations

import io
import posixpath
import re
import shutil
import sqlite3
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO

from zstandard import ZstdError

from audiorec.exceptions import DataError, data_error, first_line, system_reason

MAX_UNPACKED = 2 << 30
"""Limit of bytes unpacked of one archive: histories of decades are a tenth of it."""
MAX_MEMBERS = 100_000
MAX_DEPTH = 3
"""Zips within zips: Apple nests two."""
HEAD = 1 << 16
"""Bytes used to recognise a file."""
BLOCK = 1 << 20
SIDE_FILES = ("-wal", "-journal")
"""Files that SQLite keeps beside a database for changes not yet written to it."""


class UnpackBudget:
    """Number of bytes of an archive that may still be unpacked.

    Parameters
    ----------
    file : Path
    most : int, optional
        Total number of bytes; `MAX_UNPACKED` by default.
    """

    def __init__(self, file: Path, *, most: int | None = None) -> None:
        self.file = file
        self.most = self.left = MAX_UNPACKED if most is None else most

    def take(self, size: int) -> None:
        """Subtract a number of bytes; `DataError` if the budget is exceeded."""
        self.left -= size
        if self.left < 0:
            gigabytes = self.most / 1e9
            limit = f"{gigabytes:.1f} GB" if gigabytes >= 1 else f"{gigabytes * 1e3:.0f} MB"
            raise data_error(
                self.file,
                f"unpacks to more than {limit}",
                "unpack what you need of it, and name that",
            )


class CountedStream(io.RawIOBase):
    """A stream of an archive whose bytes are subtracted from its budget."""

    def __init__(self, stream: IO[bytes], budget: UnpackBudget) -> None:
        self._stream, self._budget = stream, budget

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # bytes that can be written
        """See `io.RawIOBase`; bytes read are subtracted from the budget."""
        data = self._stream.read(len(buffer))
        self._budget.take(len(data))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()


@dataclass(frozen=True)
class ExportFile:
    """One file of an export.

    Attributes
    ----------
    name : str
        Within the export, with slashes.
    where : str
        Its name in messages.
    opened : callable
        Opens it for reading bytes.
    path : Path or None
        Its path, unless it is in an archive.
    """

    name: str
    where: str
    opened: Callable[[], IO[bytes] | io.RawIOBase]
    path: Path | None = None
    _heads: list[bytes] = field(default_factory=list, repr=False)

    @property
    def base(self) -> str:
        """The name without its folders."""
        return posixpath.basename(self.name)

    @property
    def suffix(self) -> str:
        """Suffix of the name, with the dot, in lower case."""
        return posixpath.splitext(self.name)[1].lower()

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Open for reading bytes; errors while reading become `DataError`."""
        with reading(self.where), closing(self.opened()) as stream:
            yield io.BufferedReader(stream, BLOCK) if isinstance(stream, io.RawIOBase) else stream

    def head(self) -> bytes:
        """The first `HEAD` bytes; none where it cannot be read."""
        if not self._heads:
            try:
                with self.open() as stream:
                    self._heads.append(stream.read(HEAD))
            except DataError:
                self._heads.append(b"")
        return self._heads[0]

    def copy_to(self, target: Path) -> None:
        """Write its bytes to a file."""
        with self.open() as stream, target.open("wb") as out:
            shutil.copyfileobj(stream, out, BLOCK)


class Export:
    """The files of an export.

    Parameters
    ----------
    path : Path
        A file, a folder or a zip.
    scratch : Path
        Existing directory for unpacked files; it must exist as long as the export.

    Raises
    ------
    DataError
        If it is missing, empty, cannot be read, or is an archive that is damaged, encrypted,
        too large or has entries with paths outside it.
    """

    def __init__(self, path: Path, *, scratch: Path) -> None:
        self.path = Path(path)
        self.scratch = scratch
        self._files = 0
        if not self.path.exists():
            raise data_error(self.path, "is not there", "check its path")
        if self.path.is_dir():
            self.members = list(_folder(self.path))
        elif not self.path.is_file():
            raise data_error(self.path, "is no regular file", "copy it into one")
        elif _is_zip(self.path):
            self.members = list(self._zip(self.path, UnpackBudget(self.path), depth=1))
        else:
            self.members = [_file(self.path, self.path.name)]
            if not self.path.stat().st_size:
                raise data_error(self.path, "is empty", "export it again")
        self.members.sort(key=lambda member: _natural(member.name))

    def _zip(
        self, file: Path, budget: UnpackBudget, *, depth: int, within: str = ""
    ) -> Iterator[ExportFile]:
        with reading(budget.file):
            archive = zipfile.ZipFile(file)
            infos = archive.infolist()
        if len(infos) > MAX_MEMBERS:
            raise data_error(
                budget.file, f"holds {len(infos)} entries", f"at most {MAX_MEMBERS} are read"
            )
        for info in infos:
            name = info.filename.replace("\\", "/")
            if name.startswith("/") or ".." in name.split("/") or re.match(r"[A-Za-z]:", name):
                raise data_error(
                    budget.file,
                    f"has an entry that points outside it, {info.filename!r}",
                    "no export has such; take it from its source again",
                )
            if info.is_dir():
                continue
            if info.flag_bits & 1:
                raise data_error(budget.file, "is encrypted", "unpack it with its password")
            member = ExportFile(
                f"{within}{name}",
                f"{budget.file} ({within}{name})",
                partial(_opened, archive, info, budget),
            )
            if not name.lower().endswith(".zip"):
                yield member
            elif depth < MAX_DEPTH:
                inner = self.new_file(".zip")
                member.copy_to(inner)
                if _is_zip(inner):
                    yield from self._zip(inner, budget, depth=depth + 1, within=f"{within}{name}/")

    def new_file(self, suffix: str) -> Path:
        """An unused path in the scratch directory."""
        self._files += 1
        return self.scratch / f"unpacked-{self._files}{suffix}"

    @contextmanager
    def database(self, member: ExportFile) -> Iterator[sqlite3.Connection]:
        """Open a copy of a SQLite database, with the changes its program has yet to write to it.

        Raises
        ------
        DataError
            If it is not a database, damaged, or lacks tables or columns.
        """
        copy = self.new_file(".sqlite")
        member.copy_to(copy)
        for side in SIDE_FILES:
            beside = self._file_beside(member, side)
            if beside is not None:
                beside.copy_to(copy.with_name(copy.name + side))
        with reading(member.where):
            connection = sqlite3.connect(copy)
            try:
                connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
                connection.row_factory = sqlite3.Row
                yield connection
            finally:
                connection.close()
                for name in (copy.name, *(copy.name + side for side in (*SIDE_FILES, "-shm"))):
                    (copy.parent / name).unlink(missing_ok=True)

    def _file_beside(self, member: ExportFile, side: str) -> ExportFile | None:
        if self.path.is_file() and len(self.members) == 1 and self.members[0] is member:
            beside = self.path.with_name(self.path.name + side)
            return _file(beside, beside.name) if beside.is_file() else None
        return next((m for m in self.members if m.name == member.name + side), None)


@contextmanager
def reading(where: str | Path) -> Iterator[None]:
    """Turn exceptions of invalid files and archives into a `DataError`."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, struct.error, ZstdError) as error:
        raise data_error(
            where, f"is a damaged archive ({first_line(error)})", "fetch it again"
        ) from None
    except (NotImplementedError, RuntimeError) as error:
        raise data_error(
            where, f"cannot be unpacked ({first_line(error)})", "unpack it by hand"
        ) from None
    except sqlite3.Error as error:
        raise data_error(
            where,
            f"is no such SQLite database ({first_line(error)})",
            "close the program that writes it, and copy the file again",
        ) from None
    except OSError as error:
        reason = system_reason(error).lower()
        raise data_error(where, f"cannot be read: {reason}", "check its permissions") from None


def _opened(archive: zipfile.ZipFile, info: zipfile.ZipInfo, budget: UnpackBudget) -> io.RawIOBase:
    return CountedStream(archive.open(info), budget)


def _folder(folder: Path) -> Iterator[ExportFile]:
    """Files in a folder and its subfolders; hidden folders are skipped, hidden files are not."""
    number = 0
    for path in folder.rglob("*"):
        inner = path.relative_to(folder)
        if any(part.startswith(".") for part in inner.parts[:-1]):
            continue
        with suppress(OSError):
            if path.is_file():
                number += 1
                yield _file(path, inner.as_posix())


def _file(path: Path, name: str) -> ExportFile:
    return ExportFile(name, str(path), lambda: path.open("rb"), path)


def _is_zip(path: Path) -> bool:
    with reading(path), path.open("rb") as stream:
        return stream.read(4) in (b"PK\x03\x04", b"PK\x05\x06")


def _natural(name: str) -> list[tuple[int, str]]:
    """Sort key that orders numbers by value: 2 before 10."""
    parts = re.findall(r"\d+|\D+", name)
    return [(int(part[:18]), "") if part.isdecimal() else (-1, part) for part in parts]
