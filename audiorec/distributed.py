"""Processes started by torchrun: a thin layer over torch.distributed.

In a single process, which is the rule, everything here returns its input and does not wait.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NamedTuple, TypeVar

from audiorec.exceptions import EngineError, first_line

# Imports in functions: torch, not needed by a single process.

Value = TypeVar("Value")

# The others wait while the first one trains or encodes alone; torchrun detects a process that dies.
PATIENCE = timedelta(days=7)


class Processes(NamedTuple):
    """A group of processes, as one of them sees it.

    Attributes
    ----------
    rank : int
        Number of this process, from 0.
    size : int
        Number of processes.
    local_rank, local_size : int
        The same on this machine.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1

    @property
    def first(self) -> bool:
        """Whether this process holds the lock, writes artifacts and reports."""
        return self.rank == 0

    def broadcast(self, value: Value) -> Value:
        """Return the first process's value on all."""
        if self.size == 1:
            return value
        from torch import distributed

        box = [value]
        with self._connected():
            distributed.broadcast_object_list(box, src=0)
        return box[0]

    def all_gather(self, value: Value) -> list[Value]:
        """Return the values of all processes, in the order of their numbers."""
        if self.size == 1:
            return [value]
        from torch import distributed

        boxes: list[Any] = [None] * self.size
        with self._connected():
            distributed.all_gather_object(boxes, value)
        return boxes

    @contextmanager
    def rank_zero_first(self) -> Iterator[None]:
        """Run the block in the first process, then in the others, which find its results."""
        if not self.first:
            self.broadcast(None)
        yield
        if self.first:
            self.broadcast(None)

    def share(self, n: int) -> slice:
        """This process's share of `n` items."""
        return slice(n * self.rank // self.size, n * (self.rank + 1) // self.size)

    @contextmanager
    def _connected(self) -> Iterator[None]:
        try:
            self._connect()
            yield
        except RuntimeError as error:  # for any kind of connection, when another process ends
            raise EngineError(
                f"process {self.rank} of {self.size} lost the others ({first_line(error)}); see "
                "the error of the first to end, and run it again: it continues from there"
            ) from None

    def _connect(self) -> None:
        """Connect to the others, once."""
        import torch
        from torch import distributed

        if distributed.is_initialized():
            return
        # If it is imported later, its default arguments hold the group, whose threads then end the
        # process by SIGABRT when they free a tensor while the interpreter shuts down.
        import torch.distributed.nn.functional

        cuda = torch.cuda.is_available()
        if cuda:
            torch.cuda.set_device(self.local_rank)
        backend = "cpu:gloo,cuda:nccl" if cuda else "gloo"
        distributed.init_process_group(backend, timeout=PATIENCE)
        atexit.register(_disconnect)


ALONE = Processes()


def process_group() -> Processes:
    """The group in which this process was started."""
    # Batch schedulers set some of these variables too, for other purposes.
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return ALONE
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
    return Processes(*(int(os.environ[name]) for name in names))


def _disconnect() -> None:
    from torch import distributed

    if distributed.is_initialized():
        distributed.destroy_process_group()
