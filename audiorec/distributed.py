"""Processes that torchrun started together: a thin layer over torch.distributed.

Alone, which is the rule, everything here gives back what it was given and waits for nobody.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NamedTuple, TypeVar

from audiorec.exceptions import EngineError, first_line

# Imports in functions: torch, which one process alone never needs.

Value = TypeVar("Value")

# The others wait while the first learns or encodes alone; who dies is found out by torchrun.
PATIENCE = timedelta(days=7)


class Processes(NamedTuple):
    """Processes that work together, as one of them sees it.

    Attributes
    ----------
    rank : int
        This one's number, from 0.
    size : int
        How many there are.
    local_rank, local_size : int
        The same on its machine.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the one that holds the lock, writes artifacts and speaks."""
        return self.rank == 0

    def broadcast(self, value: Value) -> Value:
        """What the first process has, on all."""
        if self.size == 1:
            return value
        from torch import distributed

        box = [value]
        with self._connected():
            distributed.broadcast_object_list(box, src=0)
        return box[0]

    def all_gather(self, value: Value) -> list[Value]:
        """What every process has, in the order of their numbers."""
        if self.size == 1:
            return [value]
        from torch import distributed

        boxes: list[Any] = [None] * self.size
        with self._connected():
            distributed.all_gather_object(boxes, value)
        return boxes

    @contextmanager
    def rank_zero_first(self) -> Iterator[None]:
        """The first process does what is in the block, then the others find it done."""
        if not self.first:
            self.broadcast(None)
        yield
        if self.first:
            self.broadcast(None)

    def share(self, n: int) -> slice:
        """This process's part of `n` things."""
        return slice(n * self.rank // self.size, n * (self.rank + 1) // self.size)

    @contextmanager
    def _connected(self) -> Iterator[None]:
        try:
            self._connect()
            yield
        except RuntimeError as error:  # of every kind of connection, when another process ends
            raise EngineError(
                f"process {self.rank} of {self.size} lost the others ({first_line(error)}); see "
                "what the first to end says, and run it again: it goes on from there"
            ) from None

    def _connect(self) -> None:
        """Begin to talk, once."""
        import torch
        from torch import distributed

        if distributed.is_initialized():
            return
        # Imported later, its default arguments keep the group, whose threads then end the process
        # by SIGABRT when they let go of a tensor while the interpreter shuts down.
        import torch.distributed.nn.functional

        cuda = torch.cuda.is_available()
        if cuda:
            torch.cuda.set_device(self.local_rank)
        backend = "cpu:gloo,cuda:nccl" if cuda else "gloo"
        distributed.init_process_group(backend, timeout=PATIENCE)
        atexit.register(_disconnect)


ALONE = Processes()


def process_group() -> Processes:
    """The processes that this one was started with."""
    # Batch schedulers set some of these variables too, and ask for nothing by it.
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return ALONE
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
    return Processes(*(int(os.environ[name]) for name in names))


def _disconnect() -> None:
    from torch import distributed

    if distributed.is_initialized():
        distributed.destroy_process_group()
