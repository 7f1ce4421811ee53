"""The index of a workspace, checked as it is opened, and exchanged when another takes its place."""

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
    """An index, and what its files were when it was opened."""

    served: Index
    signature: Signature


def open_index(workspace: Workspace) -> OpenIndex:
    """Open a workspace's index, checked against the vectors that it should serve.

    Raises
    ------
    ArtifactError
        If there is none, or it was made from other vectors or factors.
    """
    for attempt in range(TRIES):
        signature = index_signature(workspace)
        try:
            index = Index.load(workspace.index)
            check_inputs(workspace, index)
        except ArtifactError:
            # Replaced while it was read, its old files are gone: what stands there now is whole.
            if attempt + 1 < TRIES and index_signature(workspace) != signature:
                continue
            raise
        return OpenIndex(index, signature)
    raise AssertionError("the last attempt returns or raises")


def check_inputs(workspace: Workspace, index: Index) -> None:
    """Raise `ArtifactError` unless an index was made from the vectors that stand there."""
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
    """Inode, time of change in ns and size of what says which index stands there."""
    signature: list[tuple[int, int, int] | None] = []
    for kind in ("index", "embeddings", "factors"):
        try:
            state = (workspace.root / kind / artifacts.MANIFEST).stat()
            signature.append((state.st_ino, state.st_mtime_ns, state.st_size))
        except OSError:
            signature.append(None)
    return tuple(signature)


class IndexWatcher:
    """Notices that a workspace's index was replaced, and opens the new one aside.

    Whoever asks goes on with the index that they have, whose files stay mapped though their names
    are gone, until the new one stands ready. One that does not fit the rest of the workspace, as
    while other stages run, is passed over.

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
        """The index as it stands now; see `open_index`."""
        opened = open_index(self._workspace)
        self._seen = opened.signature
        return opened.served

    def replacement(self, *, of: Index) -> Index | None:
        """The index that has taken the place of one in use and stands ready; None while none has.

        Costs a look at three files. An index that was never asked is exchanged at once: what it
        would have opened first is gone.
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
            return  # another look when one of the files changes again
        self._seen = opened.signature
        self._ready = opened
