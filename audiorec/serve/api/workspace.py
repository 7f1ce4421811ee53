"""The workspace: what it holds, who listens, what is excluded, and the work that is done on it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

import polars as pl
from fastapi import APIRouter, Query, Request
from starlette.responses import Response, StreamingResponse

from audiorec import artifacts
from audiorec.data.catalog.exclusions import (
    Exclusion,
    check_exclusion,
    excluded_tracks,
    load_exclusions,
    remove_exclusion,
    save_exclusions,
)
from audiorec.data.plays.store import load_plays
from audiorec.printable_text import one_line
from audiorec.recommend.library import Library
from audiorec.serve.api.common import state_of, stored_listener, user_of
from audiorec.serve.api.models import (
    CancelRequest,
    ExclusionModel,
    ExclusionRequest,
    ExclusionsModel,
    FailureModel,
    JobModel,
    JobRequest,
    JobsModel,
    ListenerModel,
    ListenersModel,
    StatusModel,
    Word,
)
from audiorec.serve.jobs import Job
from audiorec.serve.summaries import workspace_status

router = APIRouter(tags=["workspace"])


@router.get("/status")
async def status(request: Request) -> StatusModel:
    """What the workspace holds, and what is stale."""
    state = state_of(request)
    table = await state.library.in_thread(workspace_status, state.workspace)
    return StatusModel(**table)


@router.get("/failures")
async def failures(
    request: Request, limit: Annotated[int, Query(ge=1, le=1000)] = 200
) -> list[FailureModel]:
    """Files that could not be used, and notes on others."""

    def answer(library: Library) -> list[FailureModel]:
        found = [*library.catalog.failures(), *library.catalog.notes()][:limit]
        rows = (map(one_line, failure) for failure in found)
        return [FailureModel(path=path, stage=stage, reason=reason) for path, stage, reason in rows]

    return await state_of(request).library.call(answer)


@router.get("/listeners")
async def listeners(
    request: Request, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> ListenersModel:
    """Listeners of the plays; on a server with users, the one who asks."""
    state, user = state_of(request), user_of(request)

    def answer(library: Library) -> ListenersModel:
        if not artifacts.exists(library.workspace.plays):
            return ListenersModel(n=0, results=[])
        plays = load_plays(library.workspace.plays)
        if state.auth.has_users:
            plays = plays.filter(pl.col("user_id") == stored_listener(library.workspace, user))
        found = (
            plays.group_by("user_id")
            .agg(pl.col("plays").sum(), pl.col("track_id").n_unique())
            .sort(["plays", "user_id"], descending=[True, False])
        )
        rows = [
            ListenerModel(user=name, plays=count, tracks=n)
            for name, count, n in found.head(limit).iter_rows()
        ]
        return ListenersModel(n=len(found), results=rows)

    return await state.library.call(answer)


@router.get("/exclusions")
async def exclusions(request: Request) -> ExclusionsModel:
    """The rules that hide tracks from every answer."""
    return await state_of(request).library.call(_exclusions)


@router.post("/exclusions")
async def exclude(request: Request, body: ExclusionRequest) -> ExclusionsModel:
    """Add a rule."""

    def answer(library: Library) -> ExclusionsModel:
        new = check_exclusion(Exclusion(body.kind, body.value))
        workspace = library.workspace
        with workspace.writing():
            save_exclusions(workspace.exclusions, [*load_exclusions(workspace.exclusions), new])
        return _exclusions(library)

    return await state_of(request).library.call(answer)


@router.delete("/exclusions")
async def include(
    request: Request, kind: Annotated[Word, Query()], value: Annotated[Word, Query()]
) -> ExclusionsModel:
    """Remove a rule."""

    def answer(library: Library) -> ExclusionsModel:
        workspace = library.workspace
        with workspace.writing():
            rules = load_exclusions(workspace.exclusions)
            left = remove_exclusion(rules, str(Exclusion(kind, value)))
            save_exclusions(workspace.exclusions, left)
        return _exclusions(library)

    return await state_of(request).library.call(answer)


@router.get("/jobs")
async def jobs(request: Request) -> JobsModel:
    """Work that is done or was, and the folders that may be scanned."""
    state = state_of(request)
    folders = await state.library.in_thread(state.jobs.folders)
    return JobsModel(
        jobs=[_job(job) for job in state.jobs.recent()],
        folders=[one_line(str(folder)) for folder in folders[:1000]],
    )


@router.post("/jobs", status_code=202)
async def start_job(request: Request, body: JobRequest) -> JobModel:
    """Begin a scan, a run, or a refresh of the playlists."""
    folder = Path(body.folder) if body.folder is not None else None
    return _job(await state_of(request).jobs.start(body.kind, folder=folder))


@router.post("/jobs/cancel")
async def cancel_job(request: Request, body: CancelRequest) -> JobModel:
    """End work; what was done of it is kept."""
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
    """What a job says, as it says it: events ``line``, and at last ``end``."""
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


def _exclusions(library: Library) -> ExclusionsModel:
    rules = load_exclusions(library.workspace.exclusions)
    counts = [len(excluded_tracks(library.catalog, [rule])) for rule in rules]
    rows = [
        ExclusionModel(number=n, kind=rule.kind, value=rule.value, tracks=count)
        for n, (rule, count) in enumerate(zip(rules, counts, strict=True), start=1)
    ]
    return ExclusionsModel(
        exclusions=rows, hidden=len(excluded_tracks(library.catalog, rules)) if rules else 0
    )
