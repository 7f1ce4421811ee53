"""Stars, ratings and plays: feedback on songs from players."""

from __future__ import annotations

import time
from typing import Any

from audiorec.serve.subsonic import entries
from audiorec.serve.subsonic.envelope import (
    GENERIC,
    MISSING_PARAMETER,
    NOT_FOUND,
    SubsonicError,
)
from audiorec.serve.subsonic.service import MethodCall, method

STATES = ("starting", "playing", "paused", "stopped")
# Some players send seconds instead of the protocol's milliseconds: times before 1973 are theirs.
FIRST_MILLISECOND = 100_000_000_000


@method("star", waits=True)
def star(call: MethodCall) -> None:
    """Star songs, albums and artists; a star on a song is a like."""
    for kind, id_ in _starred_things(call):
        call.state.listening.star(call.user, kind, id_)


@method("unstar", waits=True)
def unstar(call: MethodCall) -> None:
    """Remove stars."""
    for kind, id_ in _starred_things(call):
        call.state.listening.unstar(call.user, kind, id_)


def _starred_things(call: MethodCall) -> list[tuple[Any, str]]:
    """Return kind and id of everything in a request, checked to exist."""
    view = call.view
    given = {name: call.parameters.all(name) for name in ("id", "albumId", "artistId")}
    if not any(given.values()):
        message = "parameter 'id', 'albumId' or 'artistId' is missing; give one"
        raise SubsonicError(MISSING_PARAMETER, message)
    found = []
    # A client that browses folders sends the id of an album or artist as that of a song.
    places = (("track", view.songs), ("album", view.albums), ("artist", view.artists))
    among = {"id": places, "albumId": places[1:2], "artistId": places[2:]}
    for name, ids in given.items():
        for id_ in ids:
            kind = next((kind for kind, known in among[name] if id_ in known), None)
            if kind is None:
                raise SubsonicError(NOT_FOUND, f"{name}={id_[:80]!r} is not in this library")
            found.append((kind, id_))
    return found


@method("setRating", waits=True)
def set_rating(call: MethodCall) -> None:
    """Rate a song from 1 to 5; 0 removes the rating."""
    id_ = call.parameters.text("id")
    stars = call.parameters.integer("rating", least=-1, most=6)
    if not 0 <= stars <= 5:
        raise SubsonicError(GENERIC, "rating must be from 0 to 5")
    if id_ not in call.view.songs and (id_ in call.view.albums or id_ in call.view.artists):
        raise SubsonicError(GENERIC, "only songs can be rated; star albums and artists instead")
    call.state.listening.rate(call.user, entries.known_song(call, id_), stars)


@method("scrobble", waits=True)
def scrobble(call: MethodCall) -> None:
    """Count songs as played, each at its time; or record what is being played."""
    if not call.parameters.all("id"):
        raise SubsonicError(MISSING_PARAMETER, "parameter 'id' is missing; give it")
    ids = [entries.known_song(call, id_) for id_ in call.parameters.all("id")]
    times = [_second(ms) for ms in call.parameters.integers("time")]
    if len(times) > len(ids):
        raise SubsonicError(GENERIC, f"{len(times)} times for {len(ids)} ids; give one for each")
    client = call.parameters.get("c") or ""
    if not call.parameters.flag("submission", default=True):
        for id_ in ids:
            call.state.listening.now_playing(call.user, id_, client)
        return
    for place, id_ in enumerate(ids):
        at = times[place] if place < len(times) else None
        call.state.listening.played(call.user, id_, at=at)


def _second(milliseconds: int) -> int:
    """Convert a time of the protocol to seconds since 1970; a future one becomes now."""
    if milliseconds < 0:
        raise SubsonicError(GENERIC, f"time={milliseconds} is before 1970; give milliseconds since")
    seconds = milliseconds if milliseconds < FIRST_MILLISECOND else milliseconds // 1000
    return min(seconds, int(time.time()))


@method("reportPlayback", waits=True)
def report_playback(call: MethodCall) -> None:
    """Record a player's playback report; the stop position decides whether it was a play."""
    id_ = entries.known_song(call, call.parameters.text("mediaId"))
    if call.parameters.text("mediaType") != "song":
        raise SubsonicError(GENERIC, "mediaType must be song; nothing else is supported")
    position = call.parameters.integer("positionMs") / 1000
    state = call.parameters.text("state")
    if state not in STATES:
        raise SubsonicError(GENERIC, f"state={state[:40]!r} must be one of {', '.join(STATES)}")
    if state != "stopped":
        call.state.listening.now_playing(call.user, id_, call.parameters.get("c") or "")
    elif not call.parameters.flag("ignoreScrobble", default=False):
        duration = call.view.songs[id_].duration
        call.state.listening.played(call.user, id_, seconds=position, duration=duration)
