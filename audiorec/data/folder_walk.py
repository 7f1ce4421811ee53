"""Walk folders of music: what is not music is passed by, however deep the folders lie.

Passed by are hidden files and folders, those in which systems keep what was deleted or made for
themselves, folders that hold a ``.nomedia``, and what ``.audiorecignore``, ``.ndignore`` and
``.plexignore`` name by gitignore's patterns (an empty ``.ndignore`` names its whole folder).
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
MOST_IGNORE = 1 << 20  # bytes of such a file
# Folders of systems, in lower case: what was deleted, snapshots, thumbnails.
SYSTEM_FOLDERS = frozenset(
    (
        *("#recycle", "$recycle.bin", "recycler", "@recycle", "@recently-snapshot", "#snapshot"),
        *("@eadir", "system volume information", "lost+found", "__macosx"),
    )
)


class FolderEntry(NamedTuple):
    """A file in a folder; or a folder that cannot be listed, and why."""

    path: str
    error: str = ""


class IgnoreRules(NamedTuple):
    """Patterns that hold in a folder: each with the folder that its paths are relative to."""

    patterns: tuple[tuple[str, GitIgnoreSpec], ...] = ()

    def ignore(self, path: str, *, folder: bool) -> bool:
        """Whether a path is passed by; the innermost pattern that speaks of it decides."""
        for base, spec in reversed(self.patterns):
            included = spec.check_file(
                os.path.relpath(path, base) + ("/" if folder else "")
            ).include
            if included is not None:
                return included
        return False

    def within(self, folder: str) -> IgnoreRules | None:
        """Rules for what lies in a folder; None where all of it is passed by."""
        rules = _rules_of(folder)
        return (
            None if rules is None else IgnoreRules((*self.patterns, *((folder, s) for s in rules)))
        )


def rules_for(folder: str, exclude: Sequence[str] = ()) -> IgnoreRules:
    """Rules for a folder that is named, before its own files are asked.

    Parameters
    ----------
    folder : str
        Absolute.
    exclude : sequence of str
        Gitignore's patterns, relative to it.

    Raises
    ------
    ParameterError
        If a pattern is none.
    """
    _rules_of.cache_clear()  # they may have been written anew since the last walk
    return IgnoreRules(((folder, _spec(exclude)),)) if exclude else IgnoreRules()


def walk_folder(
    folder: str,
    *,
    wanted: Callable[[str], bool],
    rules: IgnoreRules,
    entered: set[tuple[int, int]],
) -> Iterator[FolderEntry]:
    """Files of a folder and the folders in it, sorted by name within each.

    Parameters
    ----------
    folder : str
        Absolute.
    wanted : callable
        Whether a file is, by its name.
    rules : IgnoreRules
        See `rules_for`.
    entered : set of (int, int)
        Device and inode of the folders that were walked already; links to folders are followed,
        once each.
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
    """Whether a file or folder is passed by where it lies."""
    name = os.path.basename(path)
    if name.startswith(".") or (folder and name.casefold() in SYSTEM_FOLDERS):
        return True
    return rules.ignore(path, folder=folder)


def is_ignored(path: str, *, root: str, rules: IgnoreRules) -> bool:
    """Whether a walk of the folder `root` passes by a file in it.

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
    """What the files of a folder say of it; None where they say that it holds no music."""
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
    """Whether a line can be read; others name nothing, as for git."""
    try:
        _spec([line])
    except ParameterError:
        return False
    return True


def _lines(file: Path) -> list[str] | None:
    """Lines of an ignore file; None where there is none that can be read."""
    try:
        if not file.is_file():
            return None
        with file.open("rb") as stream:
            content = stream.read(MOST_IGNORE)
    except OSError:
        return None
    return content.decode("utf-8-sig", "surrogateescape").splitlines()


def _spec(patterns: Sequence[str]) -> GitIgnoreSpec:
    # here: not before there are patterns: most folders have none
    from pathspec import GitIgnoreSpec

    try:
        return GitIgnoreSpec.from_lines(patterns)
    except ValueError as error:
        raise ParameterError(f"a pattern cannot be read: {error}; see gitignore's rules") from None
