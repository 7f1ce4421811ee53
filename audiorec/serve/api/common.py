"""Shared code of the API routes: the requesting listener, and models of tracks and answers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from audiorec.data import segment_of
from audiorec.data.catalog import Track, as_text
from audiorec.serve.api.models import Filters, HitModel, TrackModel
from audiorec.serve.auth import ForbiddenError
from audiorec.serve.media import content_type, is_playable
from audiorec.serve.state import ServerState, state_of

if TYPE_CHECKING:
    from audiorec.recommend import Hit
    from audiorec.serve.track_table import TrackTable
    from audiorec.sessions import SessionHit

__all__ = ["check_listeners", "hit_models", "state_of", "track_model", "user_of"]


def user_of(request: Request) -> str:
    """Return the listener who sends a request."""
    user: str = request.state.user
    return user


def check_listeners(
    state: ServerState, request: Request, names: Iterable[str], *, others: bool = False
) -> None:
    """Raise `ForbiddenError` for listeners whose data the requesting one may not see.

    On a server with users those are all others; `others` allows the other users. Without users
    nobody is forbidden, since every client has the whole workspace.
    """
    if not state.auth.has_users:
        return
    allowed: Collection[str] = {user_of(request), *(state.auth.users() if others else ())}
    for name in names:
        if name not in allowed:
            raise ForbiddenError(f"listener {name!r} is not you; leave the name out")


def check_filters(state: ServerState, request: Request, filters: Filters) -> None:
    """Check the listeners named by filters; see `check_listeners`."""
    named = [name for name in (filters.new_for, filters.unplayed_by) if name]
    check_listeners(state, request, named)


def track_model(track: Track) -> TrackModel:
    """Convert a track to its model."""
    return TrackModel(
        track_id=track.track_id,
        artist=track.artist,
        title=track.title,
        album=track.album,
        number=track.number,
        year=track.year,
        genre=track.genre,
        duration=track.duration,
        path=as_text(track.path),
        format=track.format,
        content_type=content_type(track),
        playable=is_playable(track),
        missing=track.missing,
        **part_of(track),
        guessed=list(track.guessed),
    )


def hit_models(hits: Sequence[Hit | SessionHit], table: TrackTable) -> list[HitModel]:
    """Convert hits to their models."""
    return [HitModel(**hit_fields(hit, table)) for hit in hits]


def hit_fields(hit: Hit | SessionHit, table: TrackTable) -> dict[str, Any]:
    """Return the fields of a `HitModel`."""
    track = table.by_id.get(hit.track_id)
    return {
        **hit._asdict(),
        "path": as_text(hit.path),
        "guessed": list(getattr(hit, "guessed", ())),
        "album": track.album if track else "",
        "duration": track.duration if track else 0.0,
        "playable": track is not None and is_playable(track),
        **part_of(track),
    }


def part_of(track: Track | None) -> dict[str, Any]:
    """Return start and end of a track within its file, s; it may be a part of one."""
    segment = segment_of(track.path) if track is not None and "#t=" in track.path else None
    return {"start": segment.start if segment else 0.0, "end": segment.end if segment else None}
