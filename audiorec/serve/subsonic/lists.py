"""Lists of albums and songs for the start pages of players."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Sequence
from typing import Any

from audiorec.data.names import normalize_text
from audiorec.serve.subsonic import entries
from audiorec.serve.subsonic.catalog_entities import Album
from audiorec.serve.subsonic.envelope import GENERIC, SubsonicError
from audiorec.serve.subsonic.service import MethodCall, method

MOST = 500


@method("getAlbumList")
def get_album_list(call: MethodCall) -> dict[str, Any]:
    """List albums as folders, in the requested order."""
    found = [entries.album_child(call, album) for album in _listed(call)]
    return {"albumList": {"album": found}}


@method("getAlbumList2")
def get_album_list2(call: MethodCall) -> dict[str, Any]:
    """List albums in the requested order."""
    return {"albumList2": {"album": [entries.album(call, album) for album in _listed(call)]}}


def _listed(call: MethodCall) -> list[Album]:
    """Return one page of a list of albums."""
    kind = call.parameters.text("type")
    if kind not in ORDERS:
        raise SubsonicError(GENERIC, f"type={kind[:40]!r} must be one of {', '.join(ORDERS)}")
    found = ORDERS[kind](call)
    within = entries.in_music_folder(call)
    if within is not None:
        found = [album for album in found if not within.isdisjoint(album.track_ids)]
    size = call.parameters.integer("size", 10, most=MOST)
    offset = call.parameters.integer("offset", 0)
    return list(found[offset : offset + size])


def _random(call: MethodCall) -> Sequence[Album]:
    albums = list(call.view.albums.values())
    random.shuffle(albums)
    return albums


def _highest(call: MethodCall) -> Sequence[Album]:
    """Return albums by the mean of the user's ratings of their songs."""
    rated: dict[str, list[int]] = {}
    for id_, opinion in call.opinions.items():
        if opinion.stars and id_ in call.view.songs:
            rated.setdefault(call.view.places[id_].album_id, []).append(opinion.stars)
    return _by_score(call, {id_: sum(stars) / len(stars) for id_, stars in rated.items()})


def _frequent(call: MethodCall) -> Sequence[Album]:
    plays: dict[str, float] = {}
    for id_, count in call.counts.items():
        if id_ in call.view.songs:
            album_id = call.view.places[id_].album_id
            plays[album_id] = plays.get(album_id, 0) + count.plays
    return _by_score(call, plays)


def _recent(call: MethodCall) -> Sequence[Album]:
    last: dict[str, float] = {}
    for id_, count in call.counts.items():
        if count.last and id_ in call.view.songs:
            album_id = call.view.places[id_].album_id
            last[album_id] = max(last.get(album_id, 0), count.last)
    return _by_score(call, last)


def _by_score(call: MethodCall, scores: dict[str, float]) -> list[Album]:
    albums = [call.view.albums[id_] for id_ in scores]
    return sorted(albums, key=lambda album: (-scores[album.id], album.name.casefold(), album.id))


def _starred(call: MethodCall) -> Sequence[Album]:
    known = {id_: at for id_, at in call.starred_albums.items() if id_ in call.view.albums}
    return _by_score(call, {id_: float(at) for id_, at in known.items()})


def _by_year(call: MethodCall) -> Sequence[Album]:
    first, last = call.parameters.integer("fromYear"), call.parameters.integer("toYear")
    low, high = sorted((first, last))
    found = [a for a in call.view.albums.values() if a.year and low <= a.year <= high]
    return sorted(found, key=lambda album: album.year or 0, reverse=first > last)


def _by_genre(call: MethodCall) -> Sequence[Album]:
    genre = call.view.genres.get(normalize_text(call.parameters.text("genre")))
    return [] if genre is None else [call.view.albums[id_] for id_ in genre.album_ids]


ORDERS = {
    "random": _random,
    "newest": lambda call: call.view.sorted_albums("newest"),
    "highest": _highest,
    "frequent": _frequent,
    "recent": _recent,
    "alphabeticalByName": lambda call: call.view.sorted_albums("name"),
    "alphabeticalByArtist": lambda call: call.view.sorted_albums("artist"),
    "starred": _starred,
    "byYear": _by_year,
    "byGenre": _by_genre,
}


@method("getRandomSongs")
def get_random_songs(call: MethodCall) -> dict[str, Any]:
    """List random songs, optionally of a genre or a range of years."""
    view = call.view
    found: Iterable[str] = view.songs
    if genre := call.parameters.get("genre"):
        known = view.genres.get(normalize_text(genre))
        found = known.track_ids if known else []
    for name, fits in (("fromYear", int.__ge__), ("toYear", int.__le__)):
        if call.parameters.get(name):
            limit = call.parameters.integer(name)
            found = [id_ for id_ in found if (y := view.songs[id_].year) and fits(y, limit)]
    within = entries.in_music_folder(call)
    left = [i for i in found if i not in call.excluded and (within is None or i in within)]
    size = min(call.parameters.integer("size", 10, most=MOST), len(left))
    return {"randomSongs": {"song": entries.songs(call, random.sample(left, size))}}


@method("getSongsByGenre")
def get_songs_by_genre(call: MethodCall) -> dict[str, Any]:
    """List the songs of a genre, in the stable order."""
    known = call.view.genres.get(normalize_text(call.parameters.text("genre")))
    found = known.track_ids if known else []
    within = entries.in_music_folder(call)
    if within is not None:
        found = [id_ for id_ in found if id_ in within]
    count = call.parameters.integer("count", 10, most=MOST)
    offset = call.parameters.integer("offset", 0)
    return {"songsByGenre": {"song": entries.songs(call, found[offset : offset + count])}}


@method("getStarred")
def get_starred(call: MethodCall) -> dict[str, Any]:
    """List the user's stars, albums as folders, latest first."""
    albums = [entries.album_child(call, album) for album in _starred(call)]
    artists = [entries.artist_name(call, call.view.artists[id_]) for id_ in _starred_artists(call)]
    return {"starred": {"artist": artists, "album": albums, "song": _starred_songs(call)}}


@method("getStarred2")
def get_starred2(call: MethodCall) -> dict[str, Any]:
    """List the user's stars, latest first."""
    albums = [entries.album(call, album) for album in _starred(call)]
    artists = [entries.artist(call, call.view.artists[id_]) for id_ in _starred_artists(call)]
    return {"starred2": {"artist": artists, "album": albums, "song": _starred_songs(call)}}


def _starred_artists(call: MethodCall) -> list[str]:
    known = [id_ for id_ in call.starred_artists if id_ in call.view.artists]
    return sorted(known, key=lambda id_: (-call.starred_artists[id_], id_))


def _starred_songs(call: MethodCall) -> list[dict[str, Any]]:
    within = entries.in_music_folder(call)
    liked = {id_: o.starred_at or 0 for id_, o in call.opinions.items() if o.liked}
    found = sorted(liked, key=lambda id_: (-liked[id_], id_))
    return entries.songs(call, [id_ for id_ in found if within is None or id_ in within])


@method("getNowPlaying")
def get_now_playing(call: MethodCall) -> dict[str, Any]:
    """List the songs that players report as playing."""
    entry = [
        {
            **entries.song(call, now.track_id),
            "username": now.user,
            "minutesAgo": int((time.time() - now.since) // 60),
            "playerId": number,
            "playerName": now.client,
        }
        for number, now in enumerate(call.state.listening.playing_now())
        if now.track_id in call.view.songs
    ]
    return {"nowPlaying": {"entry": entry}}
