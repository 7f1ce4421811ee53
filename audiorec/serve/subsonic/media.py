"""Audio files and covers."""

from __future__ import annotations

from starlette.responses import Response

from audiorec.serve.subsonic import entries
from audiorec.serve.subsonic.envelope import NOT_FOUND, SubsonicError
from audiorec.serve.subsonic.playlists import playlist_tracks
from audiorec.serve.subsonic.service import MethodCall, method

MOST_LOOKED_AT = 8  # songs of an album that are tried for a cover
LARGEST = 2000  # pixels
GONE = 410


@method("stream", "download")
async def stream(call: MethodCall) -> Response:
    """Send a song's file as it is, or a part of it; nothing is transcoded.

    A track that is a part of a file, by a CUE sheet, is cut out as FLAC.
    It does not count as a play: a player reports plays by `scrobble`.
    """
    id_ = call.parameters.text("id")
    await call.state.library.in_thread(entries.known_song, call, id_)
    response = await call.state.media.audio(id_, call.request)
    if response.status_code == GONE:
        raise SubsonicError(NOT_FOUND, f"the file of {id_[:80]!r} is gone; scan again")
    return response


@method("getCoverArt", waits=True)
def get_cover_art(call: MethodCall) -> Response:
    """Send the cover of a song, an album, an artist, a folder or a playlist, scaled if needed."""
    id_ = call.parameters.text("id")
    size = call.parameters.integer("size", 0, most=LARGEST) or None
    listed = playlist_tracks(call, id_)
    for track_id in (entries.tracks_of(call, id_) if listed is None else listed)[:MOST_LOOKED_AT]:
        cover = call.state.media.cover(track_id, size=size)
        if cover is not None:
            headers = {"Cache-Control": "private, max-age=3600"}
            return Response(cover.data, media_type=cover.content_type, headers=headers)
    raise SubsonicError(NOT_FOUND, f"{id_[:80]!r} has no cover")


@method("getAvatar")
def get_avatar(call: MethodCall) -> Response:
    """Answer that there is none: users have no pictures on this server."""
    call.parameters.text("username")
    raise SubsonicError(NOT_FOUND, "users have no pictures on this server")
