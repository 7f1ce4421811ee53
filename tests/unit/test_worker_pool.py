from __future__ import annotations

import importlib
import os
import platform
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest

from audiorec import worker_pool
from audiorec.exceptions import ParameterError
from audiorec.worker_pool import run_isolated

from ..waiting import wait_until


@pytest.fixture(autouse=True)
def jobs(monkeypatch):
    """Functions that a worker process can import."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    return importlib.import_module("_jobs")


def test_values_in_the_order_of_the_items(jobs):
    outcomes = list(run_isolated(jobs.slow_first, range(40), n_jobs=2))
    assert [o.item for o in outcomes] == [o.value for o in outcomes] == list(range(40))
    assert all(o.error is None for o in outcomes)


def test_each_failure_costs_its_own_item(jobs):
    items = ["a", "segfault", "b", "exit", "hang", "refuse", "bug", "c"]
    outcomes = list(run_isolated(jobs.misbehave, items, n_jobs=2, timeout=4))
    errors = {o.item: o.error for o in outcomes}
    assert [o.item for o in outcomes] == items
    assert errors["a"] is errors["b"] is errors["c"] is None
    assert errors["segfault"] == (
        "the decoder crashed (signal 11) on segfault; the file may be damaged"
    )
    assert "exit code 3" in errors["exit"]
    assert errors["hang"] == "gave up on hang after 4 s; the file may be damaged"
    assert errors["refuse"] == "refuse is no song; sing"
    assert "KeyError" in errors["bug"] and "\n" not in errors["bug"]


@pytest.mark.parametrize("hours", [1, -1])
def test_a_clock_that_is_set_takes_no_item_and_saves_none(jobs, monkeypatch, hours):
    real, ticks = time.time, iter(range(1, 10**9))
    monkeypatch.setattr("time.time", lambda: real() + 3600 * hours * next(ticks))
    outcomes = list(run_isolated(jobs.misbehave, ["a", "hang", "b"], n_jobs=2, timeout=3))
    assert [o.error is None for o in outcomes] == [True, False, True]
    assert outcomes[1].error == "gave up on hang after 3 s; the file may be damaged"


@pytest.mark.parametrize(("times", "error"), [(1, None), (2, "signal 9")])
def test_a_worker_killed_from_outside_costs_its_item_another_try(jobs, tmp_path, times, error):
    (tmp_path / "mark").touch()
    function = partial(jobs.kill_self, mark=tmp_path / "mark", times=times)
    outcomes = list(run_isolated(function, ["a", "kill", "b"], n_jobs=1))
    assert [o.item for o in outcomes] == ["a", "kill", "b"]
    assert [o.error for o in outcomes[::2]] == [None, None]
    assert outcomes[1].error is None if error is None else error in outcomes[1].error


def test_a_pool_that_gives_itself_up_costs_no_item(jobs, tmp_path, monkeypatch):
    """As pebble's does where its only worker dies before it has read what that was at."""
    from concurrent.futures.process import BrokenProcessPool

    from pebble.pool.process import PoolManager

    real, times = PoolManager.find_expired_task, []

    def unread(manager, worker_id):
        times.append(worker_id)
        if len(times) == 1:
            raise BrokenProcessPool("All workers expired")
        return real(manager, worker_id)

    monkeypatch.setattr(PoolManager, "find_expired_task", unread)
    (tmp_path / "mark").touch()
    function = partial(jobs.kill_self, mark=tmp_path / "mark", times=1)
    outcomes = list(run_isolated(function, ["a", "kill", "b", "c"], n_jobs=1))
    assert len(times) == 1
    assert [(o.item, o.value, o.error) for o in outcomes] == [(x, x, None) for x in
        ("a", "kill", "b", "c")]  # fmt: skip


def test_what_a_dead_worker_has_said_is_read_before_a_task_is_failed(jobs, tmp_path, monkeypatch):
    """On a busy machine it lies unread: that one task was ended, and which was taken next."""
    from pebble.pool.process import PoolManager

    real = PoolManager.process_next_message

    def late(manager, timeout):
        time.sleep(0.4)  # twice as long as the pool waits between looks at its workers
        real(manager, timeout)

    monkeypatch.setattr(PoolManager, "process_next_message", late)
    (tmp_path / "mark").touch()
    function = partial(jobs.kill_self_beside, mark=tmp_path / "mark")
    items = ["long", "short", "kill", "b"]
    outcomes = list(run_isolated(function, items, n_jobs=2, timeout=8))
    assert [(o.value, o.error) for o in outcomes] == [(x, None) for x in items]


def test_workers_persist_and_one_is_a_process_too(jobs):
    pids = {o.value for o in run_isolated(jobs.misbehave, "abcdef", n_jobs=1)}
    assert len(pids) == 1 and os.getpid() not in pids


def test_a_partial_carries_settings():
    assert [o.value for o in run_isolated(partial(pow, 2), [3, 4], n_jobs=1)] == [8, 16]


def test_nothing_to_do_starts_nothing(jobs):
    assert list(run_isolated(jobs.double, [])) == []


def test_items_are_read_as_the_work_goes_on(jobs):
    read = []

    def items():
        for i in range(10_000):
            read.append(i)
            yield i

    outcomes = run_isolated(jobs.double, items(), n_jobs=1)
    assert next(outcomes).value == 0
    assert len(read) < 50
    outcomes.close()


@pytest.mark.parametrize("settings", [{"n_jobs": 0}, {"n_jobs": -1}, {"timeout": 0}])
def test_impossible_settings(jobs, settings):
    with pytest.raises(ParameterError, match="must be"):
        run_isolated(jobs.double, [1], **settings)


def test_a_killed_parent_leaves_no_workers(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(
        "import os, time\n"
        "from audiorec.worker_pool import run_isolated\n"
        "def pid(x):\n    return os.getpid()\n"
        "if __name__ == '__main__':\n"
        "    for o in run_isolated(pid, range(1000), n_jobs=1):\n"
        "        print(o.value, flush=True)\n"
        "        time.sleep(30)\n"
    )
    _kill_parent(script)


def test_a_killed_parent_leaves_no_worker_that_hangs(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(
        "import os, time\n"
        "from audiorec.worker_pool import run_isolated\n"
        "def hang(x):\n    print(os.getpid(), flush=True)\n    time.sleep(60)\n"
        "if __name__ == '__main__':\n    list(run_isolated(hang, [1], n_jobs=1))\n"
    )
    _kill_parent(script)


def _kill_parent(script):
    """Kill a script when it has printed a worker of its own, which must end then."""
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE) as parent:
        worker = int(parent.stdout.readline())
        parent.kill()
    wait_until(lambda: not _runs(worker))


def _runs(pid):
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has mallopt")
def test_workers_keep_the_memory_that_they_free(jobs):
    [outcome] = run_isolated(jobs.faults_of_arrays, [0], n_jobs=1)
    assert outcome.value < 100  # 2,000 where they are given back


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to RLIMIT_DATA")
def test_an_item_that_takes_too_much_memory_fails_alone(jobs):
    outcomes = list(run_isolated(jobs.take_memory, [1, 900, 2], n_jobs=1, memory=600 << 20))
    assert [o.error is None for o in outcomes] == [True, False, True]
    assert "needs more memory than a worker may take" in outcomes[1].error


POSIX_SIGNALS = pytest.mark.skipif(
    not hasattr(signal, "pthread_sigmask"),
    reason="no pthread_sigmask: only POSIX systems hold signals back",
)
HANG = """\
    print('begins', flush=True)
    list(run_isolated(_jobs.misbehave, ['hang'] * 4, n_jobs=4))
except KeyboardInterrupt:
    sys.exit(7)
"""


def _start(code):
    """A script in a session of its own, as one of a terminal is that sends Ctrl-C to all of it."""
    return subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True, cwd=Path(__file__).parent,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )  # fmt: skip


@POSIX_SIGNALS
@pytest.mark.parametrize("seconds", [0.05, 0.2, 0.5, 1.0])
def test_an_interrupt_while_workers_start_is_no_traceback(seconds):
    child = _start(
        f"import sys\nimport _jobs\nfrom audiorec.worker_pool import run_isolated\ntry:\n{HANG}"
    )
    assert child.stdout.readline() == "begins\n"  # all is imported: what starts now are workers
    time.sleep(seconds)
    os.killpg(child.pid, signal.SIGINT)
    _, said = child.communicate(timeout=60)
    assert (said, child.returncode) == ("", 7)


@POSIX_SIGNALS
def test_an_interrupt_between_a_worker_and_its_entry_in_the_pool_is_no_traceback():
    child = _start(
        "import os, signal, sys, threading, time\n"
        "from multiprocessing import util\n"
        "import _jobs\n"
        "from audiorec.worker_pool import run_isolated\n"
        "spawn = util.spawnv_passfds\n"
        "def interrupted(path, arguments, files):\n"
        "    pid = spawn(path, arguments, files)\n"
        "    if b'--multiprocessing-fork' in map(os.fsencode, arguments):\n"
        "        os.killpg(0, signal.SIGINT)\n"
        "        time.sleep(0.1)\n"  # until the other thread has caught it
        "    return pid\n"
        "util.spawnv_passfds = interrupted\n"
        "threading.Thread(target=time.sleep, args=[60], daemon=True).start()\n"
        f"try:\n{HANG}"
    )
    out, said = child.communicate(timeout=60)
    assert (out, said, child.returncode) == ("begins\n", "", 7)


@POSIX_SIGNALS
def test_an_interrupt_that_was_held_back_comes_at_the_end():
    """Another thread catches it, as those of BLAS do."""
    over, reached = threading.Event(), []
    other = threading.Thread(target=over.wait)
    other.start()
    try:
        with pytest.raises(KeyboardInterrupt), worker_pool._interrupts_held():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.05)
            reached.append("the end")
    finally:
        over.set()
        other.join()
    assert reached == ["the end"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_systems_without_signals_or_affinity(jobs, monkeypatch):
    """As Windows is, and macOS."""
    monkeypatch.delattr(signal, "pthread_sigmask", raising=False)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert worker_pool.available_cpus() == os.cpu_count()
    assert [o.value for o in run_isolated(jobs.double, [1, 2], n_jobs=1)] == [2, 4]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to RLIMIT_DATA")
def test_what_a_worker_does_first(monkeypatch):
    """It takes no more memory than it may, and leaves Ctrl-C to its parent."""
    import resource

    before, handler = resource.getrlimit(resource.RLIMIT_DATA), signal.getsignal(signal.SIGINT)
    try:
        worker_pool._start_worker(1 << 45)
        assert resource.getrlimit(resource.RLIMIT_DATA) == (1 << 45, before[1])
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, handler)
        resource.setrlimit(resource.RLIMIT_DATA, before)
    monkeypatch.setattr(sys, "platform", "darwin")
    worker_pool.limit_memory(1 << 45)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
