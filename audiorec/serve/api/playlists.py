"""Routes of playlists, playlist files, and saved playlist recipes."""

from __future__ import annotations

import tempfile
from pathlib import Path
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import Response

from audiorec.playlist import build_playlist, find_replacement, save_recipe, write_playlist
from audiorec.recommend import Library
from audiorec.serve.api.common import check_filters, check_listeners, hit_fields, state_of, user_of
from audiorec.serve.api.models import (
    EntryModel,
    HitModel,
    PlaylistFileRequest,
    PlaylistModel,
    PlaylistOptions,
    RecipeRequest,
    RecipesModel,
    ReplacementRequest,
)
from audiorec.serve.state import ServerState

router = APIRouter(tags=["playlists"])
TYPES = {
    "m3u8": "audio/x-mpegurl",
    "xspf": "application/xspf+xml",
    "jspf": "application/jspf+json",
    "csv": "text/csv",
    "json": "application/json",
}


@router.post("/playlist")
async def playlist(request: Request, body: PlaylistOptions) -> PlaylistModel:
    """Make a playlist, without storing it."""
    state = state_of(request)
    wanted = _with_listener(state, request, body).to_request()

    def answer(library: Library) -> PlaylistModel:
        made = build_playlist(library, wanted)
        table = state.library.tracks()
        rows = [
            EntryModel(**hit_fields(hit, table), reason=reason, distance=distance)
            for hit, reason, distance in made.entries
        ]
        return PlaylistModel(
            kind=wanted.kind,
            space=wanted.space,
            stale=bool(library.stale),
            seeds=list(made.seeds),
            notes=list(made.notes),
            seconds=round(made.seconds, 1),
            results=rows,
        )

    return await state.library.call(answer)


@router.post("/playlist/replacement")
async def replacement(request: Request, body: ReplacementRequest) -> HitModel:
    """Choose another track for one position of a playlist, near its neighbours there."""
    state = state_of(request)
    check_filters(state, request, body.filters)
    filters = body.filters.to_filter()

    def answer(library: Library) -> HitModel:
        hit = find_replacement(
            library, body.track_ids, position=body.position, dropped=body.dropped, filters=filters
        )
        return HitModel(**hit_fields(hit, state.library.tracks()))

    return await state.library.call(answer)


@router.post(
    "/playlist/file",
    response_class=Response,
    responses={200: {"content": {kind: {} for kind in TYPES.values()}}},
)
async def playlist_file(request: Request, body: PlaylistFileRequest) -> Response:
    """Write tracks as a playlist file for a player, with absolute paths."""
    state = state_of(request)

    def answer(library: Library) -> bytes:
        tracks = [library.catalog.get(track_id) for track_id in body.track_ids]
        with tempfile.TemporaryDirectory(prefix="audiorec-playlist-") as folder:
            file = Path(folder) / f"playlist.{body.format}"
            write_playlist(tracks, file, format_=body.format, title=body.name)
            return file.read_bytes()

    content = await state.library.call(answer)
    name = "".join(c for c in body.name if c.isprintable() and c not in '/\\"<>|:*?') or "playlist"
    named = quote(f"{name}.{body.format}".encode("utf-8", "replace"))
    return Response(
        content,
        media_type=TYPES.get(body.format, "application/octet-stream"),
        headers={"content-disposition": f"attachment; filename*=UTF-8''{named}"},
    )


@router.get("/recipes")
async def recipes(request: Request) -> RecipesModel:
    """List the names of the saved recipes, which a refresh makes again."""
    state = state_of(request)
    return RecipesModel(saved=await state.library.in_thread(_saved, state))


@router.post("/recipes")
async def add_recipe(request: Request, body: RecipeRequest) -> RecipesModel:
    """Save a request as a recipe, replacing one of that name; a job ``playlists`` makes it."""
    state = state_of(request)
    wanted = _with_listener(state, request, body.request).to_request()

    def save() -> list[str]:
        save_recipe(state.workspace.recipes, body.name, wanted, format_=body.format)
        return _saved(state)

    return RecipesModel(saved=await state.library.in_thread(save))


def _with_listener(state: ServerState, request: Request, body: PlaylistOptions) -> PlaylistOptions:
    """Add the requesting listener to a request whose kind needs one and names none."""
    check_filters(state, request, body.filters)
    check_listeners(state, request, body.users, others=body.kind == "mix")
    return body if body.users else body.model_copy(update={"users": [user_of(request)]})


def _saved(state: ServerState) -> list[str]:
    return sorted(file.stem for file in state.workspace.recipes.glob("*.toml"))
