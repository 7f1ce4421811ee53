"""Work in separate processes, so that a crash or a hang costs one item and never the run."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import chain, islice
from multiprocessing import resource_tracker
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Any, Generic, NamedTuple, TypeVar

from audiorec.exceptions import AudiorecError, ParameterError
from audiorec.printable_text import one_line

# Imports in functions: only once there is work: an answer needs none of it.

Item = TypeVar("Item")
Value = TypeVar("Value")

# Tasks in flight per worker: enough to keep all busy behind one slow item, few enough that the
# results waiting for it stay small.
AHEAD = 8
# Of glibc's malloc.h
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
KEPT_BYTES = 1 << 28  # largest free memory that a process keeps
LARGEST_KEPT = 1 << 25  # larger blocks are returned: the largest threshold that glibc accepts
MOST_MEMORY = 1 << 32  # bytes that a worker may allocate in addition to mapped files
LOOK_SECONDS = 0.5  # between checks for tasks that run too long
LATE_LOOKS, LATE_SECONDS = 50, 0.1  # number and interval of checks for messages of a dead worker


class Outcome(NamedTuple, Generic[Item, Value]):
    """Outcome of one item: a value, or the reason of its failure in one line."""

    item: Item
    value: Value | None
    error: str | None


def available_cpus() -> int:
    """Number of CPUs that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run_isolated(
    function: Callable[[Item], Value],
    items: Iterable[Item],
    *,
    n_jobs: int | None = None,
    timeout: float = 120.0,
    memory: int = MOST_MEMORY,
) -> Iterator[Outcome[Item, Value]]:
    """Call a function on every item, in persistent worker processes.

    Parameters
    ----------
    function : callable
        Importable by name, or a `functools.partial` of such; its result is pickled back.
    items : iterable
        Read as the work proceeds, never far ahead of it.
    n_jobs : int or None
        Number of worker processes; None is one per CPU. One is a separate process too.
    timeout : float
        Seconds until an item is given up and its worker killed.
    memory : int
        Bytes that a worker may allocate; an item that needs more fails (Linux).

    Yields
    ------
    outcome : Outcome
        In the order of `items`. A crash, a time-out or an exception is its `error`. Where a worker
        is killed from outside (SIGKILL), its item is tried once more.

    Raises
    ------
    ParameterError
        If `n_jobs` or `timeout` is not positive.
    """
    check_jobs(n_jobs, timeout=timeout)
    return _run(function, iter(items), n_jobs, timeout, memory)


def check_jobs(n_jobs: int | None, *, timeout: float) -> None:
    """Raise `ParameterError` if either is not positive."""
    if n_jobs is not None and n_jobs < 1:
        raise ParameterError(f"n_jobs={n_jobs} must be a positive integer")
    if timeout <= 0:
        raise ParameterError(f"timeout={timeout} must be positive seconds")


def _run(
    function: Callable[[Item], Value],
    items: Iterator[Item],
    n_jobs: int | None,
    timeout: float,
    memory: int,
) -> Iterator[Outcome[Item, Value]]:
    first = list(islice(items, 1))
    if not first:  # no workers are started without work
        return
    with Pool(n_jobs=n_jobs, memory=memory) as pool:
        yield from pool.map(function, chain(first, items), timeout=timeout)


class Pool:
    """Persistent worker processes, kept from one `map` to the next.

    Parameters
    ----------
    n_jobs : int or None
        None is one per CPU.
    memory : int
        See `run_isolated`.
    """

    def __init__(self, *, n_jobs: int | None = None, memory: int = MOST_MEMORY) -> None:
        resource_tracker.ensure_running()  # when starting, it unblocks signals
        self._n_jobs = available_cpus() if n_jobs is None else n_jobs
        # Spawned, not forked: a fork of a process with threads (BLAS, torch) can deadlock.
        self._context = _SpawnContext()
        self._memory = memory
        with _interrupts_held():  # one during imports of modules may be lost
            self._pool = self._new_pool()

    def _new_pool(self) -> Any:
        from pebble import ProcessPool

        pool: Any = ProcessPool(
            max_workers=self._n_jobs,
            context=self._context,
            initializer=_start_worker,
            initargs=(self._memory,),
        )
        manager = pool._pool_manager
        manager.find_expired_task = partial(_task_of_the_dead, manager, manager.find_expired_task)
        return pool

    def map(
        self, function: Callable[[Item], Value], items: Iterable[Item], *, timeout: float
    ) -> Iterator[Outcome[Item, Value]]:
        """See `run_isolated`."""
        rest = iter(items)
        waiting: deque[tuple[Item, Any]] = deque()
        limit = _Limit(timeout)
        while True:
            for item in islice(rest, AHEAD * self._n_jobs - len(waiting)):
                waiting.append((item, self._schedule(function, item)))
            if not waiting:
                return
            item, future = waiting[0]
            limit.wait(future, [other for _, other in waiting])
            if _was_killed(future):
                future = self._schedule(function, item)
                waiting[0] = (item, future)
                limit.wait(future, [other for _, other in waiting])
            waiting.popleft()
            yield _outcome(item, future, timeout)

    def _schedule(self, function: Callable[[Item], Value], item: Item) -> Any:
        with _interrupts_held():
            if not self._pool.active:  # given up, see `_was_killed`
                self._pool.stop()
                self._pool.join()
                self._pool = self._new_pool()
            return self._pool.schedule(function, args=[item])

    def __enter__(self) -> Pool:
        """The pool."""
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        """Let the workers finish; kill them if the block ended by an exception."""
        # An interrupt, an exception of the caller or a dropped generator ends here too.
        with _interrupts_held():  # a second Ctrl-C would leave workers behind
            try:
                if kind is None:
                    self._pool.close()
                else:
                    self._pool.stop()
                self._pool.join()
            finally:
                # One that was being started would find nothing of this process any more.
                self._context.end_all()


class _SpawnContext(SpawnContext):
    """Starts processes and records them, so that all of them can be ended."""

    def __init__(self) -> None:
        super().__init__()
        self._started: list[SpawnProcess] = []
        # A pool frees its locks before its workers: one that is still starting would miss them.
        self._locks: list[Any] = []

    def Process(self, *args: Any, **kwargs: Any) -> SpawnProcess:  # type: ignore[override]  # a class there
        """Make a process that is not started yet."""
        self._started = [process for process in self._started if process.exitcode is None]
        self._started.append(SpawnProcess(*args, **kwargs))
        return self._started[-1]

    def RLock(self) -> Any:
        """Make a lock that exists until the end of all processes."""
        self._locks.append(super().RLock())
        return self._locks[-1]

    def end_all(self) -> None:
        """Kill running processes, and wait for their end."""
        for process in self._started:
            if process.pid is not None:
                process.kill()
                process.join()
        self._locks.clear()


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Block Ctrl-C until the end of the block: nobody would stop a worker that is half started.

    Workers and the threads that start them inherit this thread's blocked signals: Ctrl-C is for
    this process alone, which stops its workers in order, even while they import. Other threads,
    such as those of BLAS, do not block it, and a signal caught by one of them is raised here.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    caught = []
    handler = signal.getsignal(signal.SIGINT)
    # Python's signal handlers run in the main thread.
    here = callable(handler) and threading.current_thread() is threading.main_thread()
    if here:
        signal.signal(signal.SIGINT, lambda number, _: caught.append(number))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if here:
            signal.signal(signal.SIGINT, handler)
        if caught:
            signal.raise_signal(signal.SIGINT)


class _Limit:
    """Gives up tasks that run too long, by a monotonic clock.

    The pool's own time limits use the time of day: set forward, it would take every running task
    for one that hangs, and set back, none.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._began: dict[Any, float] = {}  # time when a task was first seen running

    def wait(self, future: Any, others: list[Any]) -> None:
        """Return when `future` is done; give up those of `others` whose time is over."""
        from concurrent.futures import wait

        while not wait([future], timeout=LOOK_SECONDS).done:
            now = time.monotonic()
            began = self._began
            self._began = {task: began.get(task, now) for task in others if task.running()}
            for task, since in self._began.items():
                if now - since > self._seconds:
                    task.cancel()  # also ends its worker


def keep_freed_memory() -> None:
    """Keep freed memory of this process for its next arrays, instead of returning it.

    By default glibc returns large blocks to the system, which hands them out again page by page,
    every page cleared and faulted in: 7 of the 50 ms that a scan takes for a song. No effect with
    other C libraries.
    """
    import ctypes

    if sys.platform.startswith("linux"):
        with suppress(OSError, AttributeError):  # another C library
            mallopt = ctypes.CDLL(None).mallopt
            mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
            mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT)


def limit_memory(n_bytes: int) -> None:
    """Limit the memory of this process: a file that would need more is rejected.

    Otherwise one file can make the whole machine stall, or the kernel kill any process. The system
    counts written memory; mapped files do not count.
    """
    if not sys.platform.startswith("linux"):
        return
    import resource  # not on every system

    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    soft = n_bytes if most == resource.RLIM_INFINITY else min(n_bytes, most)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_DATA, (soft, most))


def _start_worker(memory: int) -> None:
    """Set up a worker process."""
    keep_freed_memory()
    limit_memory(memory)
    # Ctrl-C is handled by the parent, which stops its workers in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when its parent is gone, even in the middle of a file."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _task_of_the_dead(manager: Any, find: Callable[[int], Any], worker_id: int) -> Any:
    """Task at which a worker died, by the pool's own `find`.

    Messages of the worker may be unread when the pool finds it dead, as on a busy machine: that it
    finished one task and took the next. The pool would fail the former, and consider the latter
    running until its time is over.
    """
    empty = 0
    for _ in range(LATE_LOOKS):
        empty = 0 if manager.worker_manager.pool_channel.poll(0) else empty + 1
        if empty == 2:  # messages unread at the first check were processed by the second
            break
        time.sleep(LATE_SECONDS)
    return find(worker_id)


def _was_killed(future: Any) -> bool:
    """Whether the worker was killed from outside, not because of its item.

    An operator may have killed it, or a system without free memory. If no worker is left and its
    task is unknown, the pool gives itself up, with all waiting items.
    """
    from concurrent.futures.process import BrokenProcessPool

    from pebble import ProcessExpired

    if future.cancelled():
        return False
    error = future.exception()
    if isinstance(error, BrokenProcessPool):
        return True
    return isinstance(error, ProcessExpired) and error.exitcode == -signal.SIGKILL


def _outcome(item: Item, future: Any, timeout: float) -> Outcome[Item, Value]:
    from concurrent.futures import CancelledError

    from pebble import ProcessExpired

    try:
        return Outcome(item, future.result(), None)
    except CancelledError:
        reason = f"gave up on {item} after {timeout:g} s; the file may be damaged"
    except ProcessExpired as error:
        code = int(error.exitcode or 0)
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        reason = f"the decoder crashed ({how}) on {item}; the file may be damaged"
    except AudiorecError as error:
        reason = str(error)
    except MemoryError:
        reason = f"{item} needs more memory than a worker may take; the file may be damaged"
    except Exception as error:
        # Any exception of a decoder belongs to this item: it is passed on, not swallowed.
        reason = f"{item} failed: {type(error).__name__}: {error}"
    return Outcome(item, None, one_line(reason))
