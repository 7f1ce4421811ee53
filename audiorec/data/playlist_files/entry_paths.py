"""Find the catalogued file that an entry of a playlist means, wherever the list was written."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Mapping
from functools import cached_property
from urllib.parse import unquote

from audiorec.data.catalog.records import as_text

LETTERS = 5  # that a file's name must have to be known by itself, without a folder of its path


class EntryPathMatcher:
    """Finds tracks by paths as players write them.

    A path is taken as it stands, then with its percent signs decoded, then without regard to the
    composition of accents and to case where only one file fits; last, where no such file is there,
    by its end: the longest that fits, if it fits one file alone.

    Parameters
    ----------
    paths : mapping of str to str
        Id of each file of the catalogue, by absolute path.
    """

    def __init__(self, paths: Mapping[str, str]) -> None:
        self._ids = {as_text(path): track_id for path, track_id in paths.items()}
        self._found: dict[str, str | None] = {}

    def find(self, path: str) -> str | None:
        """Id of the track that an absolute path means; None where none does for sure."""
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
        if any(os.path.exists(spelling) for spelling in spellings):  # noqa: PTH110
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
