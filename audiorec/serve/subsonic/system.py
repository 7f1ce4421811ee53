"""The server: extensions, users and scans."""

from __future__ import annotations

from typing import Any

from audiorec.exceptions import AudiorecError
from audiorec.serve.subsonic.entries import known_song
from audiorec.serve.subsonic.envelope import FORBIDDEN, GENERIC, SubsonicError
from audiorec.serve.subsonic.service import MethodCall, method

EXTENSIONS = {
    "apiKeyAuthentication": [1],
    "formPost": [1],
    "indexBasedQueue": [1],
    "playbackReport": [1],
    "topSongsByArtistId": [1],
}
SONIC = "sonicSimilarity"
ROLES = {
    "scrobblingEnabled": True,
    "adminRole": False,
    "settingsRole": False,
    "downloadRole": True,
    "uploadRole": False,
    "playlistRole": True,
    "coverArtRole": False,
    "commentRole": False,
    "podcastRole": False,
    "streamRole": True,
    "jukeboxRole": False,
    "shareRole": False,
    "videoConversionRole": False,
}


@method("ping")
def ping(call: MethodCall) -> None:
    """Answer that the server is there."""


@method("getLicense")
def get_license(call: MethodCall) -> dict[str, Any]:
    """Answer with a valid licence: the server is free."""
    return {"license": {"valid": True}}


@method("getOpenSubsonicExtensions")
def get_extensions(call: MethodCall) -> dict[str, Any]:
    """List the extensions of the protocol; sonic similarity only if there is an index."""
    found = dict(EXTENSIONS)
    assert call.library is not None
    try:
        if len(call.library.index):
            found[SONIC] = [1]
    except AudiorecError:
        pass  # no index yet
    ordered = sorted(found.items())
    return {"openSubsonicExtensions": [{"name": n, "versions": v} for n, v in ordered]}


@method("tokenInfo")
def token_info(call: MethodCall) -> dict[str, Any]:
    """Return the user of an API key."""
    if "apiKey" not in call.parameters:
        raise SubsonicError(GENERIC, "tokenInfo describes an API key; log in with one")
    return {"tokenInfo": {"username": call.user}}


@method("getUser")
def get_user(call: MethodCall) -> dict[str, Any]:
    """Return the permissions of the user."""
    name = call.parameters.text("username")
    if name != call.user:
        raise SubsonicError(FORBIDDEN, f"{call.user!r} may not see other users")
    return {"user": _user(call)}


@method("getUsers")
def get_users(call: MethodCall) -> dict[str, Any]:
    """List the users visible to the user: only themselves."""
    return {"users": {"user": [_user(call)]}}


def _user(call: MethodCall) -> dict[str, Any]:
    folders = list(range(1, len(call.view.roots) + 1))
    return {"username": call.user, **ROLES, "folder": folders}


@method("getScanStatus")
def get_scan_status(call: MethodCall) -> dict[str, Any]:
    """Return whether a scan is running, and the number of songs."""
    return _scan_status(call)


@method("startScan")
async def start_scan(call: MethodCall) -> dict[str, Any]:
    """Start a scan for new files in the folders scanned before."""
    job = call.state.jobs.current
    if job is None or job.kind != "scan":
        await call.state.jobs.start("scan")
    return await call.state.library.in_thread(_scan_status, call)


def _scan_status(call: MethodCall) -> dict[str, Any]:
    job = call.state.jobs.current
    scanning = job is not None and job.kind == "scan"
    return {"scanStatus": {"scanning": scanning, "count": len(call.view.songs)}}


# Features of other servers that this one lacks: an empty answer is correct.
@method("getInternetRadioStations")
def get_stations(call: MethodCall) -> dict[str, Any]:
    """Return no internet radio stations."""
    return {"internetRadioStations": {}}


@method("getPodcasts")
def get_podcasts(call: MethodCall) -> dict[str, Any]:
    """Return no podcasts."""
    return {"podcasts": {}}


@method("getNewestPodcasts")
def get_newest_podcasts(call: MethodCall) -> dict[str, Any]:
    """Return no podcast episodes."""
    return {"newestPodcasts": {}}


@method("getShares")
def get_shares(call: MethodCall) -> dict[str, Any]:
    """Return no shares."""
    return {"shares": {}}


@method("getVideos")
def get_videos(call: MethodCall) -> dict[str, Any]:
    """Return no videos."""
    return {"videos": {}}


@method("getLyrics")
def get_lyrics(call: MethodCall) -> dict[str, Any]:
    """Return no lyrics: they are not read from files."""
    return {"lyrics": {"value": ""}}


@method("getLyricsBySongId")
def get_lyrics_by_id(call: MethodCall) -> dict[str, Any]:
    """Return no lyrics: they are not read from files."""
    known_song(call, call.parameters.text("id"))
    return {"lyricsList": {"structuredLyrics": []}}
