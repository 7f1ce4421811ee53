"""Background jobs of the server: a scan, a run or a refresh of playlists, one at a time.

Each runs the command of that name in a process of its own, niced and with one worker, so that
requests do not wait for it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import shutil
import signal
import sys
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from audiorec.exceptions import JobRunningError, NotFoundError, ParameterError, WorkspaceError
from audiorec.printable_text import one_line
from audiorec.scan.scan_roots import scan_roots
from audiorec.serve.config import ServeSettings
from audiorec.serve.library import SharedLibrary
from audiorec.serve.listening import Listening
from audiorec.serve.track_table import topmost
from audiorec.workspace import Workspace

logger = logging.getLogger("audiorec.serve")
JobKind = Literal["scan", "run", "playlists"]
JobState = Literal["running", "done", "failed", "cancelled"]
MOST_LINES = 200
MOST_JOBS = 20
NICENESS = 15
PATIENCE = 20.0  # s that a cancelled job has to end


@dataclass
class Job:
    """A background job.

    Attributes
    ----------
    id : str
    kind : {"scan", "run", "playlists"}
    folder : str
        Folder of a scan.
    state : {"running", "done", "failed", "cancelled"}
    lines : deque of str
        Last lines of its output.
    n_lines : int
        Number of lines of its output so far.
    started, ended : float or None
        Seconds since 1970.
    """

    id: str
    kind: JobKind
    folder: str = ""
    state: JobState = "running"
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=MOST_LINES))
    n_lines: int = 0
    started: float = field(default_factory=time.time)
    ended: float | None = None
    _changed: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    def say(self, line: str) -> None:
        """Add a line."""
        self.lines.append(one_line(line)[:500])
        self.n_lines += 1
        self.wake()

    def wake(self) -> None:
        """Wake everybody who waits for new lines."""
        self._changed.set()
        self._changed = asyncio.Event()

    def since(self, n: int) -> list[str]:
        """Return the lines after the first `n`, as far as they are kept."""
        new = max(0, self.n_lines - n)
        return list(self.lines)[-new:] if new else []


class Jobs:
    """The background jobs of a workspace's server.

    Parameters
    ----------
    workspace : Workspace
    settings : ServeSettings
    library : SharedLibrary
    listening : Listening
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        settings: ServeSettings,
        library: SharedLibrary,
        listening: Listening,
    ) -> None:
        self._workspace, self._settings = workspace, settings
        self._library, self._listening = library, listening
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def current(self) -> Job | None:
        """The running job, or None."""
        return next((job for job in self._jobs.values() if job.state == "running"), None)

    def recent(self) -> list[Job]:
        """Return the jobs of this server, latest first."""
        return list(reversed(self._jobs.values()))

    def get(self, id_: str) -> Job:
        """Return a job by its id; `NotFoundError` if there is none."""
        if id_ not in self._jobs:
            raise NotFoundError(f"there is no job {id_!r}; /api/v1/jobs lists them")
        return self._jobs[id_]

    def folders(self) -> list[Path]:
        """Return the folders that may be scanned: of ``--music``, scanned before, or with tracks.

        None lies within another: of the folders with tracks, the topmost ones.
        """
        given = [path.absolute() for path in self._settings.music]
        known = map(str, [*given, *scan_roots(self._workspace)])
        return sorted(map(Path, topmost([*known, *self._library.tracks().folders])), key=_depth)

    async def start(self, kind: JobKind, *, folder: Path | None = None) -> Job:
        """Start a job.

        Raises
        ------
        JobRunningError
            If a job is running.
        ParameterError
            If the folder may not be scanned.
        WorkspaceError
            If the workspace is not writable.
        """
        await self._library.in_thread(self._workspace.check_writable)
        command = [kind, *(["refresh"] if kind == "playlists" else ["--jobs", "1"])]
        if kind == "scan":
            command += ["--", *map(str, await self._scanned(folder))]
        elif folder is not None:
            raise ParameterError(f"folder={str(folder)!r} is only for a scan; leave it out")
        if self.current is not None:
            raise JobRunningError(
                f"a job is running: {self.current.kind}; wait until it has ended, or cancel it"
            )
        job = Job(secrets.token_hex(8), kind, folder=str(folder or ""))
        self._jobs[job.id] = job
        while len(self._jobs) > MOST_JOBS:
            self._jobs.popitem(last=False)
        self._task = asyncio.get_running_loop().create_task(self._run(job, command))
        return job

    async def cancel(self, id_: str) -> Job:
        """Cancel a job: it is asked to end, and killed if it takes too long."""
        job = self.get(id_)
        if job.state == "running":
            job.state = "cancelled"
            await self._end()
        return job

    async def events(self, id_: str) -> AsyncIterator[dict[str, object]]:
        """Yield a job's lines of output as they come; last, how it ended."""
        job = self.get(id_)
        seen = 0
        while True:
            changed = job._changed
            lines, seen = job.since(seen), job.n_lines
            for line in lines:
                yield {"event": "line", "line": line}
            if job.ended is not None:
                yield {"event": "end", "state": job.state}
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), timeout=15)
                continue
            yield {"event": "alive"}

    async def stop(self) -> None:
        """Cancel the running job, and wait for its end."""
        if (job := self.current) is not None:
            await self.cancel(job.id)
        if self._task is not None:
            with suppress(asyncio.CancelledError):
                await self._task

    async def _scanned(self, folder: Path | None) -> list[Path]:
        allowed = await self._library.in_thread(self.folders)
        if folder is None:
            if not allowed:
                raise ParameterError(
                    "there is no folder to scan; name one with 'audiorec serve --music DIR'"
                )
            return allowed
        try:
            real = Path(os.path.realpath(folder))
        except ValueError:
            raise ParameterError("folder is not a path") from None
        inside = any(real.is_relative_to(Path(os.path.realpath(each))) for each in allowed)
        if not folder.is_absolute() or not inside:
            raise ParameterError(
                "this folder may not be scanned: no folder with tracks contains it; allow it "
                "with 'audiorec serve --music DIR'"
            )
        return [folder]

    async def _run(self, job: Job, command: list[str]) -> None:
        release: Callable[[], None] | None = None
        try:
            with suppress(WorkspaceError, OSError):
                await self._library.in_thread(self._listening.store_pending)
            release = await self._library.in_thread(self._listening.hold)
            code = await self._watched(job, command)
            if job.state == "running":
                job.state = "done" if code == 0 else "failed"
        except Exception as error:
            logger.exception("job %s", job.kind, exc_info=error)
            job.say(f"it could not be started: {error}")
            job.state = "failed"
        finally:
            if release is not None:
                release()
            self._process = None
            job.ended = time.time()
            job.wake()
            logger.info("job %s %s after %.1f s", job.kind, job.state, job.ended - job.started)

    async def _watched(self, job: Job, command: list[str]) -> int:
        nice = ["nice", "-n", str(NICENESS)] if shutil.which("nice") else []
        self._process = await asyncio.create_subprocess_exec(
            *nice, sys.executable, "-m", "audiorec", "--workspace", str(self._workspace.root),
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"},
            start_new_session=True,
            limit=1 << 20,
        )  # fmt: skip
        if job.state != "running":  # cancelled before it started
            await self._end()
        assert self._process.stdout is not None
        while True:
            try:
                line = await self._process.stdout.readline()
            except ValueError:  # a line beyond the limit
                continue
            if not line:
                break
            if text := line.decode("utf-8", "replace").strip():
                job.say(text)
        return await self._process.wait()

    async def _end(self) -> None:
        process = self._process
        if process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        ends = time.monotonic() + PATIENCE
        # Not `wait`, which also waits for child processes that share its output.
        while process.returncode is None and time.monotonic() < ends:
            await asyncio.sleep(0.05)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # the process, or children that it left behind
        await process.wait()


def _depth(folder: Path) -> tuple[int, str]:
    return len(folder.parts), str(folder)
