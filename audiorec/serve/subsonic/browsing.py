"""Artists, albums, genres and folders."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from audiorec.serve.subsonic import entries
from audiorec.serve.subsonic.catalog_entities import ARTICLES, Album, CatalogArtist, Folder
from audiorec.serve.subsonic.envelope import NOT_FOUND, SubsonicError
from audiorec.serve.subsonic.service import MethodCall, method

IGNORED = " ".join(ARTICLES)


@method("getMusicFolders")
def get_music_folders(call: MethodCall) -> dict[str, Any]:
    """List the root folders of the library; their ids are integers by the protocol."""
    folders = [
        {"id": number, "name": call.view.folders[id_].name}
        for number, id_ in enumerate(call.view.roots, start=1)
    ]
    return {"musicFolders": {"musicFolder": folders}}


@method("getArtists")
def get_artists(call: MethodCall) -> dict[str, Any]:
    """List the artists by initial."""
    index = [
        {"name": initial, "artist": [entries.artist(call, each) for each in artists]}
        for initial, artists in call.view.indexed(_artists(call))
    ]
    return {"artists": {"ignoredArticles": IGNORED, "index": index}}


def _artists(call: MethodCall) -> Iterable[CatalogArtist]:
    within = entries.in_music_folder(call)
    every = call.view.artists.values()
    if within is None:
        return every
    return [a for a in every if not within.isdisjoint(entries.tracks_of(call, a.id))]


@method("getArtist")
def get_artist(call: MethodCall) -> dict[str, Any]:
    """Return an artist with their albums, including those with guest appearances only."""
    found = known_artist(call)
    albums = [entries.album(call, call.view.albums[id_]) for id_ in found.album_ids]
    return {"artist": {**entries.artist(call, found), "album": albums}}


@method("getAlbum")
def get_album(call: MethodCall) -> dict[str, Any]:
    """Return an album with its songs."""
    found = known_album(call)
    songs = entries.songs(call, found.track_ids)
    return {"album": {**entries.album(call, found), "song": songs}}


@method("getSong")
def get_song(call: MethodCall) -> dict[str, Any]:
    """Return a song."""
    id_ = entries.known_song(call, call.parameters.text("id"))
    return {"song": entries.song(call, id_)}


@method("getGenres")
def get_genres(call: MethodCall) -> dict[str, Any]:
    """List the genres with their numbers of songs and albums."""
    genres = [
        {"value": g.name, "songCount": len(g.track_ids), "albumCount": len(g.album_ids)}
        for g in call.view.genres.values()
    ]
    return {"genres": {"genre": genres}}


@method("getIndexes")
def get_indexes(call: MethodCall) -> dict[str, Any]:
    """List the top-level folders by initial, and the songs beside them."""
    view = call.view
    changed = 1000 * max(view.added.values(), default=0)
    answer: dict[str, Any] = {"ignoredArticles": IGNORED, "lastModified": changed}
    roots = [view.folders[id_] for id_ in view.roots]
    if call.parameters.get("musicFolderId"):
        entries.in_music_folder(call)  # raises if there is no such folder
        roots = [roots[call.parameters.integer("musicFolderId") - 1]]
    if "ifModifiedSince" in call.parameters:
        since = call.parameters.integer("ifModifiedSince", 0)
        if since >= changed > 0:
            return {"indexes": answer}
    folders = [view.folders[id_] for root in roots for id_ in root.folder_ids]
    by_initial: dict[str, list[dict[str, Any]]] = {}
    for folder in folders:
        first = folder.name[:1].upper()
        initial = first if first.isalpha() else "#"
        by_initial.setdefault(initial, []).append({"id": folder.id, "name": folder.name})
    ordered = sorted(by_initial.items(), key=lambda entry: (entry[0] == "#", entry[0]))
    answer["index"] = [{"name": initial, "artist": found} for initial, found in ordered]
    answer["child"] = entries.songs(call, [id_ for root in roots for id_ in root.track_ids])
    return {"indexes": answer}


@method("getMusicDirectory")
def get_music_directory(call: MethodCall) -> dict[str, Any]:
    """List the contents of a folder; of an artist or album, by its id, its albums or songs."""
    id_ = call.parameters.text("id")
    view = call.view
    if id_ in view.folders:
        return {"directory": _folder(call, view.folders[id_])}
    if id_ in view.artists:
        found = view.artists[id_]
        albums = [entries.album_child(call, view.albums[each]) for each in found.album_ids]
        return {"directory": {"id": id_, "name": found.name, "child": albums}}
    if id_ in view.albums:
        album = view.albums[id_]
        songs = entries.songs(call, album.track_ids)
        parent = album.artist_id
        return {"directory": {"id": id_, "parent": parent, "name": album.name, "child": songs}}
    if id_.isascii() and id_.isdigit() and 1 <= int(id_[:9]) <= len(view.roots):
        # A music folder, whose id is a number.
        return {"directory": _folder(call, view.folders[view.roots[int(id_[:9]) - 1]])}
    raise SubsonicError(NOT_FOUND, f"there is no folder {id_[:80]!r}")


def _folder(call: MethodCall, found: Folder) -> dict[str, Any]:
    inside = [entries.folder_child(call.view.folders[id_]) for id_ in found.folder_ids]
    children = inside + entries.songs(call, found.track_ids)
    answer = {"id": found.id, "name": found.name, "child": children}
    return answer if found.parent is None else {**answer, "parent": found.parent}


def known_album(call: MethodCall) -> Album:
    """Return the album of a request's id."""
    id_ = call.parameters.text("id")
    if id_ not in call.view.albums:
        raise SubsonicError(NOT_FOUND, f"there is no album {id_[:80]!r}")
    return call.view.albums[id_]


def known_artist(call: MethodCall) -> CatalogArtist:
    """Return the artist of a request's id."""
    id_ = call.parameters.text("id")
    if id_ not in call.view.artists:
        raise SubsonicError(NOT_FOUND, f"there is no artist {id_[:80]!r}")
    return call.view.artists[id_]
