"""Routes that find tracks by words, or one by its id."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from audiorec.serve.api.common import state_of, track_model
from audiorec.serve.api.models import FoundModel, TrackModel

router = APIRouter(tags=["tracks"])
Id = Annotated[str, Query(min_length=1, max_length=1000, description="track_id")]


@router.get("/find")
async def find(
    request: Request,
    q: Annotated[str, Query(max_length=500, description="Words; empty for all tracks.")] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> FoundModel:
    """Find the tracks whose artist, title, album and path contain all words, best first."""
    library = state_of(request).library
    found = await library.in_thread(lambda: library.tracks().find(q))
    rows = [track_model(track) for track in found[offset : offset + limit]]
    return FoundModel(query=q, n=len(found), results=rows)


@router.get("/track")
async def track(request: Request, id: Id) -> TrackModel:
    """Return one track."""
    found = await state_of(request).library.call_quick(lambda library: library.catalog.get(id))
    return track_model(found)
