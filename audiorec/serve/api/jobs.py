"""Routes of the jobs: scans, runs and refreshes of playlists, and their output."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, StringConstraints
from starlette.responses import Response, StreamingResponse

from audiorec.printable_text import one_line
from audiorec.serve.api.common import state_of
from audiorec.serve.api.models import RequestBody
from audiorec.serve.jobs import Job, JobKind

router = APIRouter(tags=["workspace"])


class JobRequest(RequestBody):
    """A job to start."""

    kind: JobKind
    folder: Annotated[str, StringConstraints(min_length=1, max_length=4096)] | None = None


class JobModel(BaseModel):
    """A running or finished job."""

    id: str
    kind: JobKind
    folder: str
    state: Literal["running", "done", "failed", "cancelled"]
    started: float
    ended: float | None
    lines: list[str]


class JobsModel(BaseModel):
    """Jobs of this server, latest first, and the folders that may be scanned."""

    jobs: list[JobModel]
    folders: list[str]


class CancelRequest(RequestBody):
    """A job to cancel."""

    id: Annotated[str, StringConstraints(min_length=1, max_length=64)]


@router.get("/jobs")
async def jobs(request: Request) -> JobsModel:
    """List running and finished jobs, and the folders that may be scanned."""
    state = state_of(request)
    folders = await state.library.in_thread(state.jobs.folders)
    return JobsModel(
        jobs=[_job(job) for job in state.jobs.recent()],
        folders=[one_line(str(folder)) for folder in folders[:1000]],
    )


@router.post("/jobs", status_code=202)
async def start_job(request: Request, body: JobRequest) -> JobModel:
    """Start a scan, a run or a refresh of the playlists."""
    folder = Path(body.folder) if body.folder is not None else None
    return _job(await state_of(request).jobs.start(body.kind, folder=folder))


@router.post("/jobs/cancel")
async def cancel_job(request: Request, body: CancelRequest) -> JobModel:
    """Cancel a job; its results so far are kept."""
    return _job(await state_of(request).jobs.cancel(body.id))


@router.get(
    "/jobs/events",
    response_class=Response,
    responses={200: {"content": {"text/event-stream": {}}}},
)
async def job_events(
    request: Request,
    id: Annotated[str, Query(min_length=1, max_length=64)],
) -> Response:
    """Stream a job's output as it comes: events ``line``, and finally ``end``."""
    jobs = state_of(request).jobs
    jobs.get(id)

    async def stream() -> AsyncIterator[str]:
        async for event in jobs.events(id):
            name = event.pop("event")
            yield f"event: {name}\ndata: {json.dumps(event)}\n\n"

    return StreamingResponse(
        stream(), media_type="text/event-stream", headers={"cache-control": "no-store"}
    )


def _job(job: Job) -> JobModel:
    return JobModel(
        id=job.id,
        kind=job.kind,
        folder=one_line(job.folder),
        state=job.state,
        started=job.started,
        ended=job.ended,
        lines=list(job.lines)[-20:],
    )
