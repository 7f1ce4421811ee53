"""Opening of a workspace's index, checked, and reloading it when it is replaced."""

from __future__ import annotations

import threading
from typing import NamedTuple

from audiorec import artifacts
from audiorec.embeddings import predicts_into
from audiorec.exceptions import ArtifactError, AudiorecError
from audiorec.index import Index
from audiorec.workspace import Workspace

TRIES = 5
Signature = tuple[tuple[int, int, int] | None, ...]


class OpenIndex(NamedTuple):
    """An index, and the signature of its files when it was opened."""

    served: Index
    signature: Signature


def open_index(workspace: Workspace) -> OpenIndex:
    """Open a workspace's index, checked against the vectors that it serves.

    Raises
    ------
    ArtifactError
        If it is missing, or was made from other vectors or factors.
    """
    for attempt in range(TRIES):
        signature = index_signature(workspace)
        try:
            index = Index.load(workspace.index)
            check_inputs(workspace, index)
        except ArtifactError:
            # If it was replaced while being read, its old files are gone, but the new ones are
            # complete.
            if attempt + 1 < TRIES and index_signature(workspace) != signature:
                continue
            raise
        return OpenIndex(index, signature)
    raise AssertionError("the last attempt returns or raises")


def check_inputs(workspace: Workspace, index: Index) -> None:
    """Raise `ArtifactError` unless an index was made from the current vectors."""
    made = {
        kind: artifacts.load_manifest(workspace.root / kind, kind=kind)
        for kind in ("embeddings", "factors")
        if artifacts.exists(workspace.root / kind)
        and not (kind == "factors" and index.extra.get("target") in ("content", "sound"))
    }
    for kind, manifest in made.items():
        if index.inputs.get(kind) == manifest.fingerprint:
            continue
        alone = len(made) == 2 and predicts_into(made["embeddings"], made["factors"])
        raise ArtifactError(
            f"the index in {workspace.index} was made from other vectors than those in "
            f"{kind}; run 'audiorec {'index' if alone else 'run'}' again"
        )


def index_signature(workspace: Workspace) -> Signature:
    """Inode, time of change in ns and size of the files that identify the current index."""
    signature: list[tuple[int, int, int] | None] = []
    for kind in ("index", "embeddings", "factors"):
        try:
            state = (workspace.root / kind / artifacts.MANIFEST).stat()
            signature.append((state.st_ino, state.st_mtime_ns, state.st_size))
        except OSError:
            signature.append(None)
    return tuple(signature)


class IndexWatcher:
    """Detects that a workspace's index was replaced, and opens the new one in the background.

    Callers continue with the index that they have, whose files stay mapped though their names are
    gone, until the new one is ready. An index that does not match the rest of the workspace, as
    while other stages run, is ignored.

    Parameters
    ----------
    workspace : Workspace
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._seen: Signature = ()
        self._ready: OpenIndex | None = None
        self._opening: threading.Thread | None = None

    def open(self) -> Index:
        """Open the current index; see `open_index`."""
        opened = open_index(self._workspace)
        self._seen = opened.signature
        return opened.served

    def replacement(self, *, of: Index) -> Index | None:
        """Return the index that has replaced one in use, once it is ready; else None.

        Costs the metadata of three files. An index that was never queried is replaced at once: the
        files that it would have opened first are gone.
        """
        if self._opening is not None:
            if self._opening.is_alive():
                return None
            self._opening = None
        ready, self._ready = self._ready, None
        if ready is not None:
            return ready.served
        signature = index_signature(self._workspace)
        if signature == self._seen:
            return None
        self._seen = signature
        if not of.is_open:
            self._open_aside()
            ready, self._ready = self._ready, None
            return None if ready is None else ready.served
        self._opening = threading.Thread(target=self._open_aside, daemon=True)
        self._opening.start()
        return None

    def _open_aside(self) -> None:
        try:
            opened = open_index(self._workspace)
            opened.served.open()
        except (AudiorecError, OSError):
            return  # tried again when one of the files changes again
        self._seen = opened.signature
        self._ready = opened
