"""Playlists of listeners, and read-only ones made by recipes."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from audiorec.data.playlist_files import SUFFIXES, entry_path
from audiorec.data.playlist_files import entries as listed_files
from audiorec.exceptions import AudiorecError
from audiorec.playlist import SavedPlaylist
from audiorec.serve.subsonic import entries
from audiorec.serve.subsonic.catalog_entities import digest
from audiorec.serve.subsonic.envelope import (
    FORBIDDEN,
    MISSING_PARAMETER,
    NOT_FOUND,
    SubsonicError,
)
from audiorec.serve.subsonic.service import MethodCall, date, method


class RecipePlaylist(NamedTuple):
    """A playlist file that a recipe made."""

    id: str
    name: str
    changed: int
    track_ids: tuple[str, ...]


@method("getPlaylists")
def get_playlists(call: MethodCall) -> dict[str, Any]:
    """List the user's playlists, public ones of others, and those made by recipes."""
    asked = call.parameters.get("username")
    if asked and asked != call.user:
        raise SubsonicError(FORBIDDEN, f"{call.user!r} may not see other users' playlists")
    found = [_playlist_entry(call, each) for each in call.state.saved.list(call.user)]
    found += [_about_made(call, each) for each in _made(call)]
    return {"playlists": {"playlist": found}}


@method("getPlaylist")
def get_playlist(call: MethodCall) -> dict[str, Any]:
    """Return a playlist with its songs; those no longer in the library are skipped."""
    return {"playlist": _with_songs(call, call.parameters.text("id"))}


@method("createPlaylist", waits=True)
def create_playlist(call: MethodCall) -> dict[str, Any]:
    """Create a playlist; with ``playlistId``, replace the songs of one."""
    id_, name = call.parameters.get("playlistId"), call.parameters.get("name")
    tracks = [entries.known_song(call, each) for each in call.parameters.all("songId")]
    if id_:
        _writable(call, id_)
        call.state.saved.update(id_, user=call.user, name=name or None, track_ids=tracks)
    elif name:
        id_ = call.state.saved.create(call.user, name, tracks)
    else:
        message = "parameter 'name' is missing; give it, or a playlistId"
        raise SubsonicError(MISSING_PARAMETER, message)
    return {"playlist": _with_songs(call, id_)}


@method("updatePlaylist", waits=True)
def update_playlist(call: MethodCall) -> None:
    """Rename a playlist, append songs, remove songs by position."""
    id_ = call.parameters.text("playlistId")
    before = _writable(call, id_)
    public = call.parameters.get("public")
    kept = [track for track in before.track_ids if track in call.view.songs]
    # Positions count the songs that the player was shown.
    shown = [place for place, track in enumerate(before.track_ids) if track in call.view.songs]
    gone = call.parameters.integers("songIndexToRemove")
    if outside := [place for place in gone if not 0 <= place < len(kept)]:
        message = f"songIndexToRemove={outside[0]} is not one of the {len(kept)} songs"
        raise SubsonicError(NOT_FOUND, message)
    call.state.saved.update(
        id_,
        user=call.user,
        name=call.parameters.get("name") or None,
        comment=call.parameters.get("comment"),
        public=call.parameters.flag("public", default=False) if public else None,
        add=[entries.known_song(call, each) for each in call.parameters.all("songIdToAdd")],
        remove_positions={shown[place] for place in gone},
    )


@method("deletePlaylist", waits=True)
def delete_playlist(call: MethodCall) -> None:
    """Delete a playlist of the user."""
    id_ = call.parameters.text("id")
    _writable(call, id_)
    call.state.saved.delete(id_, user=call.user)


def playlist_tracks(call: MethodCall, id_: str) -> list[str] | None:
    """Return the song ids of a playlist visible to the user; None if there is none."""
    seen: dict[str, tuple[str, ...]] = {each.id: each.track_ids for each in _made(call)}
    seen.update((each.id, each.track_ids) for each in call.state.saved.list(call.user))
    return [t for t in seen[id_] if t in call.view.songs] if id_ in seen else None


def _with_songs(call: MethodCall, id_: str) -> dict[str, Any]:
    for each in call.state.saved.list(call.user):
        if each.id == id_:
            return {**_playlist_entry(call, each), "entry": entries.songs(call, each.track_ids)}
    for made in _made(call):
        if made.id == id_:
            return {**_about_made(call, made), "entry": entries.songs(call, made.track_ids)}
    raise SubsonicError(NOT_FOUND, f"there is no playlist {id_[:80]!r}")


def _writable(call: MethodCall, id_: str) -> SavedPlaylist:
    """Return a playlist that the user may change."""
    for each in call.state.saved.list(call.user):
        if each.id == id_:
            if each.user != call.user:
                raise SubsonicError(FORBIDDEN, f"the playlist is {each.user}'s; copy it first")
            return each
    if any(made.id == id_ for made in _made(call)):
        message = "a recipe generates this playlist; copy its songs to one of your own"
        raise SubsonicError(FORBIDDEN, message)
    raise SubsonicError(NOT_FOUND, f"there is no playlist {id_[:80]!r}")


def _playlist_entry(call: MethodCall, found: SavedPlaylist) -> dict[str, Any]:
    entry = {
        "id": found.id,
        "name": found.name,
        "comment": found.comment,
        "owner": found.user,
        "public": found.public,
        "created": date(found.created),
        "changed": date(found.changed),
        **_count_and_duration(call, found.id, found.track_ids),
    }
    # Clients older than this field refuse it: it is sent only when set.
    return entry if found.user == call.user else {**entry, "readonly": True}


def _about_made(call: MethodCall, made: RecipePlaylist) -> dict[str, Any]:
    return {
        "id": made.id,
        "name": made.name,
        "comment": "made by audiorec",
        "owner": call.user,
        "public": True,
        "created": date(made.changed),
        "changed": date(made.changed),
        "readonly": True,
        **_count_and_duration(call, made.id, made.track_ids),
    }


def _count_and_duration(call: MethodCall, id_: str, track_ids: tuple[str, ...]) -> dict[str, Any]:
    songs = [call.view.songs[track] for track in track_ids if track in call.view.songs]
    return {
        "songCount": len(songs),
        "duration": round(sum(track.duration for track in songs)),
        "coverArt": id_,
    }


def _made(call: MethodCall) -> list[RecipePlaylist]:
    """Return the playlist files in the workspace, by name; those of other music are skipped."""
    folder = call.state.workspace.playlists
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    found = []
    for file in files:
        if file.suffix.lower() in SUFFIXES and not file.name.startswith("."):
            made = call.service.cached_file(file, partial(_read, call, file))
            if made is not None:
                found.append(made)
    return found


def _read(call: MethodCall, file: Path) -> RecipePlaylist | None:
    by_path = {track.path: id_ for id_, track in call.view.songs.items()}
    try:
        changed = int(file.stat().st_mtime)
        paths = [entry_path(entry, folder=file.absolute().parent) for entry in listed_files(file)]
    except (AudiorecError, OSError):
        return None
    ids = tuple(by_path[path] for path in paths if path in by_path)
    if not ids:
        return None  # not a playlist, or one of other music
    return RecipePlaylist(digest("made", file.name), file.stem, min(changed, int(time.time())), ids)
