"""Songs, albums, artists and folders in the format of the protocol.

Conventions
-----------
Fields that OpenSubsonic adds to songs, albums and artists, if supported here, are always present,
empty where there is no value: that is how a client knows that the server supports them. Fields that
the older protocol omits when unknown (year, number, rating) are omitted.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

from audiorec.data import segment_of
from audiorec.data.catalog import given_tags
from audiorec.serve.media import content_type
from audiorec.serve.subsonic.catalog_entities import UNKNOWN_ALBUM, Album, CatalogArtist, Folder
from audiorec.serve.subsonic.envelope import NOT_FOUND, SubsonicError
from audiorec.serve.subsonic.service import MethodCall, date

Entry = dict[str, Any]


def song(call: MethodCall, track_id: str) -> Entry:
    """Format a song as a ``Child``."""
    view = call.view
    track, place = view.songs[track_id], view.places[track_id]
    album, artist = view.albums[place.album_id], view.artists[place.artist_id]
    part = "#t=" in track.path and segment_of(track.path) is not None
    size = 0 if part else view.sizes.get(track_id, 0)
    title = track.title or PurePosixPath(place.path).stem or track_id
    artist_name = track.artist or artist.name
    entry: Entry = {
        "id": track_id,
        "parent": place.folder_id,
        "isDir": False,
        "title": title,
        "album": album.name,
        "artist": artist_name,
        "coverArt": track_id if album.name == UNKNOWN_ALBUM else album.id,
        "size": size,
        "contentType": content_type(track),
        "suffix": "flac" if part else PurePosixPath(place.path).suffix[1:].lower() or track.format,
        "duration": round(track.duration),
        "bitRate": round(size * 8 / track.duration / 1000) if track.duration else 0,
        "samplingRate": track.sr,
        "channelCount": track.channels,
        "path": place.path,
        "isVideo": False,
        "created": date(view.added.get(track_id, 0)),
        "albumId": album.id,
        "artistId": artist.id,
        "type": "music",
        "mediaType": "song",
        "bpm": round(view.tempos.get(track_id, 0) or 0),
        "sortName": title,
        "genres": _genres(given_tags(track.genre)),
        "artists": [{"id": artist.id, "name": artist.name}],
        "displayArtist": artist_name,
        "albumArtists": [{"id": album.artist_id, "name": album.artist}],
        "displayAlbumArtist": album.artist,
        "displayComposer": track.composer,
        "musicBrainzId": track.recording_mbid,
    }
    if track.number:
        entry["track"] = track.number
    if track.disc:
        entry["discNumber"] = track.disc
    if track.year:
        entry["year"] = track.year
    if genres := given_tags(track.genre):
        entry["genre"] = genres[0]
    return entry | _opinion_fields(call, track_id)


def _opinion_fields(call: MethodCall, track_id: str) -> Entry:
    """Return the fields of a user's opinion and plays of a track."""
    entry: Entry = {"playCount": 0}
    if (count := call.counts.get(track_id)) is not None:
        entry["playCount"] = count.plays
        if count.last:
            entry["played"] = date(count.last)
    if (opinion := call.opinions.get(track_id)) is not None:
        if opinion.liked:
            entry["starred"] = date(opinion.starred_at or 0)
        if opinion.stars:
            entry["userRating"] = opinion.stars
    return entry


def songs(call: MethodCall, track_ids: Iterable[str]) -> list[Entry]:
    """Format the songs of ids; those no longer in the library are skipped."""
    known = call.view.songs
    return [song(call, id_) for id_ in track_ids if id_ in known]


def album(call: MethodCall, found: Album) -> Entry:
    """Format an album as an ``AlbumID3``."""
    plays = [call.counts[id_] for id_ in found.track_ids if id_ in call.counts]
    entry: Entry = {
        "id": found.id,
        "name": found.name,
        "artist": found.artist,
        "artistId": found.artist_id,
        "coverArt": found.id,
        "songCount": len(found.track_ids),
        "duration": round(found.duration),
        "playCount": sum(count.plays for count in plays),
        "created": date(found.created),
        "genres": _genres(found.genres),
        "artists": [{"id": found.artist_id, "name": found.artist}],
        "displayArtist": found.artist,
        "sortName": found.name,
        "isCompilation": found.compilation,
    }
    if found.year:
        entry["year"] = found.year
    if found.genres:
        entry["genre"] = found.genres[0]
    if last := max((count.last for count in plays), default=0):
        entry["played"] = date(last)
    if (starred := call.starred_albums.get(found.id)) is not None:
        entry["starred"] = date(starred)
    return entry


def album_child(call: MethodCall, found: Album) -> Entry:
    """Format an album as a ``Child``, which clients show as a folder."""
    entry = album(call, found)
    for key in ("songCount", "artists", "displayArtist", "isCompilation"):
        del entry[key]
    return {
        **entry,
        "title": found.name,
        "album": found.name,
        "parent": found.artist_id,
        "isDir": True,
        "mediaType": "album",
    }


def artist(call: MethodCall, found: CatalogArtist) -> Entry:
    """Format an artist as an ``ArtistID3``."""
    entry: Entry = {
        "id": found.id,
        "name": found.name,
        "coverArt": found.id,
        "albumCount": len(found.album_ids),
        "sortName": found.sort_key,
        "roles": ["artist"] if found.track_ids else ["albumartist"],
    }
    return entry | _artist_star(call, found.id)


def artist_name(call: MethodCall, found: CatalogArtist) -> Entry:
    """Format an artist as an ``Artist`` of the older methods."""
    return {"id": found.id, "name": found.name} | _artist_star(call, found.id)


def _artist_star(call: MethodCall, artist_id: str) -> Entry:
    starred = call.starred_artists.get(artist_id)
    return {} if starred is None else {"starred": date(starred)}


def folder_child(found: Folder) -> Entry:
    """Format a subfolder as a ``Child``."""
    return {
        "id": found.id,
        "parent": found.parent,
        "isDir": True,
        "title": found.name,
        "coverArt": found.id,
    }


def _genres(names: Iterable[str]) -> list[Entry]:
    return [{"name": name} for name in names]


def known_song(call: MethodCall, track_id: str) -> str:
    """Return a song's id, or raise if it is unknown."""
    if track_id not in call.view.songs:
        raise SubsonicError(NOT_FOUND, f"there is no song {track_id[:80]!r}")
    return track_id


def tracks_of(call: MethodCall, id_: str) -> list[str]:
    """Return the track ids of a song, an album, an artist or a folder."""
    view = call.view
    if id_ in view.songs:
        return [id_]
    if id_ in view.albums:
        return view.albums[id_].track_ids
    if id_ in view.artists:
        found = view.artists[id_]
        own = found.track_ids
        return own or [track for each in found.album_ids for track in view.albums[each].track_ids]
    if id_ in view.folders:
        return _tracks_in_folder(call, view.folders[id_])
    raise SubsonicError(NOT_FOUND, f"there is no song, album, artist or folder {id_[:80]!r}")


def _tracks_in_folder(call: MethodCall, folder: Folder) -> list[str]:
    """Return the tracks of a folder, or of its first subfolder that has any."""
    for _ in range(100):
        if folder.track_ids or not folder.folder_ids:
            break
        folder = call.view.folders[folder.folder_ids[0]]
    return folder.track_ids


def in_music_folder(call: MethodCall) -> frozenset[str] | None:
    """Return the ids of the songs below the folder ``musicFolderId``; None for all."""
    given = call.parameters.get("musicFolderId")
    roots = call.view.roots
    if not given:
        return None
    number = call.parameters.integer("musicFolderId")
    if not 1 <= number <= len(roots):
        raise SubsonicError(NOT_FOUND, f"there is no music folder {given[:40]!r}")
    if len(roots) == 1:
        return None
    return call.view.below(roots[number - 1])
