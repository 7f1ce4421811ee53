"""Atomic writing of files: written aside, flushed to disk, then renamed into place."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from audiorec.exceptions import ArtifactError, WriteError, system_reason


def write_error(path: Path, error: Exception) -> WriteError:
    """Make the error for a file that cannot be written: no room, no permission."""
    reason = system_reason(error)
    return WriteError(
        f"{path} cannot be written ({reason}); make room on the disk or check its permissions, "
        "and run the same command again; the existing file is unchanged"
    )


@contextmanager
def temp_path(path: Path, *errors: type[Exception]) -> Iterator[Path]:
    """Temporary path beside `path`; removed when the block ends, unless it was renamed.

    Parameters
    ----------
    path : Path
        The final path; its folder is created.
    *errors : type
        Exceptions of the writer besides OSError.

    Raises
    ------
    WriteError
        If it cannot be written: no room, no permission.
    """
    if not path.name:
        raise ArtifactError(f"{str(path)!r} is not a file name; name the file to write")
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    kinds: tuple[type[Exception], ...] = (OSError, *errors)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield aside
    except kinds as error:
        raise write_error(path, error) from None
    finally:
        with suppress(OSError):
            aside.unlink(missing_ok=True)


@contextmanager
def atomic_writer(path: Path) -> Iterator[BinaryIO]:
    """Open a file to write that becomes `path`, flushed to disk, if the block ends normally."""
    with temp_path(path) as aside:
        with aside.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        aside.replace(path)


def write_atomic(path: Path, content: bytes) -> None:
    """Write a file atomically: aside, flushed to disk, then renamed into place."""
    with atomic_writer(path) as stream:
        stream.write(content)
