"""A process that has imported what is slow to import, and forks a child for every command.

A command then costs what its work costs, so that hundreds can be killed. The process itself starts
no thread, so that a fork of it is as good as a new one. It reads a request a line, in JSON, and
answers each by a line.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import resource
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

# Not polars, nor what imports it: it starts threads.
HEAVY = (
    *("av", "faiss", "implicit.als", "lightning.fabric", "matplotlib.pyplot", "mutagen"),
    *("pebble", "safetensors.torch", "scipy.sparse", "sklearn.cluster", "sklearn.linear_model"),
    *("soundfile", "soxr", "torch", "audiorec.cli", "audiorec.cli.stages", "audiorec.pipeline"),
    *(
        "audiorec.index.build",
        "audiorec.mel",
        "audiorec.models.pretrained",
        "audiorec.scan.read_file",
    ),
)
PIPE = 1 << 20  # bytes of output that a command may give
ENDS = 20.0  # s that what a killed process leaves behind may take to end


class Done(NamedTuple):
    """What became of a command: its exit code, or None if it was killed first; its output."""

    code: int | None
    out: str
    err: str
    seconds: float
    peak: int  # bytes of memory, of the process or of one of its own


class Forker:
    """The process, as the tests talk to it."""

    def __init__(self) -> None:
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def __call__(
        self,
        *arguments: object,
        kill_after: float | None = None,
        file_size: int | None = None,
        ordinary: bool = False,
        settings: dict[str, Any] | None = None,
        swapped: dict[str, str] | None = None,
    ) -> Done:
        """Run a command of audiorec.

        Parameters
        ----------
        *arguments
            As on the command line.
        kill_after : float, optional
            Seconds after which the process, and it alone, is killed by SIGKILL.
        file_size : int, optional
            Bytes that a file may have (RLIMIT_FSIZE): beyond it, writing fails as on a full disk.
        ordinary : bool
            Whether root too is bound by permissions.
        settings : dict, optional
            Attributes by ``module:name``, set before the command runs.
        swapped : dict, optional
            Likewise, each by an object that is called ``module:name``.
        """
        request = {
            "arguments": [str(argument) for argument in arguments],
            "kill_after": kill_after,
            "file_size": file_size,
            "ordinary": ordinary,
            "settings": settings or {},
            "swapped": swapped or {},
        }
        assert self._process.stdin is not None and self._process.stdout is not None
        print(json.dumps(request), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        assert line, "the forking process has died"
        return Done(**json.loads(line))

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def serve() -> None:
    """Answer requests until there are no more."""
    import importlib

    for name in HEAVY:
        importlib.import_module(name)
    threads = {path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")}
    assert len(threads - {"jemalloc_bg_thd"}) <= 1, threads  # jemalloc minds forks
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Run one command in a child, and tell what became of it."""
    # Pipes, since a limit on files would cut off what a command says of it.
    pipes = [os.pipe2(os.O_NONBLOCK) for _ in ("out", "err")]
    for _, writer in pipes:
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, PIPE)
        os.set_blocking(writer, True)
    began = time.monotonic()
    pid = os.fork()
    if pid == 0:
        run(request, *(writer for _, writer in pipes))
    code = waited(pid, request["kill_after"])
    seconds = time.monotonic() - began
    left = [] if code is not None else still_there(pid)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    out, err = (_read(*pipe) for pipe in pipes)
    if left:
        err += f"\nprocesses went on {ENDS:g} s after their parent was killed: {left}"
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
    # Processes that stay are told of by an exit code that no command has.
    return Done(-1 if left else code, out, err, seconds, usage.ru_maxrss * 1024)._asdict()


def waited(pid: int, kill_after: float | None) -> int | None:
    """Exit code of a child; None if it had to be killed."""
    if kill_after is not None:
        child = os.pidfd_open(pid)
        try:
            ended, _, _ = select.select([child], [], [], kill_after)
        finally:
            os.close(child)
        if not ended:
            os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    return None if code == -signal.SIGKILL else code


def still_there(group: int) -> list[int]:
    """Processes that a killed one had started and that do not end by themselves."""
    until = time.monotonic() + ENDS
    while True:
        left = [int(path.name) for path in Path("/proc").glob("[0-9]*") if _is_of(path, group)]
        if not left or time.monotonic() > until:
            return left
        time.sleep(0.02)


def _is_of(path: Path, group: int) -> bool:
    try:
        state, _, its_group = (path / "stat").read_text().rpartition(")")[2].split()[:3]
    except OSError:
        return False
    return int(its_group) == group and state != "Z"


def _read(reader: int, writer: int) -> str:
    os.close(writer)
    parts = []
    with contextlib.suppress(BlockingIOError):  # a process that stays holds the other end
        while part := os.read(reader, PIPE):
            parts.append(part)
    os.close(reader)
    return b"".join(parts).decode(errors="replace")


def run(request: dict[str, Any], out: int, err: int) -> None:
    """What the child does; it does not return."""
    os.setsid()
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
    if request["file_size"] is not None:
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["file_size"], hard))
    if request["ordinary"]:
        drop_root()
    sys.argv = ["audiorec", *request["arguments"]]
    code: Any = 1
    try:
        for where, value in request["settings"].items():
            setattr(*_found(where), value)
        for where, name in request["swapped"].items():
            setattr(*_found(where), getattr(*_found(name)))
        from audiorec.cli import main

        main()
    except SystemExit as stop:
        code = stop.code
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        _end_children()
        os._exit(int(code or 0))


def drop_root() -> None:
    """Give up what lets root read and write whatever permissions say (capabilities(7))."""
    import ctypes

    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    data = (ctypes.c_uint32 * 6)()
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.capget(header, data) == 0
    data[0] &= ~0b1111  # effective: CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER
    assert libc.capset(header, data) == 0


class Backwards:
    """A clock that goes an hour back whenever it is looked at."""

    def __init__(self) -> None:
        self._now = time.time()

    def __call__(self) -> float:
        self._now -= 3600
        return self._now


backwards = Backwards()


def random_network(name: str = "musicnn") -> Any:
    """A network of random weights in place of the published ones."""
    import torch

    from audiorec.models.encoders.pretrained import empty_pretrained

    torch.manual_seed(0)
    return empty_pretrained(name).eval()


def forked_context(method: str | None = None) -> Any:
    """Start processes by forking, whatever is asked for."""
    import multiprocessing

    return multiprocessing.context.ForkContext()


def _end_children() -> None:
    import multiprocessing

    for child in multiprocessing.active_children():
        child.kill()


def _found(where: str) -> tuple[Any, str]:
    import importlib

    module, _, name = where.partition(":")
    return importlib.import_module(module), name


if __name__ == "__main__":
    serve()
