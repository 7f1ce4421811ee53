"""Query resolution: names of catalogued tracks, or uncatalogued files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from audiorec.data.catalog import Catalog, Track, as_text
from audiorec.embeddings import Embeddings
from audiorec.exceptions import AmbiguousNameError, NotFoundError, ParameterError
from audiorec.index import Index
from audiorec.printable_text import one_line
from audiorec.workspace import Workspace

if TYPE_CHECKING:
    from audiorec.recommend.spaces import Space
    from audiorec.recommend.uncatalogued_file import UncataloguedFile

# Imports in functions: decoders, only needed for uncatalogued files.


def is_file(name: str) -> bool:
    """Whether a name is an accessible file; False for one that is too long for a file name."""
    return os.path.isfile(name)  # noqa: PTH113 - pathlib raises for such names


def no_file(name: str) -> str:
    """Return why the path in a name is no file to decode; empty if it does not exist."""
    if os.path.isdir(name):  # noqa: PTH112 - see above
        return "is a folder; name an audio file in it, or 'audiorec add' them all first"
    try:
        os.lstat(name)
    except PermissionError:  # there may be one, in a folder without access
        pass
    except (OSError, ValueError):
        return ""
    from audiorec.scan.files import absolute, file_state

    return file_state(absolute(name)).error


def find(catalog: Catalog, name: str) -> Track:
    """Find a track as `Catalog.find` does; an error says if the name is an unusable path."""
    try:
        return catalog.find(name)
    except AmbiguousNameError:
        raise
    except NotFoundError:
        what = no_file(name)
        if not what:
            raise
        raise NotFoundError(one_line(f"{name} {what}")) from None


def check_apart(wanted: Iterable[str], unwanted: Iterable[str]) -> None:
    """Raise `ParameterError` for a track that is both a seed and a negative seed."""
    if both := set(wanted) & set(unwanted):
        raise ParameterError(
            f"{min(both)!r} is both asked for and excluded by --not; drop one of the two"
        )


class QueryResolver:
    """Resolver of names in one workspace; uncatalogued files are embedded once.

    Parameters
    ----------
    workspace : Workspace
    catalog : Catalog
    index : Index
        Index of the workspace.
    files : bool
        Whether a name may be the path of an uncatalogued file.
    """

    def __init__(
        self, workspace: Workspace, catalog: Catalog, index: Index, *, files: bool = True
    ) -> None:
        self._workspace, self._catalog, self._index = workspace, catalog, index
        self._files = files
        self._embedded: dict[Path, UncataloguedFile] = {}

    def resolve(
        self, names: Sequence[str | Path], *, space: Space, placed: Index
    ) -> tuple[list[str], Embeddings | None]:
        """Resolve names to ids, and uncatalogued files to vectors.

        Parameters
        ----------
        names : sequence of str or Path
            Each an id, a path, ``"Artist - Title"``, a unique title, or a file.
        space : {"blend", "content", "listening"}
        placed : Index
            Index of that space.

        Raises
        ------
        NotFoundError, AmbiguousNameError
            If a name matches no track, several, or one that is not in the space.
        """
        ids: list[str] = []
        uncatalogued: dict[str, np.ndarray] = {}
        for name in names:
            track = self.track(str(name))
            if track is not None:
                self._check(track, placed)
                ids.append(track.track_id)
                continue
            if space == "listening":
                raise NotFoundError(
                    f"{name} is not in the catalogue, so nobody has played it; "
                    "ask with --space blend or content"
                )
            from audiorec.recommend.uncatalogued_file import with_artist_prior

            path = Path(name).absolute()
            file = self._embed(path)
            assert file.vector is not None  # else it is a copy of a track
            uncatalogued[str(path)] = (
                with_artist_prior(file, workspace=self._workspace, catalog=self._catalog)
                if space == "blend"
                else file.vector
            )
            ids.append(str(path))
        if not uncatalogued:
            return ids, None
        return ids, Embeddings(list(uncatalogued), np.stack(list(uncatalogued.values())))

    def track(self, name: str) -> Track | None:
        """Find the catalogued track of a name; None for a file whose audio is not catalogued."""
        if self._files and is_file(name):
            path = Path(name).absolute()
            track = self._catalog.at(path)
            if track is not None:
                return track
            # A copy under another path is the same recording, never its own neighbour.
            original = self._embed(path).duplicate_of
            return None if original is None else self._catalog.get(original)
        if name in self._index and name not in self._catalog:
            # Imported vectors need no catalogue: an id is enough.
            return Track(track_id=name, path="")
        return find(self._catalog, name) if self._files else self._catalog.find(name)

    def _embed(self, path: Path) -> UncataloguedFile:
        if path not in self._embedded:
            from audiorec.recommend.uncatalogued_file import embed_file

            self._embedded[path] = embed_file(
                path, workspace=self._workspace, catalog=self._catalog, index=self._index
            )
        return self._embedded[path]

    def _check(self, track: Track, placed: Index) -> None:
        """Raise `NotFoundError` unless the track is in the index and in that of the space."""
        if track.track_id not in self._index:
            if track.missing:
                what = (
                    f"{track.track_id!r} is gone: there was no file {track.path} at the last scan"
                )
                remedy = "put it back and run 'audiorec add' on it, or on where it is now"
                raise NotFoundError(one_line(f"{what}; {remedy}"))
            failed = [f for f in self._catalog.failures() if f.path == as_text(track.path)]
            if failed:
                raise NotFoundError(
                    f"{track.track_id!r} could not be decoded: {failed[0].reason} "
                    "('audiorec status --failures' lists all such files)"
                )
            raise NotFoundError(
                f"{track.track_id!r} is catalogued but not in the index; run 'audiorec run'"
            )
        if track.track_id not in placed:
            raise NotFoundError(
                f"{track.track_id!r} has been played too little to be placed by its listeners; "
                "ask with --space blend or content"
            )
