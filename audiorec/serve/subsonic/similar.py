"""Similar songs and artists: the library's answers, by the methods that players know.

A similarity is the share of this library's pairs that are less similar (0 to 1; see
`audiorec.recommend.score_percentiles`), so that a player's threshold works in any library.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from audiorec.data.names import normalize_text
from audiorec.embeddings import unit_norm
from audiorec.exceptions import NotFoundError
from audiorec.playlist import PlaylistRequest, build_playlist
from audiorec.playlist.seeds import MOST_SEEDS
from audiorec.recommend import Hit, Library, representative_ids
from audiorec.serve.subsonic import entries
from audiorec.serve.subsonic.browsing import known_artist
from audiorec.serve.subsonic.catalog_entities import CatalogArtist
from audiorec.serve.subsonic.envelope import MISSING_PARAMETER, SubsonicError
from audiorec.serve.subsonic.service import MethodCall, method

MOST = 500
SHARE_OF_ARTIST, SHARE_OF_ALBUM = 5, 10  # a fifth and a tenth of an answer, at least 2 tracks
SAME = 1e-6  # below this distance, no song lies between two
ARTIST_POOL = 200  # tracks among which similar artists are counted


class SonicMatch(NamedTuple):
    """A song and its similarity: 1 for the same song, 0 for the farthest."""

    track_id: str
    similarity: float


@method("getSonicSimilarTracks")
def get_sonic_similar_tracks(call: MethodCall) -> dict[str, Any]:
    """Find songs similar to one, most similar first."""
    id_ = entries.known_song(call, call.parameters.text("id"))
    count = call.parameters.integer("count", 10, most=MOST)
    return {"sonicMatch": _matches(call, similar_songs(call, [id_], count))}


@method("findSonicPath")
def find_sonic_path(call: MethodCall) -> dict[str, Any]:
    """Find songs that lead from one to another in even steps, both included."""
    start = entries.known_song(call, call.parameters.text("startSongId"))
    end = entries.known_song(call, call.parameters.text("endSongId"))
    count = call.parameters.integer("count", 25, least=2, most=MOST)
    library = library_of(call)
    ids = _path(library, start, end, count)
    found = [
        SonicMatch(id_, 1.0 if id_ == start else s) for id_, s in _likeness(library, start, ids)
    ]
    return {"sonicMatch": _matches(call, found)}


@method("getSimilarSongs")
def get_similar_songs(call: MethodCall) -> dict[str, Any]:
    """Find songs similar to a song, an album or an artist."""
    return {"similarSongs": {"song": _similar(call)}}


@method("getSimilarSongs2")
def get_similar_songs2(call: MethodCall) -> dict[str, Any]:
    """Find songs similar to an artist by the protocol, in practice also to a song."""
    return {"similarSongs2": {"song": _similar(call)}}


def _similar(call: MethodCall) -> list[entries.Entry]:
    ids = entries.tracks_of(call, call.parameters.text("id"))
    count = call.parameters.integer("count", 50, most=MOST)
    found = similar_songs(call, seeds_of(library_of(call), ids), count)
    return entries.songs(call, [match.track_id for match in found])


@method("getTopSongs")
def get_top_songs(call: MethodCall) -> dict[str, Any]:
    """List an artist's songs: the most played by all listeners first, then the most typical."""
    found = _artist(call)
    count = call.parameters.integer("count", 50, most=MOST)
    every = [] if found is None else found.track_ids
    ids = [id_ for id_ in every if id_ not in call.excluded]
    plays = call.service.play_counts.totals()
    typical = _closeness_to_middle(library_of(call), ids)
    ordered = sorted(ids, key=lambda id_: (-plays.get(id_, 0.0), -typical.get(id_, -1.0), id_))
    return {"topSongs": {"song": entries.songs(call, ordered[:count])}}


def _artist(call: MethodCall) -> CatalogArtist | None:
    """Return the artist of a request's id or name; None for an unknown name."""
    if call.parameters.get("id"):
        return known_artist(call)
    name = call.parameters.get("artist")
    if not name:
        message = "parameter 'artist' or 'id' is missing; give one"
        raise SubsonicError(MISSING_PARAMETER, message)
    wanted = normalize_text(name)
    artists = call.view.artists.values()
    return next((each for each in artists if normalize_text(each.name) == wanted), None)


@method("getArtistInfo")
def get_artist_info(call: MethodCall) -> dict[str, Any]:
    """Find artists similar to one."""
    found = [entries.artist_name(call, artist) for artist in _similar_artists(call)]
    return {"artistInfo": {"similarArtist": found}}


@method("getArtistInfo2")
def get_artist_info2(call: MethodCall) -> dict[str, Any]:
    """Find artists similar to one."""
    found = [entries.artist(call, artist) for artist in _similar_artists(call)]
    return {"artistInfo2": {"similarArtist": found}}


@method("getAlbumInfo", "getAlbumInfo2")
def get_album_info(call: MethodCall) -> dict[str, Any]:
    """Answer with nothing: no information on albums beyond their songs."""
    entries.tracks_of(call, call.parameters.text("id"))
    return {"albumInfo": {}}


def _similar_artists(call: MethodCall) -> list[CatalogArtist]:
    """Rank artists by their number of songs similar to those of one."""
    id_ = call.parameters.text("id")
    count = call.parameters.integer("count", 20, most=MOST)
    view, library = call.view, library_of(call)
    own = view.places[id_].artist_id if id_ in view.songs else id_
    try:
        seeds = seeds_of(library, entries.tracks_of(call, id_))
        hits = library.similar(seeds, k=ARTIST_POOL)
    except NotFoundError:
        return []
    counts: Counter[str] = Counter()
    for hit in hits:
        if hit.track_id in view.places:
            counts[view.places[hit.track_id].artist_id] += 1
    counts.pop(own, None)
    return [view.artists[artist_id] for artist_id, _ in counts.most_common(count)]


def library_of(call: MethodCall) -> Library:
    """Return the library that answers a call."""
    assert call.library is not None
    return call.library


def similar_songs(call: MethodCall, seeds: Sequence[str], count: int) -> list[SonicMatch]:
    """Find at most `count` songs similar to the seeds, most similar first.

    No more than a fifth are by one artist and a tenth of one album, as long as there are others.
    """
    if count < 1:
        return []
    library = library_of(call)
    per_artist, per_album = max(2, count // SHARE_OF_ARTIST), max(2, count // SHARE_OF_ALBUM)
    hits = library.similar(seeds, k=count, per_artist=per_artist, per_album=per_album)
    if len(hits) < count:
        have = {hit.track_id for hit in hits}
        rest = [hit for hit in library.similar(seeds, k=count) if hit.track_id not in have]
        hits = sorted([*hits, *rest][:count], key=lambda hit: -hit.score)
    return [_match(hit) for hit in hits if hit.track_id in call.view.songs]


def _match(hit: Hit) -> SonicMatch:
    return SonicMatch(hit.track_id, round((hit.percentile or 0.0) / 100, 4))


def seeds_of(library: Library, ids: Sequence[str]) -> list[str]:
    """Choose songs that represent many; `NotFoundError` if none has a vector."""
    chosen = representative_ids(library.index, ids, MOST_SEEDS)
    if not chosen:
        raise NotFoundError("none of its songs is in the index yet; run 'audiorec run'")
    return chosen


def _closeness_to_middle(library: Library, ids: Sequence[str]) -> dict[str, float]:
    """Compute each song's similarity to the mean of all; songs without a vector are left out."""
    placed = [id_ for id_ in ids if id_ in library.index]
    if not placed:
        return {}
    units = unit_norm(np.stack([library.index.vector(id_) for id_ in placed]))
    return dict(zip(placed, (units @ units.mean(axis=0)).tolist(), strict=True))


def _path(library: Library, start: str, end: str, count: int) -> list[str]:
    if start == end:
        return [start]
    query = library.query([start, end])
    first, last = unit_norm(np.stack([query.served.vector(id_) for id_ in (start, end)]))
    if count == 2 or float(first @ last) > 1 - SAME:
        return [start, end]
    request = PlaylistRequest(seeds=(start, end), kind="path", length=count)
    return [hit.track_id for hit in build_playlist(library, request).hits]


def _likeness(library: Library, start: str, ids: Sequence[str]) -> list[SonicMatch]:
    """Compute the similarity of songs to the first, in the order given."""
    index = library.query([start]).served
    found = index.search(unit_norm(index.vector(start)[None]), len(ids), include=ids)
    scores = dict(zip(found.ids[0], found.scores[0].tolist(), strict=False))
    percentiles = library.percentiles(index, [scores[id_] for id_ in ids])
    return [
        SonicMatch(id_, round(p / 100, 4)) for id_, p in zip(ids, percentiles.tolist(), strict=True)
    ]


def _matches(call: MethodCall, found: Sequence[SonicMatch]) -> list[dict[str, Any]]:
    return [
        {"entry": entries.song(call, match.track_id), "similarity": match.similarity}
        for match in found
        if match.track_id in call.view.songs
    ]
