"""Waiting for what another thread or process does, on a machine however busy."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(found: Callable[[], T], *, seconds: float = 60.0, every: float = 0.05) -> T:
    """What `found` returns, once it is true; after so many seconds without, an error."""
    end = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < end, f"not so after {seconds:g} s"
        time.sleep(every)
    return value
