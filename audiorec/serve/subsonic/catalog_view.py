"""The catalogue as players browse it: artists, albums, genres and folders of its tracks.

Ids are digests of an entity's name (a folder's: of its path), so that they stay the same when the
server restarts, when tracks are added, and when files move. Orders are stable too.

Conventions
-----------
An album is the tracks of one folder with the same album tag; ``CD 1`` and ``CD 2`` count as one
folder. It belongs to its album artist, else to the artist of most of its tracks, else to `VARIOUS`.
Where two artists use the same track number (two hits collections in one flat folder), each has
an album of their own. Albums of one artist with the same name are one album, in whatever folders.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import TypeVar

from audiorec.data.catalog import Track, as_text, given_tags
from audiorec.data.names import artist_key, normalize_text
from audiorec.data.names.artist_names import GUESTS
from audiorec.data.word_search import folded_words
from audiorec.serve.subsonic.catalog_entities import (
    UNKNOWN_ALBUM,
    UNKNOWN_ARTIST,
    VARIOUS,
    Album,
    CatalogArtist,
    Folder,
    Genre,
    TrackPlacement,
    digest,
    sort_key,
)

DISC = re.compile(r"(cd|dis[ck]|disque)[ _.-]*\d+", re.IGNORECASE)
NOBODY_KEY = "\0"
NO_YEAR = 9999  # albums without a year come last
Thing = TypeVar("Thing")


class CatalogView:
    """Tracks by artist, album, genre and folder.

    Parameters
    ----------
    tracks : sequence of Track
        In listing order.
    added : mapping of str to int
        Time when each was added, s since 1970, by track_id.
    sizes : mapping of str to int
        Size of each file in bytes, by track_id.
    roots : iterable of str
        Scanned folders.
    tempos : mapping of str to float
        Beats per minute, by track_id.
    """

    def __init__(
        self,
        tracks: Sequence[Track],
        *,
        added: Mapping[str, int],
        sizes: Mapping[str, int],
        roots: Iterable[str] = (),
        tempos: Mapping[str, float] | None = None,
    ) -> None:
        # A track without a file cannot be played.
        self.songs = {track.track_id: track for track in tracks if track.path.startswith("/")}
        self.added, self.sizes, self.tempos = added, sizes, tempos or {}
        self._genres_of = cache(given_tags)  # thousands of tracks share one text
        self._keys = _artist_keys(self.songs.values())
        self._owners = _owner_keys(self.songs.values(), self._keys)
        self.artists: dict[str, CatalogArtist] = _artists(self.songs.values(), self._keys)
        self.albums: dict[str, Album] = {}
        self.folders: dict[str, Folder] = {}
        self.roots: list[str] = []
        self.places: dict[str, TrackPlacement] = {}
        self._below: dict[str, frozenset[str]] = {}
        album_of = self._group_albums()
        self._assign_parent_folders(album_of, roots)
        self._sort()
        self.genres: dict[str, Genre] = self._group_genres()

    # -- orders of players ------------------------------------------------------------------------

    def sorted_albums(self, by: str) -> list[Album]:
        """Return the albums by ``"name"``, ``"artist"``, or ``"newest"`` first."""
        orders = {
            "name": lambda album: (sort_key(album.name), album.id),
            "artist": lambda album: (
                sort_key(album.artist), album.year or NO_YEAR, sort_key(album.name), album.id,
            ),
            "newest": lambda album: (-album.created, sort_key(album.name), album.id),
        }  # fmt: skip
        if by not in self._sorted:
            self._sorted[by] = sorted(self.albums.values(), key=orders[by])
        return self._sorted[by]

    def indexed(self, artists: Iterable[CatalogArtist]) -> list[tuple[str, list[CatalogArtist]]]:
        """Group artists by initial: letters in order, then the rest."""
        found: dict[str, list[CatalogArtist]] = {}
        for artist in artists:
            found.setdefault(artist.initial, []).append(artist)
        return sorted(found.items(), key=lambda entry: (entry[0] == "#", entry[0]))

    def below(self, root_id: str) -> frozenset[str]:
        """Return the ids of the tracks below a root."""
        if root_id not in self._below:
            found = (id_ for id_, place in self.places.items() if place.root_id == root_id)
            self._below[root_id] = frozenset(found)
        return self._below[root_id]

    def search_artists(self, query: str) -> list[CatalogArtist]:
        """Find the artists whose names contain all words, those that begin with them first."""
        return _matching(query, self._artist_texts, self.artists)

    def search_albums(self, query: str) -> list[Album]:
        """Find the albums whose names, with their artists', contain all words."""
        return _matching(query, self._album_texts, self.albums)

    # -- construction ----------------------------------------------------------------------------

    def _group_albums(self) -> dict[str, str]:
        """Make the albums; returns the album of each track."""
        together: dict[tuple[str, str], list[Track]] = {}
        album_folder, folded = cache(_album_folder), cache(normalize_text)
        for track in self.songs.values():
            name = folded(track.album)
            where = album_folder(_parent(track.path)) if name else self._keys[track.track_id]
            together.setdefault((name, where), []).append(track)
        album_of: dict[str, str] = {}
        names: dict[str, Counter[str]] = {}
        for (name, folder), tracks in together.items():
            for key, own in _by_album_artist(tracks, self._owners) if name else [(folder, tracks)]:
                by_nobody = key in ("", NOBODY_KEY)
                id_ = digest("al", name, f"\0{_name(folder)}" if by_nobody else key)
                artist_id = digest("ar", key) if key else digest("ar", VARIOUS)
                if id_ not in self.albums:
                    artist = VARIOUS
                    if key:
                        known = self.artists.get(artist_id)
                        artist = known.name if known else own[0].album_artist
                    self.albums[id_] = Album(id_, UNKNOWN_ALBUM, artist, artist_id)
                self.albums[id_].track_ids += [track.track_id for track in own]
                album_of.update((track.track_id, id_) for track in own)
                if name:
                    names.setdefault(id_, Counter()).update(track.album.strip() for track in own)
        for id_, spellings in names.items():
            self.albums[id_].name = spellings.most_common(1)[0][0]
        return album_of

    def _assign_parent_folders(self, album_of: Mapping[str, str], roots: Iterable[str]) -> None:
        parents = {track.track_id: _parent(track.path) for track in self.songs.values()}
        known = _roots(set(parents.values()), roots)
        artist_ids = {key: digest("ar", key) for key in set(self._keys.values())}
        for root in known:
            self._folder(root, root)
            self.roots.append(digest("d", root))
        within: dict[str, tuple[Folder, str, int]] = {}
        for folder in set(parents.values()):
            root = next(root for root in known if _lies_in(folder, root))
            start = len(root.rstrip("/")) + 1
            within[folder] = (self._folder(folder, root), digest("d", root), start)
        for track_id, folder in parents.items():
            own, root_id, start = within[folder]
            own.track_ids.append(track_id)
            path = self.songs[track_id].path[start:]
            path = path if path.isascii() else as_text(path)
            artist_id = artist_ids[self._keys[track_id]]
            self.places[track_id] = TrackPlacement(
                artist_id, album_of[track_id], own.id, root_id, path
            )

    def _folder(self, path: str, root: str) -> Folder:
        """Return the folder of a path, created with its parents up to the root."""
        id_ = digest("d", path)
        if id_ not in self.folders:
            parent = None if path == root else self._folder(_parent(path), root)
            name = as_text(_name(path) or path)
            self.folders[id_] = Folder(id_, path, name, parent.id if parent else None)
            if parent is not None:
                parent.folder_ids.append(id_)
        return self.folders[id_]

    def _sort(self) -> None:
        """Sort everything."""
        for album in self.albums.values():
            tracks = [self.songs[id_] for id_ in album.track_ids]
            tracks.sort(key=_album_order)
            album.track_ids = [track.track_id for track in tracks]
            album.duration = sum(track.duration for track in tracks)
            years = Counter(track.year for track in tracks if track.year)
            album.year = years.most_common(1)[0][0] if years else None
            counts = Counter(name for track in tracks for name in self._genres_of(track.genre))
            album.genres = [name for name, _ in counts.most_common()]
            album.created = min(self.added.get(id_, 0) for id_ in album.track_ids)
            for id_ in album.track_ids:
                own = self.artists[self.places[id_].artist_id]
                if not own.album_ids or own.album_ids[-1] != album.id:
                    own.album_ids.append(album.id)
            self._album_artist(album)
        self.artists = {
            a.id: a for a in sorted(self.artists.values(), key=lambda a: (a.sort_key, a.id))
        }
        for artist in self.artists.values():
            ids = dict.fromkeys(artist.album_ids)
            artist.album_ids = sorted(
                ids,
                key=lambda id_: (self.albums[id_].year or NO_YEAR, sort_key(self.albums[id_].name)),
            )
        for folder in self.folders.values():
            folder.folder_ids.sort(key=lambda id_: (self.folders[id_].name.casefold(), id_))
            folder.track_ids.sort(key=lambda id_: _album_order(self.songs[id_]))
        self._sorted: dict[str, list[Album]] = {}
        self.albums = {album.id: album for album in self.sorted_albums("name")}
        self._artist_texts = {a.id: _search_text(a.name) for a in self.artists.values()}
        self._album_texts = {
            a.id: _search_text(f"{a.name} {a.artist}") for a in self.albums.values()
        }

    def _album_artist(self, album: Album) -> None:
        """List an album under its artist, who may have no tracks themselves."""
        artist = self.artists.setdefault(
            album.artist_id, CatalogArtist(album.artist_id, album.artist, sort_key(album.artist))
        )
        artist.album_ids.append(album.id)

    def _group_genres(self) -> dict[str, Genre]:
        """Group the genres by normalized name."""
        genres: dict[str, Genre] = {}
        for track in self.songs.values():
            for name in self._genres_of(track.genre):
                genre = genres.setdefault(normalize_text(name), Genre(name))
                genre.track_ids.append(track.track_id)
        for album in self.albums.values():
            for key in dict.fromkeys(normalize_text(name) for name in album.genres):
                genres[key].album_ids.append(album.id)
        return dict(sorted(genres.items()))


def _artist_keys(tracks: Iterable[Track]) -> dict[str, str]:
    """Return the key of each track's artist; all tracks without a particular artist share one."""
    known: dict[str, str] = {}
    keys: dict[str, str] = {}
    for track in tracks:
        if track.artist not in known:
            key = artist_key(track.artist, track_id="")
            known[track.artist] = NOBODY_KEY if key.startswith("\0") else key
        keys[track.track_id] = known[track.artist]
    return keys


def _owner_keys(tracks: Iterable[Track], keys: Mapping[str, str]) -> dict[str, str]:
    """Return the key of each track's album artist, else of its artist; ``""`` for several."""
    known: dict[str, str] = {}
    owners = dict(keys)
    for track in tracks:
        if track.album_artist:
            if track.album_artist not in known:
                key = artist_key(track.album_artist, track_id="")
                known[track.album_artist] = "" if key.startswith(NOBODY_KEY) else key
            owners[track.track_id] = known[track.album_artist]
    return owners


def _artists(tracks: Iterable[Track], keys: Mapping[str, str]) -> dict[str, CatalogArtist]:
    """Make the artists by id, named as on most of their tracks, without guests."""
    names: dict[str, Counter[str]] = {}
    own: dict[str, list[str]] = {}
    for track in tracks:
        key = keys[track.track_id]
        names.setdefault(key, Counter())[track.artist] += 1
        own.setdefault(key, []).append(track.track_id)
    artists = {}
    for key, spellings in names.items():
        said = spellings.most_common(1)[0][0]
        name = " ".join((GUESTS.sub("", said, count=1).strip(" ,-") or said).split())
        name = UNKNOWN_ARTIST if key == NOBODY_KEY else name
        id_ = digest("ar", key)
        artists[id_] = CatalogArtist(id_, name, sort_key(name), own[key])
    return artists


def _by_album_artist(
    tracks: Sequence[Track], keys: Mapping[str, str]
) -> list[tuple[str, list[Track]]]:
    """Group tracks with one album name and folder by album artist; ``""`` for several."""
    counts = Counter(keys[track.track_id] for track in tracks)
    main, most = counts.most_common(1)[0]
    if len(counts) == 1:
        return [(main, list(tracks))]
    numbers: dict[tuple[int, int], set[str]] = {}
    for track in tracks:
        if track.number:
            place = (track.disc or 0, track.number)
            numbers.setdefault(place, set()).add(keys[track.track_id])
    if any(len(artists) > 1 for artists in numbers.values()) and min(counts.values()) > 1:
        return [(key, [t for t in tracks if keys[t.track_id] == key]) for key in counts]
    return [(main if 2 * most > len(tracks) else "", list(tracks))]


def _parent(path: str) -> str:
    """Return the parent folder of an absolute path."""
    return path.rpartition("/")[0] or "/"


def _name(path: str) -> str:
    """Return the last component of an absolute path."""
    return path.rpartition("/")[2]


def _album_folder(folder: str) -> str:
    """Return the album folder of a track's folder: the parent, for a disc's folder."""
    above, name = os.path.split(folder)
    return above if DISC.fullmatch(name) else folder


def _album_order(track: Track) -> tuple[int, str, int, str, str]:
    folder, _, name = track.path.rpartition("/")
    disc = folder.rpartition("/")[2].casefold()
    disc = disc if DISC.fullmatch(disc) else ""
    return track.disc or 0, disc, track.number or 0, name, track.track_id


def _roots(folders: set[str], scanned: Iterable[str]) -> list[str]:
    """Return root folders that contain every track: those scanned, and others for the rest."""
    roots = {
        root
        for root in map(os.path.normpath, scanned)
        if any(_lies_in(folder, root) for folder in folders)
    }
    roots = {r for r in roots if not any(r != other and _lies_in(r, other) for other in roots)}
    rest = [folder for folder in folders if not any(_lies_in(folder, root) for root in roots)]
    if rest:
        common = os.path.commonpath(rest)
        roots = {root for root in roots if not _lies_in(root, common)} | {common}
    return sorted(roots)


def _lies_in(folder: str, root: str) -> bool:
    return folder == root or folder.startswith(root.rstrip("/") + "/")


def _search_text(name: str) -> str:
    """Return the words of a name, each after a space."""
    return " ".join(["", *folded_words(name)])


def _matching(query: str, texts: Mapping[str, str], things: Mapping[str, Thing]) -> list[Thing]:
    """Find entities whose texts contain all words of a query, matches at word starts first."""
    words = folded_words(query)
    if not words:
        return list(things.values()) if not query.strip() else []
    beginning: list[Thing] = []
    within: list[Thing] = []
    for id_, text in texts.items():
        if all(word in text for word in words):
            begins = all(f" {word}" in text for word in words)
            (beginning if begins else within).append(things[id_])
    return [*beginning, *within]
