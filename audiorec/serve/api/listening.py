"""Routes of plays, skips, likes and ratings."""

from __future__ import annotations

from fastapi import APIRouter, Request

from audiorec.serve.api.common import state_of, user_of
from audiorec.serve.api.models import ListeningModel, ListeningRequest, LoginState
from audiorec.serve.api.tracks import Id
from audiorec.serve.listening import Played
from audiorec.serve.state import ServerState

router = APIRouter(tags=["listening"])


@router.post("/listening")
async def listen(request: Request, body: ListeningRequest) -> ListeningModel:
    """Store a play, a skip or an opinion of the requesting listener; on disk when answered."""
    state, user = state_of(request), user_of(request)
    track = await state.library.call_quick(lambda library: library.catalog.get(body.id))

    def store() -> Played | str:
        listening = state.listening
        if body.kind == "play":
            return listening.played(
                user, body.id, seconds=body.seconds, duration=track.duration, at=body.at
            )
        if body.kind == "rate":
            listening.rate(user, body.id, body.stars)
        elif body.kind == "unstar":
            listening.unstar(user, "track", body.id)
        else:
            say = {"like": listening.like, "star": listening.like,
                   "dislike": listening.dislike, "clear": listening.clear}  # fmt: skip
            say[body.kind](user, body.id)
        return "rating"

    stored = await state.library.in_thread(store)
    return await _listening_of(state, user, body.id, stored)


@router.get("/listening")
async def opinion(request: Request, id: Id) -> ListeningModel:
    """Return the requesting listener's opinion of a track."""
    return await _listening_of(state_of(request), user_of(request), id, "")


@router.get("/session")
async def session(request: Request) -> LoginState:
    """Return the logged-in user, and the token that a page's changes must carry."""
    return LoginState(user=user_of(request), csrf=request.state.csrf)


async def _listening_of(
    state: ServerState, user: str, track_id: str, stored: str
) -> ListeningModel:
    said = await state.library.in_thread(state.listening.opinion, user, track_id)
    return ListeningModel.model_validate(
        {"user": user, "track_id": track_id, "stored": stored, "liked": said.liked,
         "disliked": said.disliked, "stars": said.stars}
    )  # fmt: skip
