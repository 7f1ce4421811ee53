"""Parallel work on many items: in processes of this machine, or on a Ray cluster.

Both give the same outcomes in the same order. This is the only module that imports Ray, which
comes with the extra ``ray``.
"""

from __future__ import annotations

import logging
import os
import pickle
import signal
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from itertools import islice
from typing import Any, Literal, TypeVar

from audiorec.exceptions import EngineError, ParameterError, first_line
from audiorec.worker_pool import Outcome, Pool, check_jobs, run_isolated

Item = TypeVar("Item")
Value = TypeVar("Value")
Engine = Literal["local", "ray"]
ENGINES: tuple[Engine, ...] = ("local", "ray")

TIMEOUT = 120.0  # s
CONNECT_SECONDS = 10.0
CHUNK = 16  # items of a task: those repeated when its worker is killed
AT_ONCE = 4096  # tasks given to Ray at a time, so that it need not hold a whole catalogue

# Ray reads these when it is imported, or when it starts: no usage reports to its makers, no
# advice on the terminal.
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DEDUP_LOGS": "0",
}


def run_on(
    engine: Engine,
    function: Callable[[Item], Value],
    items: Iterable[Item],
    *,
    n_jobs: int | None = None,
    timeout: float = TIMEOUT,
    chunk: int = CHUNK,
) -> Iterator[Outcome[Item, Value]]:
    """Call a function on every item, in the processes of an engine.

    Parameters
    ----------
    engine : {"local", "ray"}
        Local is `audiorec.worker_pool.run_isolated`. Ray uses the cluster in ``RAY_ADDRESS``, the
        session that this process has open already, or a new one on this machine. Its machines
        must see the files read by `function` under the same paths.
    function : callable
        Importable by name, or a `functools.partial` of such.
    items : iterable
        Read as the work proceeds.
    n_jobs : int or None
        Number of processes at a time; None is one per CPU, of the cluster if there is one.
    timeout : float
        Seconds until an item is given up.
    chunk : int
        Items in one task of Ray.

    Yields
    ------
    outcome : Outcome
        In the order of `items`, as of `run_isolated`: a decoder that crashes its process costs
        its own item. A Ray worker that is killed, or a machine that is lost, costs time but no
        item.

    Raises
    ------
    ParameterError
        If the engine is unknown, or `n_jobs` or `timeout` is not positive.
    EngineError
        If Ray is not installed, does not answer, or loses the work for good.
    """
    if engine not in ENGINES:
        raise ParameterError(f"engine={engine!r} must be one of {', '.join(ENGINES)}")
    if engine == "local":
        return run_isolated(function, items, n_jobs=n_jobs, timeout=timeout)
    check_jobs(n_jobs, timeout=timeout)
    work = partial(_work, function=function, timeout=timeout)
    return _on_ray(work, _chunks(iter(items), chunk), n_jobs=n_jobs)


def check_engine(engine: Engine) -> None:
    """Raise `EngineError` if an engine is not available, before any work is begun."""
    if engine == "ray":
        _ray()
        _check_address(os.environ.get("RAY_ADDRESS", ""))


def _on_ray(
    work: Callable[[dict[str, bytes]], dict[str, bytes]],
    chunks: Iterator[tuple[Item, ...]],
    *,
    n_jobs: int | None,
) -> Iterator[Outcome[Item, Any]]:
    """Stream chunks of items through Ray Data, a task each; outcomes in order."""
    rows = ({"items": pickle.dumps(chunk)} for chunk in chunks)
    first = next(rows, None)
    if first is None:  # no cluster is started without work
        return
    ray = _ray()
    with _session(ray, n_jobs=n_jobs), _failures_named(ray):
        part = [first]
        for row in rows:
            part.append(row)
            if len(part) == AT_ONCE:
                yield from _stream(ray, work, part, n_jobs=n_jobs)
                part = []
        if part:
            yield from _stream(ray, work, part, n_jobs=n_jobs)


def _stream(
    ray: Any,
    work: Callable[[dict[str, bytes]], dict[str, bytes]],
    rows: list[dict[str, bytes]],
    *,
    n_jobs: int | None,
) -> Iterator[Outcome[Any, Any]]:
    context = ray.data.DataContext.get_current().copy()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    with ray.data.DataContext.current(context):
        given = ray.data.from_items(rows, override_num_blocks=len(rows))
        # Bytes, not columns: arrays of any shape are returned unchanged, bit for bit.
        at_a_time = None if n_jobs is None else min(n_jobs, len(rows))
        done = given.map(work, num_cpus=1, concurrency=at_a_time)
        for row in done.iter_rows():
            yield from pickle.loads(row["outcomes"])


def _chunks(items: Iterator[Item], size: int) -> Iterator[tuple[Item, ...]]:
    while chunk := tuple(islice(items, size)):
        yield chunk


def _work(
    row: dict[str, bytes], *, function: Callable[[Any], Any], timeout: float
) -> dict[str, bytes]:
    """Process a chunk in a Ray worker: in a separate process, which may crash."""
    items = pickle.loads(row["items"])
    outcomes = list(_pool().map(function, items, timeout=timeout))
    return {"outcomes": pickle.dumps(outcomes, protocol=pickle.HIGHEST_PROTOCOL)}


@lru_cache(maxsize=1)
def _pool() -> Pool:
    """One process beside each Ray worker, as long as that exists."""
    return Pool(n_jobs=1)


def _ray() -> Any:
    """Import Ray and its data library, without their advice."""
    for key, value in QUIET.items():
        os.environ.setdefault(key, value)
    try:
        import ray  # here: only for the extra `ray`
        import ray.data
    except ImportError:
        raise EngineError(
            "engine 'ray' needs Ray, which is not installed; run: pip install 'audiorec-music[ray]'"
        ) from None
    # Its log file records everything, and so do handlers of the calling program; the terminal is
    # for results and progress.
    for handler in logging.getLogger("ray.data").handlers:
        if handler.name == "console":
            handler.setLevel(logging.CRITICAL)
    return ray


def _check_address(address: str) -> None:
    """Raise `EngineError` if nothing listens at ``host:port``: Ray itself tries for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        return  # such as "auto" or "local", which Ray itself resolves
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise EngineError(
            f"no Ray cluster answers at RAY_ADDRESS={address} ({error}); start one with "
            "'ray start --head', or unset RAY_ADDRESS to use this machine"
        ) from None


@contextmanager
def _session(ray: Any, *, n_jobs: int | None) -> Iterator[None]:
    """Connect to Ray for the duration of the block; an open connection stays open."""
    if ray.is_initialized():
        yield
        return
    address = os.environ.get("RAY_ADDRESS", "")
    _check_address(address)
    own = {} if address else {"num_cpus": n_jobs, "include_dashboard": False}
    terminated = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(
            address=address or "local", log_to_driver=False, logging_level=logging.CRITICAL, **own
        )
    except Exception as error:  # Ray raises plain ones too, as for a node that starts too slowly
        where = f"at RAY_ADDRESS={address}" if address else "on this machine"
        raise EngineError(
            f"Ray does not start {where} ({first_line(error)}); start a cluster with "
            "'ray start --head', or take --engine local"
        ) from None
    try:
        yield
    finally:
        ray.shutdown()
        # Ray takes over the signal, and would keep it.
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, terminated)


@contextmanager
def _failures_named(ray: Any) -> Iterator[None]:
    try:
        yield
    except ray.exceptions.RayError as error:
        # The traceback of a task is many lines; its cause is what went wrong.
        cause = getattr(error, "cause", None) or error
        raise EngineError(
            f"Ray gave up the work ({type(cause).__name__}: {first_line(cause)}); what was done "
            "is kept: run it again, or with --engine local"
        ) from None
