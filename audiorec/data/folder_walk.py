"""Walk over music folders that skips everything but music, at any depth.

Skipped are hidden files and folders, system folders such as those of deleted files, folders with
a ``.nomedia``, and paths that match the gitignore patterns in ``.audiorecignore``, ``.ndignore``
and ``.plexignore`` (an empty ``.ndignore`` skips its whole folder).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from audiorec.exceptions import ParameterError, system_reason

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

NO_MEDIA = ".nomedia"
WHOLE_IF_EMPTY = ".ndignore"
IGNORE_FILES = (".audiorecignore", WHOLE_IF_EMPTY, ".plexignore")
MOST_IGNORE = 1 << 20  # bytes of an ignore file
# System folders, in lower case: deleted files, snapshots, thumbnails.
SYSTEM_FOLDERS = frozenset(
    (
        *("#recycle", "$recycle.bin", "recycler", "@recycle", "@recently-snapshot", "#snapshot"),
        *("@eadir", "system volume information", "lost+found", "__macosx"),
    )
)


class FolderEntry(NamedTuple):
    """A file in a folder; or a folder that cannot be listed, and the reason."""

    path: str
    error: str = ""


class IgnoreRules(NamedTuple):
    """Ignore patterns of a folder: each with the folder that its paths are relative to."""

    patterns: tuple[tuple[str, GitIgnoreSpec], ...] = ()

    def ignore(self, path: str, *, folder: bool) -> bool:
        """Whether a path is skipped; the innermost pattern that matches decides."""
        for base, spec in reversed(self.patterns):
            included = spec.check_file(
                os.path.relpath(path, base) + ("/" if folder else "")
            ).include
            if included is not None:
                return included
        return False

    def within(self, folder: str) -> IgnoreRules | None:
        """Rules for the contents of a folder; None where all of it is skipped."""
        rules = _rules_of(folder)
        return (
            None if rules is None else IgnoreRules((*self.patterns, *((folder, s) for s in rules)))
        )


def rules_for(folder: str, exclude: Sequence[str] = ()) -> IgnoreRules:
    """Make the rules of a folder, before its own files are read.

    Parameters
    ----------
    folder : str
        Absolute.
    exclude : sequence of str
        Gitignore patterns, relative to it.

    Raises
    ------
    ParameterError
        If a pattern is invalid.
    """
    _rules_of.cache_clear()  # they may have changed since the last walk
    return IgnoreRules(((folder, _spec(exclude)),)) if exclude else IgnoreRules()


def walk_folder(
    folder: str,
    *,
    wanted: Callable[[str], bool],
    rules: IgnoreRules,
    entered: set[tuple[int, int]],
) -> Iterator[FolderEntry]:
    """Iterate over the files of a folder and its subfolders, sorted by name within each.

    Parameters
    ----------
    folder : str
        Absolute.
    wanted : callable
        Tests the name of a file.
    rules : IgnoreRules
        See `rules_for`.
    entered : set of (int, int)
        Device and inode of the folders walked so far; links to folders are followed, once each.
    """
    pending = [(folder, rules)]
    while pending:
        here, above = pending.pop()
        try:
            status = os.stat(here)
            key = (status.st_dev, status.st_ino)
            if key in entered:  # a loop of links, or a second way to the same folder
                continue
            entered.add(key)
            with os.scandir(here) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            reason = system_reason(error).lower()
            yield FolderEntry(here, f"cannot be listed: {reason}; check its permissions")
            continue
        within = above.within(here)
        if within is None:
            continue
        folders = []
        for entry in listed:
            is_folder = _is_folder(entry)
            if not is_folder and not wanted(entry.name):
                continue
            if is_passed_by(entry.path, folder=is_folder, rules=within):
                continue
            if is_folder:
                folders.append((entry.path, within))
            else:
                yield FolderEntry(entry.path)
        pending.extend(reversed(folders))


def is_passed_by(path: str, *, folder: bool, rules: IgnoreRules) -> bool:
    """Whether a file or folder is skipped because of its path."""
    name = os.path.basename(path)
    if name.startswith(".") or (folder and name.casefold() in SYSTEM_FOLDERS):
        return True
    return rules.ignore(path, folder=folder)


def is_ignored(path: str, *, root: str, rules: IgnoreRules) -> bool:
    """Whether a walk of the folder `root` skips a file in it.

    Parameters
    ----------
    path, root : str
        Absolute.
    rules : IgnoreRules
        Of `root`, see `rules_for`.
    """
    here, parts = root, os.path.relpath(path, root).split(os.sep)
    for number, part in enumerate(parts):
        within = rules.within(here)
        if within is None:
            return True
        rules, here = within, os.path.join(here, part)
        if is_passed_by(here, folder=number < len(parts) - 1, rules=rules):
            return True
    return False


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


@lru_cache(maxsize=4096)
def _rules_of(folder: str) -> tuple[GitIgnoreSpec, ...] | None:
    """Rules in the files of a folder; None where they mark it as one without music."""
    if os.path.lexists(os.path.join(folder, NO_MEDIA)):
        return None
    specs = []
    for name in IGNORE_FILES:
        lines = _lines(Path(folder, name))
        if lines is None:
            continue
        if name == WHOLE_IF_EMPTY and not any(line.strip() for line in lines):
            return None
        specs.append(_spec([line for line in lines if _is_pattern(line)]))
    return tuple(specs)


def _is_pattern(line: str) -> bool:
    """Whether a line is a valid pattern; others match nothing, as in git."""
    try:
        _spec([line])
    except ParameterError:
        return False
    return True


def _lines(file: Path) -> list[str] | None:
    """Lines of an ignore file; None if it is missing or unreadable."""
    try:
        if not file.is_file():
            return None
        with file.open("rb") as stream:
            content = stream.read(MOST_IGNORE)
    except OSError:
        return None
    return content.decode("utf-8-sig", "surrogateescape").splitlines()


def _spec(patterns: Sequence[str]) -> GitIgnoreSpec:
    # here: only once there are patterns, as most folders have none
    from pathspec import GitIgnoreSpec

    try:
        return GitIgnoreSpec.from_lines(patterns)
    except ValueError as error:
        raise ParameterError(f"a pattern cannot be read: {error}; see gitignore's rules") from None
