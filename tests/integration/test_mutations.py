"""Mutated files of every format, scanned and heard: none crashes a run, and each failure is named.

The long form: AUDIOREC_MUTATIONS=10000 pytest -s tests/integration/test_mutations.py
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from audiorec.mel import MelStore
from audiorec.printable_text import one_line

from .conftest import call, spawn
from .mutations import FORMATS, MUTATIONS, make_files, valid_files

SHORT = len(FORMATS) * len(MUTATIONS)  # each mutation of each format once
COUNT = int(os.environ.get("AUDIOREC_MUTATIONS", SHORT))
PEAK = 1 << 30  # bytes that no process may take, whatever a header says


class Ran:
    """A command in a process of its own: what it said, how long, and the most memory of any of its
    processes, bytes."""

    def __init__(self, *arguments: object) -> None:
        began = time.monotonic()
        self.peak = 0
        process = spawn(*arguments)
        watch = threading.Thread(target=self._watch, args=[process.pid], daemon=True)
        watch.start()
        self.out, self.err = process.communicate()
        self.code, self.seconds = process.returncode, time.monotonic() - began
        watch.join()

    def _watch(self, group: int) -> None:
        while peaks := [p for path in Path("/proc").glob("[0-9]*") if (p := _peak(path, group))]:
            self.peak = max(self.peak, *peaks)
            time.sleep(0.1)


def _peak(path: Path, group: int) -> int:
    try:
        if int((path / "stat").read_text().rpartition(")")[2].split()[2]) != group:
            return 0
        for line in (path / "status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    return 0


def check_named(reason: str, path: str) -> None:
    """A reason is one line that names the file, what is wrong, and what to do."""
    assert one_line(path) in reason and "\n" not in reason, reason
    what, _, remedy = reason.replace(one_line(path), "").partition("; ")
    assert what.strip() and remedy.strip(), reason
    assert " failed: " not in what, reason  # an exception that nobody thought of


def test_valid_files_are_all_heard(tmp_path):
    paths = valid_files(tmp_path / "valid")
    answer = call("-w", tmp_path / "w", "scan", tmp_path / "valid", "--json")
    assert json.loads(answer.out)["added"] == len(paths), answer.err


@pytest.mark.slow
def test_mutated_files_never_stop_a_run(tmp_path, capsys):
    paths = make_files(tmp_path / "music", n=COUNT)
    workspace = tmp_path / "workspace"
    scan = Ran("-w", workspace, "scan", tmp_path / "music", "--json")
    assert scan.code == 0, scan.err
    report = json.loads(scan.out)
    assert report["added"] + report["failed"] == len(paths)
    assert "Traceback" not in scan.err
    mel = Ran("-w", workspace, "mel", "--json")
    assert mel.code == 0 and "Traceback" not in mel.err, mel.err
    failures = json.loads(call("-w", workspace, "status", "--failures", "--json").out)
    for failure in failures:
        check_named(failure["reason"], failure["path"])
    by_stage = Counter(failure["stage"] for failure in failures)
    store = MelStore(workspace / "mels")
    assert by_stage["scan"] == report["failed"]
    assert len(store) + by_stage["mel"] == report["added"]
    assert all(np.isfinite(store.get(track_id)).all() for track_id in store.ids)
    assert max(scan.peak, mel.peak) < PEAK
    again = json.loads(call("-w", workspace, "scan", tmp_path / "music", "--json").out)
    assert (again["unchanged"], again["failed"]) == (report["added"], report["failed"])
    if COUNT > SHORT:
        lost = sum("gave up" in f["reason"] or "crashed" in f["reason"] for f in failures)
        with capsys.disabled():
            print(
                f"\n{len(paths)} files: {len(store)} heard, {len(failures)} failed and named, "
                f"{lost} of them by a crash or the time limit; scan {scan.seconds:.0f} s, "
                f"{scan.peak / 1e6:.0f} MB; mel {mel.seconds:.0f} s, {mel.peak / 1e6:.0f} MB",
                file=sys.stderr,
            )
