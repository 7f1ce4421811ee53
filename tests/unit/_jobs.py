"""What the worker processes of test_workers do."""

from __future__ import annotations

import os
import signal
import time

import numpy as np

from audiorec.exceptions import AudioError


def double(x):
    return 2 * x


def misbehave(x):
    match x:
        case "segfault":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "exit":
            os._exit(3)
        case "hang":
            time.sleep(60)
        case "refuse":
            raise AudioError("refuse is no song; sing")
        case "bug":
            raise KeyError("two\nlines")
    return os.getpid()


def slow_first(x):
    time.sleep(0.4 if x == 0 else 0)
    return x


def kill_parent_once(x, *, mark):
    """Kill the process that this one works for, the first time that it is asked for "kill"."""
    if x == "kill" and not mark.exists():
        mark.touch()
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)  # until the end comes with the parent
    return x


def kill_self(x, *, mark, times):
    """Be killed from outside, as often as `times`."""
    if x == "kill" and len(mark.read_bytes()) < times:
        with mark.open("ab") as stream:
            stream.write(b".")
        os.kill(os.getpid(), signal.SIGKILL)
    return x


def array_of(x):
    return np.random.default_rng(x).normal(size=(x % 3, 2 + x)).astype("f2")


def faults_of_arrays(x):
    """Page faults of ten arrays of 8 MB, each filled and dropped, in a process that is warm."""
    import resource

    def fill():
        for n in (3, 5, 8):
            np.ones(n << 17)

    fill()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        fill()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def take_memory(megabytes):
    return len(bytearray(megabytes << 20))


def kill_self_beside(x, *, mark):
    """As `kill_self`, once, while another item takes a while."""
    time.sleep({"long": 3.0, "short": 0.5}.get(x, 0.0))
    return kill_self(x, mark=mark, times=1)


def _refuse_to_load():
    raise ValueError("cannot be loaded here")


class Unreadable:
    def __reduce__(self):
        return _refuse_to_load, ()
