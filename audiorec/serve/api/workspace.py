"""Routes of the workspace: status, failed files, and listeners."""

from __future__ import annotations

from typing import Annotated

import polars as pl
from fastapi import APIRouter, Query, Request

from audiorec import artifacts
from audiorec.data.plays import load_plays, stored_name
from audiorec.printable_text import one_line
from audiorec.recommend import Library
from audiorec.serve.api.common import state_of, user_of
from audiorec.serve.api.models import FailureModel, ListenerModel, ListenersModel, StatusModel
from audiorec.serve.workspace_counts import workspace_status

router = APIRouter(tags=["workspace"])


@router.get("/status")
async def status(request: Request) -> StatusModel:
    """Describe the workspace, and what is stale."""
    state = state_of(request)
    table = await state.library.in_thread(workspace_status, state.workspace)
    return StatusModel(**table)


@router.get("/failures")
async def failures(
    request: Request, limit: Annotated[int, Query(ge=1, le=1000)] = 200
) -> list[FailureModel]:
    """List the files that could not be used, and notes on others."""

    def answer(library: Library) -> list[FailureModel]:
        found = [*library.catalog.failures(), *library.catalog.notes()][:limit]
        rows = (map(one_line, failure) for failure in found)
        return [FailureModel(path=path, stage=stage, reason=reason) for path, stage, reason in rows]

    return await state_of(request).library.call(answer)


@router.get("/listeners")
async def listeners(
    request: Request, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> ListenersModel:
    """List the listeners of the plays; on a server with users, only the requesting one."""
    state, user = state_of(request), user_of(request)

    def answer(library: Library) -> ListenersModel:
        if not artifacts.exists(library.workspace.plays):
            return ListenersModel(n=0, results=[])
        plays = load_plays(library.workspace.plays)
        if state.auth.has_users:
            plays = plays.filter(
                pl.col("user_id") == stored_name(user, workspace=library.workspace)
            )
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
