"""One library for all threads of the server, and the table of its tracks."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from audiorec.exceptions import AudiorecError
from audiorec.printable_text import one_line
from audiorec.recommend import Library
from audiorec.serve.track_table import TableCatalog, TrackTable, read_tracks
from audiorec.workspace import Workspace

logger = logging.getLogger("audiorec.serve")
Answer = TypeVar("Answer")

THREADS = 4  # with more, they would wait for the interpreter lock
STALE_SECONDS = 1.0
QUICK_THREADS = 2
LOOK_SECONDS = 0.25  # between checks for a replaced index
SETTLE_FACTOR = 10.0  # rereading a changing catalogue takes at most a tenth of the time


class SharedLibrary:
    """The library shared by all threads: indexes opened once, replaced without interruption.

    Parameters
    ----------
    workspace : Workspace
    n_threads : int
    """

    def __init__(self, workspace: Workspace, *, n_threads: int = THREADS) -> None:
        self.workspace = workspace
        self._executor = ThreadPoolExecutor(n_threads, thread_name_prefix="answer")
        self._quick = ThreadPoolExecutor(QUICK_THREADS, thread_name_prefix="quick")
        self._files = ThreadPoolExecutor(n_threads, thread_name_prefix="file")
        self._local = threading.local()
        self._lock = threading.Lock()
        self._owner = Library(workspace, files=False)
        self._generation = 0
        self._looked = 0.0
        self._signature: tuple[int, ...] = ()
        self._table: TrackTable | None = None
        self._table_lock = threading.Lock()
        self._stale = (-STALE_SECONDS, False)
        self._read_at, self._read_seconds, self._checked = 0.0, 0.0, 0.0

    async def call(self, function: Callable[[Library], Answer]) -> Answer:
        """Call `function` in a thread, on that thread's library."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self.run, function)

    async def call_quick(self, function: Callable[[Library], Answer]) -> Answer:
        """Call a function of milliseconds in a pool of its own, never behind one of seconds."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._quick, self.run, function)

    async def in_thread(self, function: Callable[..., Answer], *args: Any) -> Answer:
        """Call a function that waits for the disk in a separate pool, so that no answer waits."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._files, function, *args)

    def run(self, function: Callable[[Library], Answer]) -> Answer:
        """Call `function` in the calling thread, on its library."""
        return function(self._of_thread())

    def tracks(self) -> TrackTable:
        """Every track whose file exists.

        A changed catalogue is reread in the background; until then the previous table is used.
        """
        table, now = self._table, time.monotonic()
        if table is None:
            with self._table_lock:
                return self._table or self._read_table()
        if now - self._checked >= LOOK_SECONDS:
            self._checked = now
            rested = now - self._read_at > SETTLE_FACTOR * self._read_seconds
            changed = rested and table.version != file_signature(self.workspace.catalog)
            if changed and self._table_lock.acquire(blocking=False):
                threading.Thread(target=self._read_aside, name="tracks", daemon=True).start()
        return table

    def _read_aside(self) -> None:
        try:
            self._read_table()
        except (AudiorecError, OSError) as error:
            logger.warning("the catalogue could not be read again: %s", one_line(str(error)))
            self._read_at = time.monotonic()
        finally:
            self._table_lock.release()

    def _read_table(self) -> TrackTable:
        began = time.monotonic()
        version = file_signature(self.workspace.catalog)
        self._table = table = read_tracks(self.workspace, version=version)
        self._read_at = time.monotonic()
        self._read_seconds = self._read_at - began
        return table

    def stale(self) -> bool:
        """Whether plays are newer than the index; checked now and then."""
        now = time.monotonic()
        if now - self._stale[0] > STALE_SECONDS:
            self._stale = (now, bool(self._owner.stale))
        return self._stale[1]

    def warm_up(self) -> None:
        """Open what the first query would wait for, as far as it exists."""

        def ask(library: Library) -> None:
            library.index.open()
            library.similar(library.index.ids[:1], k=1)

        for prepare in (lambda: self.run(ask), self.tracks):
            with suppress(AudiorecError, OSError):
                prepare()

    def close(self) -> None:
        """Wait for the threads to finish, and end them."""
        self._executor.shutdown(cancel_futures=True)
        self._quick.shutdown(cancel_futures=True)
        self._files.shutdown(cancel_futures=True)

    def _of_thread(self) -> Library:
        """The library of this thread, recreated when the index or the catalogue's file is new."""
        self._check_for_new_index()
        state = (self._generation, self._signature)
        if getattr(self._local, "state", None) != state:
            if (old := getattr(self._local, "library", None)) is not None:
                old.close()
            with self._lock:
                self._local.library = self._for_thread()
            self._local.state = state
        library: Library = self._local.library
        return library

    def _for_thread(self) -> Library:
        if not self.workspace.catalog.exists():
            return self._owner.for_thread()
        catalog = TableCatalog(self.workspace, self.tracks)
        return self._owner.for_thread(catalog=catalog, songs=catalog.songs)

    def _check_for_new_index(self) -> None:
        """Switch to a new index once it is ready."""
        now = time.monotonic()
        if now - self._looked < LOOK_SECONDS or not self._lock.acquire(blocking=False):
            return
        try:
            self._looked = now
            inode = file_signature(self.workspace.catalog)[:2]
            if self._owner.refresh():
                self._generation += 1
            if inode not in (self._signature, (0, 0)):
                self._signature = inode
        finally:
            self._lock.release()


def file_signature(path: Path) -> tuple[int, ...]:
    """Return device, inode, size and mtime of an SQLite file and its log; zeros if missing."""
    signature: list[int] = []
    for file in (path, path.with_name(f"{path.name}-wal")):
        try:
            state = file.stat()
            signature += [state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns]
        except OSError:
            signature += [0, 0, 0, 0]
    return tuple(signature)
