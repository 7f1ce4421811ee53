"""Find audio files in folders."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from audiorec.data import file_of
from audiorec.data.folder_walk import rules_for, walk_folder
from audiorec.exceptions import system_reason

# Formats that are decoded, and others common in music folders: such a file that no decoder here
# reads is counted as a failure and listed, not skipped.
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


class FileState(NamedTuple):
    """State of a file, or of something else at its path.

    Attributes
    ----------
    path : str
        Absolute; links are kept as they are.
    size, mtime_ns : int or None
        Bytes, and ns since the epoch; None where there is no file to decode.
    error : str
        Reason why it cannot be decoded; else empty.
    ctime_ns : int
        Time of its last change of state: retagging can reset the time of its content, not this.
    """

    path: str
    size: int | None
    mtime_ns: int | None
    error: str = ""
    ctime_ns: int = 0


def absolute(path: str | Path) -> str:
    """Absolute path, with links kept: the place where a person put a file."""
    return os.path.abspath(path)


def file_state(path: str) -> FileState:
    """State of one file that is taken for audio."""
    try:
        # pathlib makes the same checks, more slowly
        status = os.stat(file_of(path))
    except FileNotFoundError:
        what = "is a link to nothing" if os.path.islink(path) else "is not there"
        return FileState(path, None, None, f"{what}; check the path")
    except OSError as error:
        reason = system_reason(error).lower()
        return FileState(
            path, None, None, f"cannot be opened: {reason}; check the file and its links"
        )
    if not stat.S_ISREG(status.st_mode):
        return FileState(path, None, None, "is not a regular file; name an audio file")
    return FileState(path, status.st_size, status.st_mtime_ns, ctime_ns=status.st_ctime_ns)


def find_audio_files(paths: Sequence[Path], *, exclude: Sequence[str] = ()) -> Iterator[FileState]:
    """Find audio files and CUE sheets in folders, by suffix; files among the paths are all taken.

    Parameters
    ----------
    paths : sequence of Path
    exclude : sequence of str
        Paths to skip, as gitignore patterns relative to each folder; see also
        `audiorec.data.folder_walk`. Links to folders are followed, once each.
    """
    seen: set[str] = set()
    entered: set[tuple[int, int]] = set()
    for path in map(absolute, paths):
        files = _walk(path, exclude, entered) if os.path.isdir(path) else [file_state(path)]
        for file in files:
            if file.path not in seen:
                seen.add(file.path)
                yield file


def _walk(
    folder: str, exclude: Sequence[str], entered: set[tuple[int, int]]
) -> Iterator[FileState]:
    rules = rules_for(folder, exclude)
    for path, error in walk_folder(folder, wanted=_is_wanted, rules=rules, entered=entered):
        yield FileState(path, None, None, error) if error else file_state(path)


def _is_wanted(name: str) -> bool:
    return is_audio(name) or name.lower().endswith(".cue")


def is_audio(name: str) -> bool:
    """Whether a file is audio, by its name."""
    return os.path.splitext(name)[1].lower() in supported_suffixes
