"""Search by words, or for everything, by which players copy the catalogue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from audiorec.serve.subsonic import entries
from audiorec.serve.subsonic.catalog_entities import Album, CatalogArtist
from audiorec.serve.subsonic.service import MethodCall, method

MOST = 10_000
FIELDS = ("title", "artist", "album")  # not the path: words of the root would match every song
Thing = TypeVar("Thing")
# An empty query, or two literal quotes, matches everything; some clients add an asterisk.
EVERYTHING = frozenset(["", '""', "''", "*"])


@method("search3")
def search3(call: MethodCall) -> dict[str, Any]:
    """Find the artists, albums and songs that contain all words."""
    return {"searchResult3": _search_results(call, artist=entries.artist, album=entries.album)}


@method("search2")
def search2(call: MethodCall) -> dict[str, Any]:
    """Find the artists, albums and songs that contain all words, albums as folders."""
    found = _search_results(call, artist=entries.artist_name, album=entries.album_child)
    return {"searchResult2": found}


def _search_results(
    call: MethodCall,
    *,
    artist: Callable[[MethodCall, CatalogArtist], entries.Entry],
    album: Callable[[MethodCall, Album], entries.Entry],
) -> dict[str, Any]:
    query = query_of(call.parameters.get("query"))
    view = call.view
    within = entries.in_music_folder(call)
    artists, albums, songs = (
        view.search_artists(query),
        view.search_albums(query),
        find(call, query),
    )
    if within is not None:
        artists = [a for a in artists if not within.isdisjoint(entries.tracks_of(call, a.id))]
        albums = [a for a in albums if not within.isdisjoint(a.track_ids)]
        songs = [id_ for id_ in songs if id_ in within]
    return {
        "artist": [artist(call, each) for each in _page(call, artists, "artist")],
        "album": [album(call, each) for each in _page(call, albums, "album")],
        "song": entries.songs(call, _page(call, songs, "song")),
    }


def query_of(given: str | None) -> str:
    """Return the words of a query; none if it matches everything."""
    query = (given or "").strip()
    return "" if query in EVERYTHING else query.strip("\"*'").strip()


def find(call: MethodCall, query: str) -> list[str]:
    """Return the ids of the songs with all words, best first; without words, all in order."""
    view = call.view
    if not query:
        return list(view.songs)
    table = call.state.library.tracks()
    found = table.find(query, fields=FIELDS)
    return [track.track_id for track in found if track.track_id in view.songs]


def _page(call: MethodCall, found: list[Thing], kind: str) -> list[Thing]:
    count = call.parameters.integer(f"{kind}Count", 20, most=MOST)
    offset = call.parameters.integer(f"{kind}Offset", 0)
    return found[offset : offset + count]


@method("search")
def search(call: MethodCall) -> dict[str, Any]:
    """Find songs by the fields of the oldest clients."""
    fields = ("artist", "album", "title", "any")
    query = query_of(" ".join(call.parameters.get(name) or "" for name in fields))
    found = find(call, query)
    if (newer := call.parameters.integer("newerThan", 0)) > 0:
        added = call.view.added
        found = [id_ for id_ in found if 1000 * added.get(id_, 0) > newer]
    count = call.parameters.integer("count", 20, most=MOST)
    offset = call.parameters.integer("offset", 0)
    match = entries.songs(call, found[offset : offset + count])
    return {"searchResult": {"offset": offset, "totalHits": len(found), "match": match}}
