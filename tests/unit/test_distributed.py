"""Alone nothing waits; what torchrun started is known by what it sets."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from audiorec import distributed
from audiorec.distributed import ALONE, Processes, process_group
from audiorec.exceptions import EngineError

TORCHRUN = {
    "TORCHELASTIC_RUN_ID": "none",
    "RANK": "2",
    "WORLD_SIZE": "4",
    "LOCAL_RANK": "0",
    "LOCAL_WORLD_SIZE": "2",
}


def test_alone_everything_is_as_it_was():
    assert ALONE.first and ALONE.broadcast("x") == "x" and ALONE.all_gather("x") == ["x"]
    assert ALONE.share(7) == slice(0, 7)
    with ALONE.rank_zero_first():
        pass


def test_who_torchrun_started(monkeypatch):
    for name in TORCHRUN:
        monkeypatch.delenv(name, raising=False)
    assert process_group() == ALONE
    for name, value in TORCHRUN.items():
        if name != "TORCHELASTIC_RUN_ID":
            monkeypatch.setenv(name, value)
    assert process_group() == ALONE, "a batch scheduler's variables are no order"
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    assert process_group() == Processes(2, 4, 0, 2) and not process_group().first


@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("n", [0, 1, 4, 7])
def test_shares_are_all_there_is_and_differ_by_one(n, size):
    shares = [range(n)[Processes(rank, size).share(n)] for rank in range(size)]
    assert [i for share in shares for i in share] == list(range(n))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


SECOND = """
import torch
from audiorec.distributed import Processes
second = Processes(1, 2, 1, 2)
assert second.broadcast(None) == ["from the first"]
assert second.all_gather("second") == ["first", "second"]
with second.rank_zero_first():
    print("after the first", flush=True)
"""


def test_two_processes_exchange_what_they_have(monkeypatch):
    """This one is the first; when the other ends, it is told so."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    rank = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2"}
    for name, value in (rank | {"RANK": "0"}).items():
        monkeypatch.setenv(name, value)
    first = Processes(0, 2, 0, 2)
    other = subprocess.Popen(
        [sys.executable, "-c", SECOND], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "RANK": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )  # fmt: skip
    try:
        assert first.broadcast(["from the first"]) == ["from the first"]
        assert first.all_gather("first") == ["first", "second"]
        done = []
        with first.rank_zero_first():
            done.append("first")
        out, _ = other.communicate(timeout=60)
        assert (out, other.returncode) == ("after the first\n", 0)
        with pytest.raises(
            EngineError, match=r"process 0 of 2 lost the others \(.*\); see .* run it again"
        ):
            first.all_gather("first")
    finally:
        other.kill()
        distributed._disconnect()
