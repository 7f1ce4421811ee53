"""Jobs: commands in processes of their own, one at a time, seen as they go, cancelled cleanly."""

from __future__ import annotations

import asyncio
import errno
import json
import subprocess
from pathlib import Path

import pytest

from audiorec.data.catalog import Catalog
from audiorec.exceptions import JobRunningError, NotFoundError, ParameterError
from audiorec.scan import record_scan
from audiorec.scan.scan_roots import scan_roots
from audiorec.serve import ServeSettings
from audiorec.serve.app import make_state
from audiorec.workspace import Workspace

from ...waiting import wait_until

API = "/api/v1"


@pytest.fixture
def state(workspace, tmp_path):
    music = tmp_path / "given"
    music.mkdir()
    return make_state(workspace, ServeSettings(music=(music,)))


def replaced(state, monkeypatch, *command: str) -> None:
    """Have another program run in the place of audiorec."""

    async def start(*_: object, **how: object):
        return await original(*command, **how)

    original = asyncio.create_subprocess_exec
    monkeypatch.setattr(asyncio, "create_subprocess_exec", start)


def test_a_scan_takes_new_files_in_and_says_how_it_goes(
    client, workspace, tmp_path, tune, write_audio
):
    with Catalog(workspace.catalog, read_only=True) as catalog:
        folder = Path(catalog.get("t03").path).parent
    write_audio(folder / "new.wav", tune(3))
    started = client.post(f"{API}/jobs", json={"kind": "scan", "folder": str(folder)})
    assert started.status_code == 202 and started.json()["state"] == "running"
    second = client.post(f"{API}/jobs", json={"kind": "run"})
    assert second.status_code == 409 and "a job is running" in second.json()["detail"]
    events = client.get(f"{API}/jobs/events", params={"id": started.json()["id"]})
    assert events.headers["content-type"].startswith("text/event-stream")
    assert "event: line" in events.text
    last = json.loads(events.text.strip().rpartition("data: ")[2])
    assert last == {"state": "done"}, events.text
    job = client.get(f"{API}/jobs").json()["jobs"][0]
    assert job["state"] == "done" and any("added" in line for line in job["lines"])
    wait_until(lambda: client.get(f"{API}/find", params={"q": "new.wav"}).json()["n"])
    assert scan_roots(workspace) == [folder]


def test_only_folders_that_are_known_are_scanned(client, tmp_path, workspace):
    secret = tmp_path / "secret"
    secret.mkdir()
    music = tmp_path / "music"
    (music / "link").symlink_to(secret)
    for folder in (secret, music / "link", music / ".." / "secret", Path("music"), Path("/etc")):
        for path in (str(folder), f"{music}/artist 1/../../secret"):
            answer = client.post(f"{API}/jobs", json={"kind": "scan", "folder": path})
            assert answer.status_code == 422 and "may not be scanned" in answer.json()["detail"]
    answer = client.post(f"{API}/jobs", json={"kind": "scan", "folder": "/a\0b"})
    assert answer.status_code == 422 and "not a path" in answer.json()["detail"]
    answer = client.post(f"{API}/jobs", json={"kind": "run", "folder": "/etc"})
    assert answer.status_code == 422
    assert client.get(f"{API}/jobs/events", params={"id": "none"}).status_code == 404
    assert not client.get(f"{API}/jobs").json()["jobs"]


def test_folders_are_those_scanned_before(workspace, tmp_path, state):
    record_scan(workspace, [tmp_path / "music", tmp_path / "music" / "artist 1", tmp_path / "no"])
    assert scan_roots(workspace) == [tmp_path / "music"]
    assert state.jobs.folders() == [tmp_path / "given", tmp_path / "music"]
    (workspace.root / "scanned.json").write_text("no json")
    assert scan_roots(workspace) == []
    assert len(state.jobs.folders()) == 11  # where tracks are


def test_what_is_cancelled_ends_with_all_it_started(state, monkeypatch, tmp_path):
    pids = tmp_path / "pids"
    code = f"trap 'exit 130' INT; sleep 100 & echo $$ $! > {pids}; echo begun; wait"
    replaced(state, monkeypatch, "bash", "-c", code)

    async def work():
        job = await state.jobs.start("run")
        with pytest.raises(JobRunningError):
            await state.jobs.start("playlists")
        while not job.n_lines:
            await asyncio.sleep(0.02)
        first = state.jobs.events(job.id)
        assert await anext(first) == {"event": "line", "line": "begun"}
        await state.jobs.cancel(job.id)
        assert [event async for event in first] == [{"event": "end", "state": "cancelled"}]
        return job

    job = asyncio.run(work())
    assert job.state == "cancelled" and job.ended is not None
    for pid in pids.read_text().split():
        command = ["ps", "-o", "stat=", "-p", pid]
        found = subprocess.run(command, check=False, capture_output=True, text=True)
        assert found.stdout.strip()[:1] in ("", "Z"), f"{pid} still runs"


def test_a_server_that_stops_ends_its_job(state, monkeypatch):
    replaced(state, monkeypatch, "sleep", "100")

    async def work(cancelled_first: bool):
        job = await state.jobs.start("run")
        while not (cancelled_first or state.jobs._process):
            await asyncio.sleep(0.02)
        await state.jobs.stop()
        return job

    for cancelled_first in (False, True):  # before its process has begun
        job = asyncio.run(work(cancelled_first))
        assert job.state == "cancelled" and job.ended is not None and not state.jobs.current


def test_a_line_without_an_end_is_passed_over(state, monkeypatch):
    replaced(state, monkeypatch, "bash", "-c", "head -c 3000000 /dev/zero; echo; echo last")

    async def work():
        job = await state.jobs.start("run")
        return [event async for event in state.jobs.events(job.id)]

    assert asyncio.run(work())[-2:] == [
        {"event": "line", "line": "last"},
        {"event": "end", "state": "done"},
    ]


def test_the_oldest_jobs_are_forgotten(state, monkeypatch):
    monkeypatch.setattr("audiorec.serve.jobs.MOST_JOBS", 2)
    replaced(state, monkeypatch, "true")

    async def work():
        jobs = []
        for _ in range(3):
            jobs.append(await state.jobs.start("run"))
            async for _ in state.jobs.events(jobs[-1].id):
                pass
        return jobs

    jobs = asyncio.run(work())
    assert state.jobs.recent() == [jobs[2], jobs[1]]


def test_a_job_is_cancelled_by_the_api(client, monkeypatch):
    replaced(None, monkeypatch, "sleep", "100")
    id_ = client.post(f"{API}/jobs", json={"kind": "run"}).json()["id"]
    assert client.post(f"{API}/jobs/cancel", json={"id": id_}).json()["state"] == "cancelled"
    assert client.post(f"{API}/jobs/cancel", json={"id": "none"}).status_code == 404


def test_a_job_that_fails_or_cannot_start_says_so(state, monkeypatch):
    async def work():
        job = await state.jobs.start("playlists")
        return job, [event async for event in state.jobs.events(job.id)]

    replaced(state, monkeypatch, "bash", "-c", "echo 'audiorec: it is broken' >&2; exit 1")
    job, events = asyncio.run(work())
    assert events == [{"event": "line", "line": "audiorec: it is broken"},
                      {"event": "end", "state": "failed"}]  # fmt: skip
    monkeypatch.undo()
    replaced(state, monkeypatch, "/there/is/no/such/program")
    job, events = asyncio.run(work())
    assert job.state == "failed" and "could not be started" in events[0]["line"]
    with pytest.raises(NotFoundError, match="no job"):
        state.jobs.get("x")


def test_a_job_is_niced_and_has_one_worker(state, monkeypatch):
    seen: dict[str, object] = {}

    async def start(*command: str, **how: object):
        seen.update(command=command, how=how)
        raise OSError("enough")

    monkeypatch.setattr(asyncio, "create_subprocess_exec", start)

    async def work():
        job = await state.jobs.start("scan", folder=None)
        async for _ in state.jobs.events(job.id):
            pass

    asyncio.run(work())
    command = list(seen["command"])
    assert command[:3] == ["nice", "-n", "15"] and seen["how"]["env"]["OMP_NUM_THREADS"] == "1"
    at = command.index("scan")
    assert command[at : at + 4] == ["scan", "--jobs", "1", "--"] and len(command) > at + 4


def test_an_empty_library_has_nothing_to_scan(tmp_path):
    workspace = Workspace(tmp_path / "empty")
    workspace.create()
    state = make_state(workspace, ServeSettings())
    with pytest.raises(ParameterError, match="--music"):
        asyncio.run(state.jobs.start("scan"))
    assert [path.name for path in workspace.root.iterdir()] == ["workspace.json"]


def test_no_job_begins_on_a_disk_that_cannot_be_written(client, monkeypatch):
    def read_only(**_: object):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("tempfile.TemporaryFile", read_only)
    answer = client.post(f"{API}/jobs", json={"kind": "run"})
    assert answer.status_code == 503
    assert "read-only" in answer.json()["detail"].lower()
