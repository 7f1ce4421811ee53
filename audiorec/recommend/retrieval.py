"""Retrieval of similar tracks and recommendations from an index."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from audiorec.embeddings import Embeddings, unit_norm
from audiorec.exceptions import ParameterError
from audiorec.index import Index, Metric
from audiorec.recommend.several_seeds import rank_by_agreement

if TYPE_CHECKING:
    from audiorec.recommend.versions import Songs

# Extra neighbours beyond k in a batch, since duplicates are dropped.
SPARE = 8


class ScoredTrack(NamedTuple):
    """A retrieved track and its score.

    Attributes
    ----------
    track_id : str
    score : float
        Higher is nearer: a cosine or an inner product.
    """

    track_id: str
    score: float


def similar(
    index: Index,
    embeddings: Embeddings | None,
    queries: Sequence[str] | np.ndarray,
    *,
    k: int,
    duplicates: Mapping[str, int] | None = None,
    songs: Songs | None = None,
    include: Collection[str] | None = None,
    exclude: Collection[str] = (),
    against: np.ndarray | None = None,
) -> list[ScoredTrack]:
    """Find the tracks nearest to one track, or those that several agree on.

    Parameters
    ----------
    index : Index
    embeddings : Embeddings or None
        Vectors of queries that are not in the index, such as uncatalogued files; they take
        precedence over the index. None if the index holds every query.
    queries : sequence of str, or np.ndarray [shape=(d,)] or [shape=(n, d)]
        Ids or vectors. Several agree on tracks near each of them, or very near one; see
        `audiorec.recommend.several_seeds`.
    k : int
        Tracks wanted; fewer come when there are not so many.
    duplicates : mapping of str to int
        Groups of the same recording. One track per group is returned, and none of a query's
        group.
    songs : callable, optional
        See `audiorec.recommend.versions`; with it, one version per song is returned, and none of
        a query's song.
    include, exclude : collections of str
        See `Index.search`.
    against : np.ndarray [shape=(m, d)], float32, or None
        Vectors of negative seeds.

    Returns
    -------
    ranked : list of ScoredTrack
        Best first, without the queries.

    Raises
    ------
    NotFoundError
        If neither the index nor `embeddings` holds a query.
    ParameterError
        If there is no query, `k` is below 1, or a query's vector is zero, not finite or of
        other dimensions.

    Examples
    --------
    >>> from audiorec.index import build_index
    >>> from audiorec.index import IndexConfig
    >>> vectors = np.array([[1, 0], [1, 0.1], [0, 1]])
    >>> index = build_index(Embeddings(["x", "y", "z"], vectors), config=IndexConfig())
    >>> [t.track_id for t in similar(index, None, ["x"], k=2)]
    ['y', 'z']
    """
    if isinstance(queries, np.ndarray) and queries.dtype.kind == "f":
        query_ids: list[str] = []
        vectors = np.atleast_2d(queries)
    else:
        query_ids = [queries] if isinstance(queries, str) else [str(query) for query in queries]
        vectors = query_vectors(index, embeddings, query_ids)
    return _answer(
        index,
        _directions(vectors),
        k=k,
        duplicates=duplicates or {},
        include=include,
        exclude={*exclude, *query_ids},
        unwanted=query_ids,
        songs=songs,
        query_ids=query_ids,
        against=against,
    )


def similar_many(
    index: Index,
    embeddings: Embeddings | None,
    questions: Sequence[Sequence[str]],
    *,
    k: int,
    duplicates: Mapping[str, int] | None = None,
    songs: Songs | None = None,
    include: Collection[str] | None = None,
    exclude: Collection[str] = (),
) -> list[list[ScoredTrack]]:
    """Answer many queries in one search, each exactly as `similar` does.

    Parameters
    ----------
    index, embeddings
        See `similar`.
    questions : sequence of sequence of str
        Track ids of each query.
    k, duplicates, songs, include, exclude
        See `similar`.

    Returns
    -------
    answers : list of list of ScoredTrack
    """
    if not len(questions):
        return []
    duplicates = duplicates or {}
    vectors = [_directions(query_vectors(index, embeddings, query_ids)) for query_ids in questions]
    # Queries are their own nearest neighbours, and are dropped from the results.
    wanted = k + 1 + SPARE
    single = [number for number, rows in enumerate(vectors) if len(rows) == 1]
    by_query: dict[int, tuple[list[str], list[float]]] = {}
    if single:
        together = np.concatenate([vectors[number] for number in single])
        neighbours = index.search(together, wanted, include=include, exclude=exclude)
        for number, near, row in zip(single, *neighbours, strict=True):
            by_query[number] = (near, row.tolist())
    answers = []
    for number, query_ids in enumerate(questions):
        ids, scores = by_query.get(number, ([], []))
        ranked = _one_of_each(
            ids, scores, unwanted=query_ids, duplicates=duplicates, songs=songs, query_ids=query_ids
        )
        if number not in by_query or (len(ranked) < k and len(ids) == wanted):
            ranked = _answer(
                index,
                vectors[number],
                k=k,
                duplicates=duplicates,
                include=include,
                exclude={*exclude, *query_ids},
                unwanted=query_ids,
                songs=songs,
                query_ids=query_ids,
            )
        answers.append(ranked[:k])
    return answers


def recommend(
    index: Index,
    user_vector: np.ndarray,
    *,
    k: int,
    played: Collection[str] = (),
    duplicates: Mapping[str, int] | None = None,
    songs: Songs | None = None,
    include: Collection[str] | None = None,
    exclude: Collection[str] = (),
) -> list[ScoredTrack]:
    """Recommend tracks for a listener, including tracks that nobody has played yet.

    The score is the inner product of the listener's vector and the track's, whatever the metric
    of the index: a cosine index is then searched exactly by its raw vectors.

    Parameters
    ----------
    index : Index
    user_vector : np.ndarray [shape=(d,)], float32
        The listener's factors.
    k : int
        Tracks wanted; fewer come when there are not so many.
    played : collection of str
        Tracks that the listener has played: left out, with duplicates of the same recording.
        Empty to rank them among the rest.
    duplicates, songs, include, exclude
        See `similar`.

    Returns
    -------
    ranked : list of ScoredTrack
        Best first.

    Raises
    ------
    ParameterError
        If `k` is below 1, or the vector is zero, not finite or of other dimensions.
    """
    vector = np.asarray(user_vector, dtype=np.float32)
    if vector.ndim != 1:
        raise ParameterError(f"user_vector of shape {vector.shape} must be one listener's vector")
    if not vector.any():
        raise ParameterError(
            "the listener's vector is zero, which favours no track; import some of their plays"
        )
    return _answer(
        index,
        vector,
        k=k,
        duplicates=duplicates or {},
        include=include,
        exclude={*exclude, *played},
        unwanted=played,
        songs=songs,
        metric="inner_product",
    )


def query_vectors(
    index: Index, embeddings: Embeddings | None, queries: Sequence[str]
) -> np.ndarray:
    """Look up vectors of ids, first in `embeddings`, then in the index.

    Returns
    -------
    vectors : np.ndarray [shape=(len(queries), d)], float32

    Raises
    ------
    NotFoundError
        If neither holds an id.
    """
    if not len(queries):
        raise ParameterError("no track to start from; name at least one")
    vectors = [
        embeddings[query] if embeddings is not None and query in embeddings else index.vector(query)
        for query in queries
    ]
    if len({vector.shape for vector in vectors}) > 1:
        raise ParameterError("the queries' vectors differ in dimensions; embed them with one model")
    return np.stack(vectors)


def _answer(
    index: Index,
    vectors: np.ndarray,
    *,
    k: int,
    duplicates: Mapping[str, int],
    include: Collection[str] | None,
    exclude: Collection[str],
    unwanted: Collection[str],
    songs: Songs | None = None,
    query_ids: Sequence[str] = (),
    metric: Metric | None = None,
    against: np.ndarray | None = None,
) -> list[ScoredTrack]:
    """Return the best `k`, one per group of duplicates, none of the groups of `unwanted`."""
    wanted = k
    alone = vectors.ndim == 1 or (len(vectors) == 1 and against is None)
    while True:
        if alone:
            neighbours = index.search(
                vectors, wanted, include=include, exclude=exclude, metric=metric
            )
            ids, scores = neighbours.ids[0], neighbours.scores[0].tolist()
        else:
            ids, scores = rank_by_agreement(
                index, vectors, wanted, against=against, include=include, exclude=exclude
            )
        ranked = _one_of_each(
            ids,
            scores,
            unwanted=unwanted,
            duplicates=duplicates,
            songs=songs,
            query_ids=query_ids,
        )
        if len(ranked) >= k or len(ids) < wanted:
            return ranked[:k]
        wanted *= 2


def _one_of_each(
    ids: Sequence[str],
    scores: Sequence[float],
    *,
    unwanted: Collection[str],
    duplicates: Mapping[str, int],
    songs: Songs | None,
    query_ids: Sequence[str],
) -> list[ScoredTrack]:
    """Drop `unwanted` and their groups, and all but the first of every other group.

    One version per song is kept, and none of the songs of `query_ids`.
    """
    left_out = set(unwanted)
    seen = {duplicates[id_] for id_ in unwanted if id_ in duplicates}
    of_songs = songs(ids) if songs is not None else [""] * len(ids)
    seen_songs = set(songs(query_ids)) if songs is not None else set()
    ranked = []
    for id_, score, song in zip(ids, scores, of_songs, strict=True):
        group = duplicates.get(id_)
        if group in seen or id_ in left_out or (song and song in seen_songs):
            continue
        ranked.append(ScoredTrack(id_, score))
        seen_songs.add(song)
        if group is not None:
            seen.add(group)
    return ranked


def _directions(vectors: np.ndarray) -> np.ndarray:
    """Return unit vectors of queries : np.ndarray [shape=(n, d)], float32."""
    if not np.isfinite(vectors).all():
        raise ParameterError("a query holds NaN or infinity; embed it again")
    if not len(vectors):
        raise ParameterError("no track to start from; name at least one")
    if not np.linalg.norm(vectors, axis=1).min() > 0:
        raise ParameterError("the query's vector is zero; ask for another track")
    return unit_norm(np.asarray(vectors, dtype=np.float32))
