"""Parallel forward passes of a network: on a CPU, one thread per item."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch

from audiorec.worker_pool import available_cpus

Item = TypeVar("Item")
Value = TypeVar("Value")


def ordered_map(
    function: Callable[[Item], Value],
    items: Iterable[Item],
    *,
    device: torch.device,
    n: int | None = None,
) -> Iterator[Value]:
    """Call a function on every item, several at a time, and yield the values in order.

    On a CPU each item has one thread: splitting every layer among all threads costs more than it
    gains, and the results would depend on their number.

    Parameters
    ----------
    function : callable
        Computes with torch.
    items : iterable
        Read as needed, a few ahead.
    device : torch.device
        Device of `function`.
    n : int, optional
        Items at a time; by default one per CPU, or one on other devices.
    """
    if n is None:
        n = available_cpus() if device.type == "cpu" else 1
    before = torch.get_num_threads()
    if device.type == "cpu":
        torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(n) as pool:
            ahead: deque[Future[Value]] = deque()
            for item in items:
                ahead.append(pool.submit(function, item))
                if len(ahead) > n:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
    finally:
        torch.set_num_threads(before)
