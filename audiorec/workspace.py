"""Workspace: the one directory of all files of a user's run."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from audiorec.artifacts import WORKSPACE_FOLDERS, write_atomic
from audiorec.exceptions import WorkspaceError, system_reason

# Imports in functions: only once something is written: an answer needs none of it.

VERSION = 1
MARKER = "workspace.json"
SALT = ".pseudonyms"
# Temporary files and folders of a run; see `artifacts.atomic_writer`.
SCRATCH = re.compile(r"\..+\.\d+\.part|(\.import-|audiorec-lists-)[a-z0-9_]{8}")


class _FolderPath:
    """Path of a part of a workspace, by its name in `WORKSPACE_FOLDERS`."""

    def __init__(self, contents: str) -> None:
        self.__doc__ = contents

    def __set_name__(self, owner: type, name: str) -> None:
        self._folder = WORKSPACE_FOLDERS[name].folder

    def __get__(self, workspace: Workspace, owner: type) -> Path:
        return workspace.root / self._folder


class Workspace:
    """Paths of a workspace's parts, its version, and its lock for one writer.

    Parameters
    ----------
    root : Path
        The directory.

    Examples
    --------
    >>> workspace = Workspace(Path("my-workspace"))
    >>> workspace.create()
    True
    >>> workspace.index.name
    'index'
    """

    plays = _FolderPath("Listening, in Parquet.")
    mels = _FolderPath("Log-mel spectrograms.")
    features = _FolderPath("What a frozen encoder gives for the tracks.")
    factors = _FolderPath("Factors of listeners and tracks.")
    model = _FolderPath("The trained network.")
    embeddings = _FolderPath("Vectors predicted from sound.")
    index = _FolderPath("The index of the vectors.")
    sessions = _FolderPath("Models of what is played next.")
    map = _FolderPath("Every track's position in the plane, and the regions' names.")
    probe = _FolderPath("Probe of the library's genres.")
    descriptors = _FolderPath("Tempo, key, loudness, brightness and energy of the tracks.")
    reports = _FolderPath("Curves, tables and pages.")
    playlists = _FolderPath("Playlists that were written without a path of their own.")
    recipes = _FolderPath("Recipes of playlists that were saved.")
    scanned_mels = _FolderPath("Spectrograms that a scan made, until the mel stage takes them.")
    scanned_descriptors = _FolderPath("Descriptors that a scan measured, until it has ended.")
    training_state = _FolderPath("Checkpoint from which a killed training continues.")
    session_states = _FolderPath("The same of the session models.")
    scores = _FolderPath("Scores of the evaluation, so that none is computed twice.")

    def __init__(self, root: Path) -> None:
        self.root = Path(root)

    @property
    def catalog(self) -> Path:
        """SQLite file of tracks."""
        return self.root / "catalog.sqlite"

    @property
    def exclusions(self) -> Path:
        """Rules that hide tracks from answers."""
        return self.root / "exclusions.json"

    def salt(self, *, make: bool = True) -> bytes | None:
        """Secret salt of pseudonyms, readable by its owner alone.

        Parameters
        ----------
        make : bool
            Whether to make one if there is none yet; otherwise None is returned then.
        """
        path = self.root / SALT
        try:
            return path.read_bytes()
        except FileNotFoundError:
            if not make:
                return None
        secret = os.urandom(32)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as stream:
            stream.write(secret)
        return secret

    def create(self) -> bool:
        """Create and mark the directory, or check an existing mark.

        Returns
        -------
        made : bool
            Whether it was created now.

        Raises
        ------
        WorkspaceError
            If the directory is a file, has other contents, or cannot be written.
        """
        marker = self.root / MARKER
        if marker.exists():
            self.check()
            return False
        if self.root.exists() and not self.root.is_dir():
            raise WorkspaceError(f"workspace {self.root} is a file; name a directory")
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            stranger = next((p for p in self.root.iterdir() if not p.name.startswith(".")), None)
            if stranger is not None:
                raise WorkspaceError(
                    f"{self.root} is no workspace and holds {stranger.name!r}; "
                    "name an empty or a new directory"
                )
            write_atomic(marker, json.dumps({"version": VERSION}).encode())
            return True
        except OSError as error:
            raise _unwritable(self.root, error) from None

    def check(self) -> None:
        """Raise `WorkspaceError` unless this version can read the workspace."""
        marker = self.root / MARKER
        try:
            version = json.loads(marker.read_bytes())["version"]
            if type(version) is not int or version < 1:
                raise ValueError(f"version {version!r}")
        except FileNotFoundError:
            raise WorkspaceError(
                f"there is no workspace at {self.root}; make one with 'audiorec scan', "
                "or name yours with --workspace"
            ) from None
        except (ValueError, KeyError, TypeError, RecursionError):
            raise WorkspaceError(
                f"{marker} is damaged; put {json.dumps({'version': VERSION})} in place of what it "
                "holds; everything else is unchanged"
            ) from None
        except OSError as error:
            raise WorkspaceError(
                f"{marker} cannot be read: {system_reason(error).lower()}; check its permissions"
            ) from None
        if version > VERSION:
            raise WorkspaceError(
                f"workspace {self.root} has version {version}, newer than {VERSION}; "
                "upgrade audiorec"
            )

    def check_writable(self) -> None:
        """Raise `WorkspaceError` if no file can be created."""
        from tempfile import TemporaryFile

        try:
            with TemporaryFile(dir=self.root):
                pass
        except OSError as error:
            raise _unwritable(self.root, error) from None

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the workspace's lock: one process writes at a time, any number read.

        Temporary files of a killed run are removed. A workspace that is created for the block, and
        that the block leaves empty by an error, is removed again.

        Raises
        ------
        WorkspaceError
            If another process holds it.
        """
        from filelock import FileLock, Timeout

        new = [place for place in (self.root, *self.root.parents) if not place.exists()]
        made = self.create()
        lock = FileLock(self.root / ".lock", timeout=0)
        holder = self.root / ".lock-holder"
        try:
            lock.acquire()
        except Timeout:
            raise WorkspaceError(
                f"workspace {self.root} is in use by {_named(holder)}; wait until it has finished"
            ) from None
        except OSError as error:
            raise _unwritable(self.root, error) from None
        done = False
        try:
            try:
                holder.write_text(f"process {os.getpid()}")
                self._sweep()
            except OSError as error:
                raise _unwritable(self.root, error) from None
            yield
            done = True
        finally:
            with suppress(OSError):
                holder.unlink()
            lock.release()
            if made and not done:
                self._remove_if_empty(new)

    def _sweep(self) -> None:
        """Remove abandoned temporary files, as the lock is held."""
        root = self.root.resolve()
        own = [root, *(root / part.folder for part in WORKSPACE_FOLDERS.values())]
        for folder in own:
            if not folder.is_dir() or folder.resolve() != folder:  # a link leads elsewhere
                continue
            for path in folder.iterdir():
                if not SCRATCH.fullmatch(path.name):
                    continue
                if path.is_dir():
                    import shutil

                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)

    def _remove_if_empty(self, folders: Sequence[Path]) -> None:
        """Remove the mark, and those of `folders` that were created for it, deepest first."""
        own = {MARKER, ".lock", ".lock-holder"}
        others = [path for path in self.root.iterdir() if path.name not in own]
        if not all(path.is_dir() and not any(path.iterdir()) for path in others):
            return
        for path in others:
            path.rmdir()
        for name in own:
            (self.root / name).unlink(missing_ok=True)
        for folder in folders:
            folder.rmdir()


def _named(holder: Path) -> str:
    """The holder of the lock; it is written a moment after locking, so wait for it."""
    for _ in range(20):
        with suppress(OSError):
            if who := holder.read_text():
                return who
        time.sleep(0.05)
    return "another process"


def _unwritable(root: Path, error: OSError) -> WorkspaceError:
    reason = system_reason(error).lower()
    return WorkspaceError(
        f"workspace {root} cannot be written: {reason}; "
        "check its permissions and the disk, or name another with --workspace"
    )
