"""Decoding for the server, in a worker process whose crash or hang costs one request."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from audiorec.exceptions import AudioError, BusyError
from audiorec.worker_pool import Pool

Item = TypeVar("Item")
Value = TypeVar("Value")
SECONDS = 120.0
MOST_WAITING = 4


class DecodeWorker:
    """One worker process, started when it is first needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._pool: Pool | None = None
        self._waiting = 0

    @contextmanager
    def place(self) -> Iterator[None]:
        """Reserve a place in the worker's queue, before anything is read or spooled.

        Raises
        ------
        BusyError
            If the queue is full.
        """
        if self._waiting >= MOST_WAITING:
            raise BusyError("several files are being decoded already; try again in a moment")
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    async def call(self, function: Callable[[Item], Value], item: Item) -> Value:
        """Call an importable function on an item in the worker; reserve a `place` first.

        Raises
        ------
        AudioError
            If it fails, with the worker's message.
        """
        return await asyncio.to_thread(self._call, function, item)

    def close(self) -> None:
        """End the worker."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.__exit__(InterruptedError, None, None)

    def _call(self, function: Callable[[Any], Value], item: Any) -> Value:
        with self._turn:
            with self._lock:
                if self._pool is None:
                    self._pool = Pool(n_jobs=1)
                pool = self._pool
            outcome = next(iter(pool.map(function, [item], timeout=SECONDS)))
        if outcome.error is not None:
            raise AudioError(outcome.error)
        assert outcome.value is not None
        return outcome.value
