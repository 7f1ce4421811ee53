"""Audio, covers, spectrograms and previews of tracks."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from audiorec.recommend import find_previews
from audiorec.recommend.preview_segment import SECONDS
from audiorec.serve.api.common import state_of
from audiorec.serve.api.tracks import Id
from audiorec.serve.media import TYPES
from audiorec.serve.open_file import open_audio
from audiorec.serve.preview import PreviewRequest, make_preview
from audiorec.serve.problems import MEDIA_TYPE, problem

router = APIRouter(tags=["files"])
KEEP = {"cache-control": "private, max-age=86400"}
AUDIO: dict[str, Any] = {kind: {} for kind in sorted({*TYPES.values(), "application/octet-stream"})}
AUDIO_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"content": AUDIO},
    206: {"description": "Partial content", "content": AUDIO},
    304: {"description": "Not modified"},
    410: {"description": "Gone", "content": {MEDIA_TYPE: {}}},
    416: {"description": "Range not satisfiable", "content": AUDIO},
}


@router.get("/audio", response_class=Response, responses=AUDIO_RESPONSES)
async def audio(request: Request, id: Id) -> Response:
    """Send the file of a track as it is, or the part that ``Range`` names."""
    return await state_of(request).media.audio(id, request)


@router.head("/audio", include_in_schema=False)
async def audio_head(request: Request, id: Id) -> Response:
    """Send the headers of a track's file, without the bytes."""
    return await state_of(request).media.audio(id, request)


@router.get(
    "/cover",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}, "image/png": {}}}},
)
async def cover(
    request: Request,
    id: Id,
    size: Annotated[int, Query(ge=16, le=2000)] = 300,
) -> Response:
    """Send cover art from a track's tags, about `size` pixels wide and high."""
    state = state_of(request)
    found = await state.library.in_thread(lambda: state.media.cover(id, size=size))
    if found is None:
        raise HTTPException(404, "the file has no cover art in its tags")
    return Response(found.data, media_type=found.content_type, headers=KEEP)


@router.get(
    "/spectrogram", response_class=Response, responses={200: {"content": {"image/png": {}}}}
)
async def spectrogram(request: Request, id: Id) -> Response:
    """Send the log-mel spectrogram of a track's clips."""
    state = state_of(request)
    data = await state.library.in_thread(state.media.spectrogram, id)
    return Response(data, media_type="image/png", headers=KEEP)


@router.get(
    "/preview",
    response_class=Response,
    responses={
        200: {"content": {"audio/mpeg": {}}},
        410: {"description": "Gone", "content": {MEDIA_TYPE: {}}},
    },
)
async def preview(
    request: Request,
    id: Id,
    seconds: Annotated[float, Query(ge=1, le=60, allow_inf_nan=False)] = SECONDS,
) -> Response:
    """Send the most typical excerpt of a track as an MP3, which browsers play.

    Without a stored spectrogram, the excerpt is the middle.
    """
    state = state_of(request)
    track = await state.library.call_quick(lambda library: library.catalog.get(id))
    try:
        (await state.library.in_thread(open_audio, track)).close()
    except OSError:
        return problem(410, f"the file of {id!r} is gone; run 'audiorec scan' again")
    found = await state.library.in_thread(find_previews, state.workspace, [track])
    start = found[id].start if id in found else None
    with state.worker.place():
        data = await state.worker.call(make_preview, PreviewRequest(track.path, start, seconds))
    return Response(data, media_type="audio/mpeg", headers=KEEP)
