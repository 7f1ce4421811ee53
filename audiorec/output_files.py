"""Output files chosen by the user: playlists, exports, pages.

Unlike a file of an artifact, the path of one chosen by the user may be a device, a pipe or a link,
and its folder may be shared with others: it is written as by any program, but atomically if the
file system can do that.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from audiorec.artifacts import temp_path, write_error

DESCRIPTOR = re.compile(r"/dev/(stdout|stderr)|/(?:dev|proc/self)/fd/(\d+)")
NAMED = {"stdout": 1, "stderr": 2}


@contextmanager
def output_file(path: Path, *errors: type[Exception]) -> Iterator[Path]:
    """Yield a path to write to; its content is moved to `path` if the block ends normally.

    A regular file is replaced in one step and keeps its mode; for a link the target is replaced. A
    device, a pipe or an open stream is written to.

    Parameters
    ----------
    path : Path
        Its folder is created.
    *errors : type
        Exceptions of the writer besides OSError.

    Raises
    ------
    WriteError
        If it cannot be written: no room, no permission.
    """
    if _is_stream(path):
        with _into_stream(path, *errors) as aside:
            yield aside
        return
    target = Path(os.path.realpath(path)) if path.is_symlink() else path
    with temp_path(target, *errors) as aside:
        yield aside
        with aside.open("rb+") as stream:
            os.fsync(stream.fileno())
        with suppress(FileNotFoundError):
            aside.chmod(stat.S_IMODE(target.stat().st_mode))
        aside.replace(target)


def write_output(path: Path, content: bytes) -> None:
    """Write content to a user's output file; see `output_file`."""
    with output_file(path) as aside:
        aside.write_bytes(content)


def check_output(path: Path) -> None:
    """Raise `ArtifactError` unless `output_file` can write there; existing files are kept."""
    if not _is_stream(path):
        with temp_path(Path(os.path.realpath(path)) if path.is_symlink() else path) as aside:
            aside.touch()
    elif not os.access(path, os.W_OK):
        raise write_error(path, PermissionError(None, "Permission denied"))


def _is_stream(path: Path) -> bool:
    """Whether a path exists that has to be written to, not replaced."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    if stat.S_ISDIR(mode):
        raise write_error(path, IsADirectoryError(errno.EISDIR, "Is a directory"))
    return not stat.S_ISREG(mode) or _descriptor(path) is not None


def _descriptor(path: Path) -> int | None:
    """The descriptor of an open file that a path refers to: /dev/stdout, /dev/fd/3."""
    match = DESCRIPTOR.fullmatch(str(path))
    return None if match is None else NAMED.get(match[1]) or int(match[2])


@contextmanager
def _into_stream(path: Path, *errors: type[Exception]) -> Iterator[Path]:
    kinds: tuple[type[Exception], ...] = (OSError, *errors)
    try:
        with tempfile.TemporaryDirectory(prefix="audiorec-") as folder:
            aside = Path(folder) / "output"
            yield aside
            number = _descriptor(path)
            sys.stdout.flush()
            # If it were opened again by its name, an open file would be written from its start.
            stream = path.open("wb") if number is None else os.fdopen(os.dup(number), "wb")
            with aside.open("rb") as source, stream:
                shutil.copyfileobj(source, stream)
    except kinds as error:
        raise write_error(path, error) from None
