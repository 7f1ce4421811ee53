"""Track source of a playlist: the allowed tracks, their vectors and metadata."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import count
from typing import NamedTuple
from zlib import crc32

import numpy as np

from audiorec.data.catalog import Track
from audiorec.data.names.canonical_names import words
from audiorec.embeddings import Embeddings, unit_norm
from audiorec.exceptions import NotFoundError, ParameterError
from audiorec.index import Index, Metric
from audiorec.playlist.order import first_clash, improve_order
from audiorec.playlist.recent_playlists import recent_tracks
from audiorec.playlist.request import PlaylistRequest
from audiorec.playlist.seeds import Seeds, resolve_seeds
from audiorec.recommend import Library, query_vectors, song_of
from audiorec.recommend.query_resolution import check_apart

POOL = 64  # least number of candidates of a position
MANY = 200  # excluded tracks from which on filtering each search would be slow


class CandidateTracks(NamedTuple):
    """Candidates of one query, best first, and whether there are no more."""

    ids: list[str]
    all_of_them: bool


class TrackSource:
    """Source of the tracks allowed in a playlist.

    Parameters
    ----------
    library : Library
    request : PlaylistRequest
    key : str
        Key of the recipe; see `audiorec.playlist.recent_playlists`.
    """

    def __init__(self, library: Library, request: PlaylistRequest, *, key: str = "") -> None:
        self.library, self.request = library, request
        self._tracks: dict[str, Track] = {}
        self._roots: dict[object, object] = {}
        self._listeners: dict[str, np.ndarray] = {}
        self.seeds: Seeds = resolve_seeds(library, request)
        served, against, outside = library.query(
            request.against, space=request.space, popularity=request.popularity
        )
        self.index: Index = served
        self.uncatalogued: Embeddings | None = self.seeds.uncatalogued
        self._against = unit_norm(query_vectors(served, outside, against)) if against else None
        self.include: frozenset[str] | None = library.select(request.filters)
        if self.include is not None:
            self.include &= frozenset(served.ids)
            if not self.include:
                raise NotFoundError(
                    f"no track fits the filters ({request.filters}); widen or drop one"
                )
        self.notes: list[str] = list(self.seeds.notes)
        hidden = library.hidden
        named = self.seeds.ids[: self.seeds.n_tracks]
        check_apart(named, against)
        self.own = [i for i in named if i in served and i not in hidden]
        """Seeds that may be in the playlist: in the index, and not hidden."""
        self.exclude: set[str] = {
            *hidden,
            *library.catalog.missing(),
            *against,
            *recent_tracks(library.workspace, request.avoid_recent, key=key),
        }
        if self.include is not None or len(self.exclude) > MANY:  # one set, looked up once
            self.include = (self.include or frozenset(served.ids)) - self.exclude

    # -- searching -------------------------------------------------------------------------------

    def search(
        self,
        vectors: np.ndarray,
        k: int,
        *,
        exclude: Collection[str] = (),
        include: Collection[str] | None = None,
        metric: Metric | None = None,
    ) -> list[CandidateTracks]:
        """Search candidates of each query, best first.

        Those that the shuffle leaves out come last, after all others.

        Parameters
        ----------
        vectors : np.ndarray [shape=(n, d)], float32
        k : int
        exclude, include : collections of str
            In addition to the source's own.
        metric : {"cosine", "inner_product"} or None
        """
        allowed = self.include
        excluded = self.exclude if allowed is None else ()
        if include is not None:
            allowed = frozenset(include) if allowed is None else allowed & frozenset(include)
            if not allowed:
                return [CandidateTracks([], True) for _ in vectors]
        spare = 2 if self.request.shuffle is not None or self._against is not None else 1
        n_candidates = spare * k
        results = self.index.search(
            vectors, n_candidates, include=allowed, exclude={*excluded, *exclude}, metric=metric
        )
        self.load({id_ for ids in results.ids for id_ in ids})
        lists = [self.sifted(ids, vector) for ids, vector in zip(results.ids, vectors, strict=True)]
        ended = [len(ids) < n_candidates for ids in results.ids]
        return [CandidateTracks(ids, end) for ids, end in zip(lists, ended, strict=True)]

    def sifted(self, ids: list[str], vector: np.ndarray) -> list[str]:
        """Drop the candidates that are nearer to negative seeds; see `shuffled`."""
        if self._against is not None and ids:
            units = self.units(ids)
            unwanted = (units @ self._against.T).max(axis=1)
            wanted = units @ unit_norm(vector[None])[0]
            ids = [id_ for id_, w, u in zip(ids, wanted, unwanted, strict=True) if w > u]
        return self.shuffled(ids)

    def shuffled(self, ids: list[str]) -> list[str]:
        """Move half of the candidates, by the seed of the shuffle, behind the others."""
        if (seed := self.request.shuffle) is None:
            return ids
        first = {id_ for id_ in ids if crc32(f"{seed}:{id_}".encode()) & 4}
        return [*(id_ for id_ in ids if id_ in first), *(id_ for id_ in ids if id_ not in first)]

    def note(self, line: str) -> None:
        """Note, once, a part of the request that could not be met."""
        if line not in self.notes:
            self.notes.append(line)

    # -- vectors ---------------------------------------------------------------------------------

    def units(self, ids: Sequence[str]) -> np.ndarray:
        """Return unit vectors of tracks : np.ndarray [shape=(n, d)], float32."""
        if not len(ids):
            return np.empty((0, self.index.dim), dtype=np.float32)
        return unit_norm(query_vectors(self.index, self.uncatalogued, ids))

    @cached_property
    def seed_units(self) -> np.ndarray:
        """Unit vectors of the seeds : np.ndarray [shape=(n, d)], float32."""
        units = self.units(self.seeds.ids)
        for seed, unit in zip(self.seeds.ids, units, strict=True):
            if not unit.any():
                raise ParameterError(
                    f"the vector of seed {seed!r} is zero; start from another track"
                )
        return units

    def listener(self, user: str) -> np.ndarray:
        """Return the vector of a listener : np.ndarray [shape=(d,)], float32."""
        if user not in self._listeners:
            self._listeners[user] = self.library.listener_vector(user)
        return self._listeners[user]

    # -- metadata of tracks ----------------------------------------------------------------------

    def load(self, ids: Iterable[str]) -> None:
        """Load tracks from the catalogue, all at once."""
        wanted = [id_ for id_ in ids if id_ not in self._tracks]
        if wanted:
            tracks = self.library.catalog.get_many(wanted)
            for id_ in wanted:
                self._tracks[id_] = tracks.get(id_) or Track(track_id=id_, path="")

    def track(self, id_: str) -> Track:
        """Return a track of the catalogue; one with its id alone if it is not catalogued."""
        self.load([id_])
        return self._tracks[id_]

    def name(self, id_: str) -> str:
        """Return the display name of a track."""
        return self.track(id_).name

    def artist(self, id_: str) -> str:
        """Return the artist key of a track."""
        return self.track(id_).artist_key

    def album(self, id_: str) -> tuple[str, str] | None:
        """Return the album key of a track; None if unknown."""
        track = self.track(id_)
        return (track.artist_key, words(track.album)) if track.album else None

    @property
    def windows(self) -> tuple[tuple[str, Callable[[str], Hashable | None], int], ...]:
        """Spacing rules: name, label function and window."""
        request = self.request
        return (
            ("artist", self.artist, request.artist_window),
            ("album", self.album, request.album_window),
        )

    def smooth(self, ids: Sequence[str], order: Sequence[int] | None = None) -> list[str]:
        """Order tracks smoothly, the first staying first; see `improve_order`.

        Parameters
        ----------
        ids : sequence of str
        order : sequence of int, optional
            Initial order as positions in `ids`; by default as given.
        """
        rules = [([of(id_) for id_ in ids], window) for _, of, window in self.windows]
        rows = improve_order(
            self.units(ids),
            range(len(ids)) if order is None else order,
            labels=rules[0][0],
            window=rules[0][1],
            more=rules[1:],
        )
        return [ids[row] for row in rows]

    def note_clashes(self, ids: Sequence[str]) -> None:
        """Note where an artist or an album occurs twice within its window."""
        for what, of, window in self.windows:
            place = first_clash([of(id_) for id_ in ids], window)
            if place is not None:
                self.note(
                    f"{what} {self._called(what, ids[place])} comes twice within {window} tracks, "
                    f"at place {place + 1} first: no other fits there"
                )

    def _called(self, what: str, id_: str) -> str:
        return repr(getattr(self.track(id_), what))

    def group(self, id_: str) -> object:
        """Return the group key of recordings and versions that exclude each other."""
        track = self.track(id_)
        song = None if self.request.versions else song_of(track)
        number = self.library.duplicates.get(id_)
        own: object = song or id_
        if number is None:
            return own
        return self._roots.setdefault(number, own)

    @property
    def groups(self) -> Mapping[str, object]:
        """`group` by track, for those that share it with others or may."""
        return _GroupsOf(self)

    @property
    def artists(self) -> Mapping[str, str]:
        """Artist key by track."""
        return _ArtistsOf(self)


class _ArtistsOf(Mapping[str, str]):
    def __init__(self, source: TrackSource) -> None:
        self._source = source

    def __getitem__(self, id_: str) -> str:
        return self._source.track(id_).artist

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


class _GroupsOf(Mapping[str, object]):
    def __init__(self, source: TrackSource) -> None:
        self._source = source

    def __getitem__(self, id_: str) -> object:
        return self._source.group(id_)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def widening(first: int, most: int) -> Iterator[int]:
    """Yield growing numbers of candidates, each time four times as many, up to all."""
    for power in count():
        n_candidates = first * 4**power
        yield min(n_candidates, most)
        if n_candidates >= most:
            return
