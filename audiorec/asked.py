"""What the names in a question mean: tracks of the catalogue, or files from outside."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from audiorec.data.catalog import Catalog, Track, as_text
from audiorec.embeddings import Embeddings
from audiorec.exceptions import NotFoundError
from audiorec.index import Index
from audiorec.outside import Outside, listen
from audiorec.spaces import Space
from audiorec.workers import one_line
from audiorec.workspace import Workspace


class Names:
    """Names looked up in one workspace; files from outside are heard once.

    Parameters
    ----------
    workspace : Workspace
    catalog : Catalog
    index : Index
        Of the workspace.
    """

    def __init__(self, workspace: Workspace, catalog: Catalog, index: Index) -> None:
        self._workspace, self._catalog, self._index = workspace, catalog, index
        self._heard: dict[Path, Outside] = {}

    def resolve(
        self, names: Sequence[str | Path], *, space: Space, placed: Index
    ) -> tuple[list[str], Embeddings | None]:
        """Ids of the names, and the vectors of those that are files from outside.

        Parameters
        ----------
        names : sequence of str or Path
            Each an id, a path, ``"Artist - Title"``, a title that one track has, or a file.
        space : {"blend", "content", "listening"}
        placed : Index
            What answers in that space.

        Raises
        ------
        NotFoundError, AmbiguousNameError
            If a name is that of no track, or of several, or of one that is not in the space.
        """
        ids: list[str] = []
        outside: dict[str, np.ndarray] = {}
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
            path = Path(name).absolute()
            vector = self._listen(path).vector
            assert vector is not None  # else it were a track's twin
            outside[str(path)] = vector
            ids.append(str(path))
        if not outside:
            return ids, None
        return ids, Embeddings(list(outside), np.stack(list(outside.values())))

    def track(self, name: str) -> Track | None:
        """The catalogued track of a name; None for a file whose sound is not in the catalogue."""
        path = Path(name)
        if path.is_file():
            try:
                return self._catalog.find(str(path.absolute()))
            except NotFoundError:
                # A copy under another path is the same recording, and never its own neighbour.
                twin = self._listen(path.absolute()).twin
                return None if twin is None else self._catalog.get(twin)
        if name in self._index and name not in self._catalog:
            # Vectors that were made elsewhere need no catalogue: an id is enough.
            return Track(track_id=name, path="")
        try:
            return self._catalog.find(name)
        except NotFoundError:
            if not path.is_dir():
                raise
            what = f"{name} is a folder; name an audio file in it, or 'audiorec add' them all first"
            raise NotFoundError(one_line(what)) from None

    def _listen(self, path: Path) -> Outside:
        if path not in self._heard:
            self._heard[path] = listen(
                path, workspace=self._workspace, catalog=self._catalog, index=self._index
            )
        return self._heard[path]

    def _check(self, track: Track, placed: Index) -> None:
        """Raise `NotFoundError` unless the track is in the index, and in what answers."""
        if track.track_id not in self._index:
            failed = [f for f in self._catalog.failures() if f.path == as_text(track.path)]
            if failed:
                raise NotFoundError(
                    f"{track.track_id!r} could not be heard: {failed[0].reason} "
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
