"""Find audio files in folders."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from audiorec.exceptions import system_reason

# What is heard, and what people keep beside it and no decoder here may know: a file of that kind is
# counted as a failure and named, not passed over.
supported_suffixes = frozenset(
    f".{name}"
    for name in (
        *("mp3", "mp2", "mp1", "mpga", "flac", "ogg", "oga", "ogx", "opus", "spx"),
        *("m4a", "m4b", "m4r", "m4p", "mp4", "3gp", "3g2", "3ga", "aac", "wma", "asf"),
        *("wav", "wave", "aif", "aiff", "aifc", "au", "snd", "caf", "w64", "rf64"),
        *("mka", "mkv", "weba", "webm", "ape", "wv", "tta", "tak", "mpc", "mp+"),
        *("ac3", "eac3", "dts", "dtshd", "dsf", "dff", "amr", "ra", "rm", "oma", "aa3"),
        *("aax", "aa", "shn", "ofr", "mlp", "mid", "midi", "kar", "mod", "xm", "it", "s3m"),
    )
)


class Found(NamedTuple):
    """A file, or what stands where one should be.

    Attributes
    ----------
    path : str
        Absolute; links are kept as they are.
    size, mtime_ns : int or None
        Bytes, and ns since the epoch; None where there is no file to be heard.
    error : str
        Why it cannot be heard, else empty.
    """

    path: str
    size: int | None
    mtime_ns: int | None
    error: str = ""


def absolute(path: str | Path) -> str:
    """Absolute path, with links as they are: where a person put a file is where it is."""
    return os.path.abspath(path)  # noqa: PTH100


def look_at(path: str) -> Found:
    """State of one file that is thought to be audio."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return Found(path, None, None, "has a name that is not valid UTF-8; rename it")
    try:
        status = os.stat(path)  # noqa: PTH116 - pathlib refuses nothing less, and is slower
    except FileNotFoundError:
        what = "is a link to nothing" if os.path.islink(path) else "is not there"  # noqa: PTH114
        return Found(path, None, None, f"{what}; check the path")
    except OSError as error:
        reason = system_reason(error).lower()
        return Found(path, None, None, f"cannot be opened: {reason}; check the file and its links")
    if not stat.S_ISREG(status.st_mode):
        return Found(path, None, None, "is not a regular file; name an audio file")
    return Found(path, status.st_size, status.st_mtime_ns)


def walk(paths: Sequence[Path]) -> Iterator[Found]:
    """Every audio file in folders, by suffix, and every file that is named, whatever its suffix.

    Hidden files and folders are passed by, links to folders are followed, once each.
    """
    seen: set[str] = set()
    entered: set[tuple[int, int]] = set()
    for path in map(absolute, paths):
        found = _walk_folder(path, entered) if os.path.isdir(path) else [look_at(path)]  # noqa: PTH112
        for file in found:
            if file.path not in seen:
                seen.add(file.path)
                yield file


def _walk_folder(folder: str, entered: set[tuple[int, int]]) -> Iterator[Found]:
    pending = [folder]
    while pending:
        here = pending.pop()
        try:
            status = os.stat(here)  # noqa: PTH116
            key = (status.st_dev, status.st_ino)
            if key in entered:  # a loop of links, or a second way to the same folder
                continue
            entered.add(key)
            with os.scandir(here) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            reason = system_reason(error).lower()
            yield Found(here, None, None, f"cannot be listed: {reason}; check its permissions")
            continue
        folders = []
        for entry in listed:
            if entry.name.startswith("."):
                continue
            try:
                is_folder = entry.is_dir()
            except OSError:  # a link to itself: no folder, and look_at says what it is
                is_folder = False
            if is_folder:
                folders.append(entry.path)
            elif os.path.splitext(entry.name)[1].lower() in supported_suffixes:  # noqa: PTH122
                yield look_at(entry.path)
        pending.extend(reversed(folders))
