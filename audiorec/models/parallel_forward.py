"""Several pieces of work through a network at a time, on a CPU a thread each."""

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
    """Call a function on every item, several at the same time, and give the values in order.

    On a CPU each item is one thread's: to share out every layer among all threads costs more than
    it gains, and what comes out would depend on how many there are.

    Parameters
    ----------
    function : callable
        That works by torch.
    items : iterable
        Taken as they are needed, a few ahead.
    device : torch.device
        That `function` works on.
    n : int, optional
        At a time; by default one per CPU, or one on other devices.
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
