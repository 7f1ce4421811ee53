"""Paths of the entries of a playlist, and the catalogued files that they refer to."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from audiorec.data.catalog import as_text
from audiorec.exceptions import ParameterError

LETTERS = 5  # least letters of a file's name that is identified without a folder of its path


class PathMap(NamedTuple):
    """Mapping of a folder's name in a playlist that is read to here; or back, when one is written.

    In playlists that are read, letter case and the direction of slashes are ignored.
    """

    old: str
    new: str

    @classmethod
    def parse(cls, text: str) -> PathMap:
        """Parse ``OLD=NEW``; `ParameterError` if it is invalid."""
        old, equals, new = text.partition("=")
        if not (old and equals and new):
            raise ParameterError(f"path map {text!r} must be OLD=NEW, such as /music=/mnt/nas")
        return cls(old, new)

    def apply(self, entry: str) -> str | None:
        """Replace the folder's name in an entry of a list; None if the entry is elsewhere."""
        old, path = (text.replace("\\", "/") for text in (self.old.rstrip("/\\"), entry))
        if not f"{path.casefold()}/".startswith(f"{old.casefold()}/"):
            return None
        return f"{self.new.rstrip('/')}{path[len(old) :]}"


def entry_path(entry: str, *, folder: Path, path_map: Sequence[PathMap] = ()) -> str | None:
    """Absolute path of an entry; None for a web address, and for anything but a path.

    Parameters
    ----------
    entry : str
    folder : Path
        Of the list.
    path_map : sequence of PathMap
        The first that matches the entry is applied.
    """
    path = entry
    if "://" in entry:
        try:
            address = urlsplit(entry)
        except ValueError:
            return None
        if address.scheme != "file":
            return None
        path = unquote(address.path)
        if re.match(r"/[A-Za-z]:", path):
            path = path[1:]
    mapped = next((new for each in path_map if (new := each.apply(path)) is not None), None)
    if mapped is not None:
        path = mapped
    elif "\\" in path and not os.path.exists(folder / path):  # noqa: PTH110 - of any length
        path = path.replace("\\", "/")  # written on Windows
    if not path or "\0" in path:
        return None
    if re.match(r"[A-Za-z]:/", path):
        return f"/{path}"  # in no folder here
    return os.path.abspath(folder / path)  # noqa: PTH100 - links stay as the catalogue has them


class EntryPathMatcher:
    """Finds tracks by paths as written by players.

    A path is tried unchanged, then with its percent signs decoded, then ignoring the composition of
    accents and case if a single file matches; last, if no such file exists, by its end: the longest
    that matches, if it matches a single file.

    Parameters
    ----------
    paths : mapping of str to str
        Id of each file of the catalogue, by absolute path.
    """

    def __init__(self, paths: Mapping[str, str]) -> None:
        self._ids = {as_text(path): track_id for path, track_id in paths.items()}
        self._found: dict[str, str | None] = {}

    def find(self, path: str) -> str | None:
        """Id of the track with an absolute path; None if no track certainly has it."""
        if path not in self._found:
            self._found[path] = self._find(path)
        return self._found[path]

    def _find(self, path: str) -> str | None:
        spellings = list(dict.fromkeys((path, unquote(path))))
        for spelling in spellings:
            if track_id := self._ids.get(spelling):
                return track_id
        for spelling in spellings:
            if track_id := self._by_real_path.get(os.path.realpath(spelling)):
                return track_id
        for spelling in spellings:
            if len(paths := self._folded.get(_folded(spelling), [])) == 1:
                return paths[0]
        if any(os.path.exists(spelling) for spelling in spellings):  # noqa: PTH110 - of any length
            return None  # it is another file, which was not scanned
        for spelling in spellings:
            if track_id := self._by_end(_folded(spelling).split("/")):
                return track_id
        return None

    def _by_end(self, parts: list[str]) -> str | None:
        """The one file whose path shares the most parts with these, from the last on."""
        best: list[str] = []
        most = 0
        for other, track_id in self._by_name.get(parts[-1], ()):
            pairs = enumerate(zip(reversed(parts), reversed(other), strict=False))
            longest = min(len(parts), len(other))
            shared = next((n for n, (mine, its) in pairs if mine != its), longest)
            if shared >= most:
                best = [track_id] if shared > most else [*best, track_id]
                most = shared
        telling = most > 1 or sum(map(str.isalpha, parts[-1].rpartition(".")[0])) >= LETTERS
        return best[0] if telling and len(set(best)) == 1 else None

    @cached_property
    def _by_real_path(self) -> dict[str, str]:
        return {os.path.realpath(path): track_id for path, track_id in self._ids.items()}

    @cached_property
    def _folded(self) -> dict[str, list[str]]:
        by_key: dict[str, list[str]] = {}
        for path, track_id in self._ids.items():
            by_key.setdefault(_folded(path), []).append(track_id)
        return by_key

    @cached_property
    def _by_name(self) -> dict[str, list[tuple[list[str], str]]]:
        by_name: dict[str, list[tuple[list[str], str]]] = {}
        for path, track_id in self._ids.items():
            parts = _folded(path).split("/")
            by_name.setdefault(parts[-1], []).append((parts, track_id))
        return by_name


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
