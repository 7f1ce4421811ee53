"""Library: similar tracks and recommendations from a workspace.

A query by a catalogued track loads neither torch nor librosa; only an uncatalogued file is decoded,
with the model that made the index.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from audiorec.data import excluded_tracks, load_exclusions
from audiorec.data.catalog import MIN_CONFIDENCE, Catalog, Track
from audiorec.embeddings import Embeddings
from audiorec.exceptions import AudiorecError, NotFoundError, ParameterError, WorkspaceError
from audiorec.index import Index, IndexWatcher
from audiorec.recommend.artist_album_limits import within_limits
from audiorec.recommend.query_resolution import QueryResolver, check_apart
from audiorec.recommend.results import Hit, present
from audiorec.recommend.retrieval import (
    ScoredTrack,
    query_vectors,
    recommend,
    similar,
    similar_many,
)
from audiorec.recommend.space_indexes import SpaceIndexes
from audiorec.recommend.user_profile import (
    last_played,
    liked_tracks,
    mean_vector,
    stale_plays,
    tracks_played_by,
    user_factor,
)
from audiorec.recommend.versions import Songs, songs_of
from audiorec.workspace import Workspace

if TYPE_CHECKING:
    from audiorec.data.catalog import TrackDescriptors
    from audiorec.factors import Factors
    from audiorec.recommend.filters import TrackFilter
    from audiorec.recommend.spaces import Space

# Imports in functions: only when an answer needs them.

__all__ = ["Hit", "Library"]


class Query(NamedTuple):
    """A resolved query.

    Attributes
    ----------
    served : Index
        Index of the requested space.
    ids : list of str
        For each name a track_id, or the path of an uncatalogued file.
    uncatalogued : Embeddings or None
        Vectors of those files.
    """

    served: Index
    ids: list[str]
    uncatalogued: Embeddings | None


class Library:
    """Recommender over one workspace.

    Parameters
    ----------
    workspace : Workspace or Path
    files : bool
        Whether a name may be the path of a file on this machine; if not, only the catalogue is
        searched, as on a server, whose clients do not own the files.

    Raises
    ------
    WorkspaceError
        If it is not a workspace, or from a newer version.

    Examples
    --------
    >>> from audiorec.external_embeddings import import_embeddings
    >>> import polars as pl
    >>> columns = {"track_id": ["x", "y", "z"], "vector": [[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]]}
    >>> vectors = pl.DataFrame(columns)
    >>> vectors.write_parquet("vectors.parquet")
    >>> workspace = Workspace(Path("imported"))
    >>> _ = import_embeddings(workspace, Path("vectors.parquet"))
    >>> [hit.track_id for hit in Library(workspace).similar(["x"], k=2)]
    ['y', 'z']
    """

    def __init__(self, workspace: Workspace | Path, *, files: bool = True) -> None:
        self.workspace = workspace if isinstance(workspace, Workspace) else Workspace(workspace)
        self.workspace.check()
        self.files = files
        self._watch: IndexWatcher | None = IndexWatcher(self.workspace)
        self._indexes = SpaceIndexes(self.workspace, self._watch.open)
        self._hidden: tuple[object, frozenset[str]] | None = None

    def for_thread(self, *, catalog: Catalog | None = None, songs: Songs | None = None) -> Library:
        """Make a copy for another thread, with shared indexes and its own SQLite connection.

        It keeps the current index of this one; see `refresh`.

        Parameters
        ----------
        catalog : Catalog, optional
            Used instead of a new one.
        songs : callable, optional
            Returns the song of each of some tracks, if known already.
        """
        other = Library(self.workspace, files=self.files)
        other._watch, other._indexes = None, self._indexes
        if catalog is not None:
            other.__dict__["catalog"] = catalog
        if songs is not None:
            other.__dict__["_songs"] = songs
        return other

    def close(self) -> None:
        """Close the catalogue if it is open; call it in the thread that opened it."""
        if (catalog := self.__dict__.pop("catalog", None)) is not None:
            catalog.close()

    @property
    def index(self) -> Index:
        """The index, checked against its vectors.

        Raises
        ------
        ArtifactError
            If it is missing, or was made from other vectors or factors.
        """
        return self._indexes.main

    @property
    def by_sound(self) -> bool:
        """Whether vectors come from audio alone, because there are no plays."""
        return self._indexes.by_sound

    @property
    def stale(self) -> str:
        """Imports since the index was made, in one line; empty if there are none."""
        if stale_plays(self.workspace, made=self.index.inputs.get("plays")):
            return "plays are newer than the model; run 'audiorec run' to include them"
        return ""

    @property
    def duplicates(self) -> Mapping[str, int]:
        """Group number of every track that is the same recording as another."""
        return self.index.duplicates

    @property
    def hidden(self) -> frozenset[str]:
        """Ids of the tracks excluded from answers.

        Raises
        ------
        WorkspaceError
            If the exclusions cannot be read.
        """
        rules = load_exclusions(self.workspace.exclusions)
        if not rules:
            return frozenset()
        # An open library notices later exclusions and additions to the catalogue.
        state = (tuple(rules), self.catalog.last_change())
        if self._hidden is None or self._hidden[0] != state:
            self._hidden = (state, excluded_tracks(self.catalog, rules))
        return self._hidden[1]

    def hidden_among(self, names: Sequence[str | Path]) -> list[str]:
        """Return the ids of named tracks that are hidden: valid as seeds, but in no answer."""
        hidden = self.hidden
        if not hidden:
            return []
        tracks = [self.catalogued(str(name)) for name in names]
        return [t.track_id for t in tracks if t is not None and t.track_id in hidden]

    @cached_property
    def _songs(self) -> Songs:
        return songs_of(self.catalog)

    @cached_property
    def catalog(self) -> Catalog:
        """The catalogue, open for reading."""
        return Catalog(self.workspace.catalog, read_only=True)

    def similar(
        self,
        names: Sequence[str | Path],
        *,
        k: int = 10,
        space: Space = "blend",
        popularity: float = 0.0,
        versions: bool = False,
        tags: Sequence[str] = (),
        without: Sequence[str] = (),
        min_confidence: float = MIN_CONFIDENCE,
        against: Sequence[str | Path] = (),
        filters: TrackFilter | None = None,
        per_artist: int = 0,
        per_album: int = 0,
        min_score: float = 0.0,
    ) -> list[Hit]:
        """Find the tracks nearest to one track, or those that several agree on.

        Parameters
        ----------
        names : sequence of str or Path
            Each an id, a path, ``"Artist - Title"``, a unique title, or a file outside the
            catalogue.
        k : int
            Number of tracks; all if there are fewer.
        space : {"blend", "content", "listening"}
            See `audiorec.recommend.spaces`.
        popularity : float
            From -1 (little known tracks) to 1 (hits); see `audiorec.index.with_popularity`.
        versions : bool
            Whether to return several versions of one song (live, remastered, a radio edit);
            otherwise one, and none of a seed's song.
        tags, without : sequences of str
            Only tracks with all of the former, and none of the latter tags; see
            `audiorec.data.catalog.tags`.
        min_confidence : float
            Least confidence at which a track has a tag.
        against : sequence of str or Path
            Negative seeds; they are left out of the answer as well.
        filters : TrackFilter, optional
            Only matching tracks.
        per_artist, per_album : int
            Most tracks of each; 0 for any number.
        min_score : float
            Least percentile, 0 to 100; see `Hit.percentile`.

        Raises
        ------
        NotFoundError, AmbiguousNameError
            If a name matches no track, or several; if the track is not in the space; or if no
            track has a tag.
        ArtifactError
            If there is no index, or it does not match the rest of the workspace.
        """
        self.refresh()
        index = self._indexes.get(space, popularity, self.index.metric)
        if filters or tags or without:
            from audiorec.recommend.filters import TrackFilter

            given = filters or TrackFilter()
            filters = replace(
                given,
                tags=(*given.tags, *tags),
                without_tags=(*given.without_tags, *without),
                min_confidence=min_confidence,
            )
        include = self.select(filters)
        ids, uncatalogued = self._resolve(names, space=space)
        unwanted, unwanted_outside = self._resolve(against, space=space)
        check_apart(ids, unwanted)
        vectors = query_vectors(index, unwanted_outside, unwanted) if unwanted else None

        def answer(gone: Collection[str], wanted: int) -> list[ScoredTrack]:
            return similar(
                index,
                uncatalogued,
                ids,
                k=wanted,
                duplicates=self.duplicates,
                songs=None if versions else self._songs,
                include=include,
                exclude={*gone, *unwanted},
                against=vectors,
            )

        hits = self._limited(answer, k=k, per_artist=per_artist, per_album=per_album)
        return self.with_percentiles(hits, index, min_score=min_score)

    def _limited(
        self,
        answer: Callable[[Collection[str], int], list[ScoredTrack]],
        *,
        k: int,
        per_artist: int,
        per_album: int,
    ) -> list[Hit]:
        """Return the best `k` within the limits, requesting longer answers as needed."""
        wanted = k
        while True:

            def answers(gone: Collection[str], wanted: int = wanted) -> list[list[ScoredTrack]]:
                return [answer(gone, wanted)]

            shown = present(self.catalog, answers, hidden=self.hidden)[0]
            hits = within_limits(shown, per_artist=per_artist, per_album=per_album)
            if len(hits) >= k or len(shown) < wanted:
                return hits[:k]
            wanted *= 4

    def with_percentiles(
        self, hits: Sequence[Hit], index: Index, *, min_score: float = 0.0
    ) -> list[Hit]:
        """Add percentiles among the pairs of an index to hits; drop those below the least.

        See `audiorec.recommend.score_percentiles`.
        """
        if not 0 <= min_score <= 100:
            raise ParameterError(f"min_score={min_score} must lie between 0 and 100 percent")
        if not hits:
            return []
        percentiles = self.percentiles(index, [hit.score for hit in hits])
        marked = [
            hit._replace(percentile=round(float(value), 2))
            for hit, value in zip(hits, percentiles, strict=True)
        ]
        return [hit for hit in marked if (hit.percentile or 0.0) >= min_score]

    def percentiles(self, index: Index, scores: Sequence[float]) -> np.ndarray:
        """Compute the share of an index's pairs (%) below each score : np.ndarray [shape=(n,)]."""
        return self._indexes.percentiles(index, scores)

    def select(self, filters: TrackFilter | None) -> frozenset[str] | None:
        """Select the ids of the tracks that match a filter; None for an empty filter."""
        if not filters:
            return None
        from audiorec.recommend.filters import select_tracks

        return select_tracks(
            self.catalog,
            filters,
            played=lambda user: tracks_played_by(self.workspace, user),
            last_played=lambda user: last_played(self.workspace, user),
            descriptors=lambda: self.descriptors().tempo_and_key(),
        )

    def similar_many(
        self,
        questions: Sequence[Sequence[str | Path]],
        *,
        k: int = 10,
        space: Space = "blend",
        popularity: float = 0.0,
        versions: bool = False,
    ) -> list[list[Hit] | AudiorecError]:
        """Answer many queries in one search, each exactly as `similar` does.

        Parameters
        ----------
        questions : sequence of sequence of str or Path
            Names of each query.
        k, space, popularity, versions
            See `similar`.

        Returns
        -------
        answers : list of list of Hit, or of AudiorecError
            An error for a query whose name matches no track, or several, or is a file that cannot
            be decoded; the others are answered.
        """
        self.refresh()
        index = self._indexes.get(space, popularity, self.index.metric)
        answers: list[list[Hit] | AudiorecError] = []
        queries: list[list[str]] = []
        placed: dict[str, np.ndarray] = {}
        for names in questions:
            try:
                ids, uncatalogued = self._resolve(names, space=space)
            except WorkspaceError:  # no query can be answered
                raise
            except AudiorecError as error:
                answers.append(error)
                continue
            queries.append(ids)
            answers.append([])
            if uncatalogued is not None:
                placed.update(zip(uncatalogued.ids, uncatalogued.vectors, strict=True))
        vectors = Embeddings(list(placed), np.stack(list(placed.values()))) if placed else None

        def answer_all(gone: Collection[str]) -> list[list[ScoredTrack]]:
            return similar_many(
                index,
                vectors,
                queries,
                k=k,
                duplicates=self.duplicates,
                songs=None if versions else self._songs,
                exclude=gone,
            )

        shown = present(self.catalog, answer_all, hidden=self.hidden)
        hits = iter([self.with_percentiles(each, index) for each in shown])
        return [answer if isinstance(answer, AudiorecError) else next(hits) for answer in answers]

    def recommend(
        self,
        user: str,
        *,
        k: int = 10,
        include_played: bool = False,
        space: Space = "blend",
        popularity: float = 0.0,
        versions: bool = False,
        filters: TrackFilter | None = None,
        per_artist: int = 0,
        per_album: int = 0,
    ) -> list[Hit]:
        """Recommend tracks for a listener, including tracks that nobody has played yet.

        Parameters
        ----------
        user : str
            A user_id of the imported plays.
        k : int
        include_played : bool
            Whether to include tracks that the listener has played.
        space, popularity, versions, filters, per_artist, per_album
            See `similar`.
        """
        self.refresh()
        index = self._indexes.get(space, popularity, "inner_product")
        played = tracks_played_by(self.workspace, user)
        vector = self._listener(user)

        include = self.select(filters)

        def answer(gone: Collection[str], wanted: int) -> list[ScoredTrack]:
            return recommend(
                index,
                vector,
                k=wanted,
                played=() if include_played else played,
                duplicates=self.duplicates,
                songs=None if versions else self._songs,
                include=include,
                exclude=gone,
            )

        return self._limited(answer, k=k, per_artist=per_artist, per_album=per_album)

    def listener_vector(self, user: str) -> np.ndarray:
        """Return the vector of a listener, for inner products : np.ndarray [shape=(d,)], float32.

        Raises
        ------
        NotFoundError
            If nothing is known of them, or they have played too little.
        """
        tracks_played_by(self.workspace, user)  # raises if there are none
        return self._listener(user)

    def factors(self) -> Factors:
        """Load vectors of listeners and tracks; `NotFoundError` if vectors are audio-only."""
        from audiorec.factors import load_factors

        if self.by_sound:
            raise NotFoundError(
                "there are no factors: tracks are placed by sound alone; take a recipe with "
                "listening, such as default"
            )
        return load_factors(self.workspace.factors)

    def track(self, track_id: str) -> Track:
        """Return a track of an answer; an uncatalogued one has its id as path."""
        try:
            return self.catalog.get(track_id)
        except NotFoundError:
            return Track(track_id=track_id, path=track_id, title=Path(track_id).stem)

    def catalogued(self, name: str) -> Track | None:
        """Find the catalogued track of a name; None for a file whose audio is not catalogued."""
        return self._resolver.track(name)

    def descriptors(self) -> TrackDescriptors:
        """Load the measured descriptors of the tracks; empty if there are none."""
        from audiorec.data.catalog import load_descriptors

        return load_descriptors(self.workspace.descriptors)

    def query(
        self, names: Sequence[str | Path], *, space: Space = "blend", popularity: float = 0.0
    ) -> Query:
        """Resolve names, and return the index to search; see `similar` for the parameters."""
        self.refresh()
        index = self._indexes.get(space, popularity, self.index.metric)
        ids, uncatalogued = self._resolve(names, space=space)
        return Query(index, ids, uncatalogued)

    def refresh(self) -> bool:
        """Switch to a newer index, once it is ready.

        Every answer does so by itself, except in a library for a thread, whose owner must make
        another.

        Returns
        -------
        replaced : bool
        """
        if self._watch is None or not self._indexes.is_open:
            return False
        fresh = self._watch.replacement(of=self.index)
        if fresh is None:
            return False
        # Libraries for threads keep theirs.
        self._indexes = SpaceIndexes(self.workspace, self._watch.open, main=fresh)
        self.__dict__.pop("_resolver", None)
        return True

    @cached_property
    def _resolver(self) -> QueryResolver:
        return QueryResolver(self.workspace, self.catalog, self.index, files=self.files)

    def _resolve(
        self, names: Sequence[str | Path], *, space: Space
    ) -> tuple[list[str], Embeddings | None]:
        """Resolve names to ids, and uncatalogued files to vectors."""
        placed = self._indexes.get(space, 0.0, self.index.metric)
        return self._resolver.resolve(names, space=space, placed=placed)

    def _listener(self, user: str) -> np.ndarray:
        """Return the vector of a listener : np.ndarray [shape=(d,)], float32."""
        if self.by_sound:
            return mean_vector(self.index, liked_tracks(self.workspace, user), user)
        return user_factor(self.workspace, self.factors(), user)
