"""What the worker processes of test_workers do."""

from __future__ import annotations

import os
import signal
import time

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
