"""Answers: tracks like these, tracks for this listener, and which recordings are the same one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from audiorec.embeddings import Embeddings, unit_norm
from audiorec.exceptions import ParameterError
from audiorec.index import Index, Metric

# Rows compared at once: a block of 2,048 by 2,048 scores is 16 MB.
BLOCK = 2048
# What float32 may take from the product of two equal unit vectors.
ROUNDING = 1e-6
# What it may take from a bound, generously: a pair too many costs a product, one too few a twin.
SLACK = 1e-4
# Neighbours beyond k that many questions ask for, some of which duplicates take away.
SPARE = 8
# Directions that pairs of prints are first compared in.
COARSE = 32


class Match(NamedTuple):
    """A track that answers a query.

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
    include: Collection[str] | None = None,
    exclude: Collection[str] = (),
) -> list[Match]:
    """Tracks nearest to one track, or to several at once.

    Parameters
    ----------
    index : Index
    embeddings : Embeddings or None
        Vectors of queries that the index does not hold, such as files from outside; where both
        have an id, these stand. None when the index holds every query.
    queries : sequence of str, or np.ndarray [shape=(d,)] or [shape=(n, d)]
        Ids or vectors. Several are asked for as the mean of their unit vectors.
    k : int
        Tracks wanted; fewer come when there are not so many.
    duplicates : mapping of str to int
        Group of each recording that there are several of. One of a group is answered, and none
        of a query's.
    include, exclude : collections of str
        See `Index.search`.

    Returns
    -------
    matches : list of Match
        Best first, without the queries.

    Raises
    ------
    NotFoundError
        If neither the index nor `embeddings` holds a query.
    ParameterError
        If there is no query, `k` is below 1, or a query's vector is zero, not finite or of
        other dimensions.
    """
    if isinstance(queries, np.ndarray) and queries.dtype.kind == "f":
        asked: list[str] = []
        vectors = np.atleast_2d(queries)
    else:
        asked = [queries] if isinstance(queries, str) else [str(query) for query in queries]
        vectors = query_vectors(index, embeddings, asked)
    return _answer(
        index,
        _direction(vectors),
        k=k,
        duplicates=duplicates or {},
        include=include,
        exclude={*exclude, *asked},
        unwanted=asked,
    )


def similar_many(
    index: Index,
    embeddings: Embeddings | None,
    questions: Sequence[Sequence[str]],
    *,
    k: int,
    duplicates: Mapping[str, int] | None = None,
    include: Collection[str] | None = None,
    exclude: Collection[str] = (),
) -> list[list[Match]]:
    """Answers to many questions, each that of `similar` alone, searched for together.

    Parameters
    ----------
    index, embeddings, k, duplicates, include, exclude
        See `similar`.
    questions : sequence of sequence of str
        Ids of the tracks of each.

    Returns
    -------
    answers : list of list of Match
    """
    if not len(questions):
        return []
    duplicates = duplicates or {}
    vectors = [_direction(query_vectors(index, embeddings, asked)) for asked in questions]
    # Those asked for are their own nearest neighbours, and are left out of what comes back.
    wanted = k + max(map(len, questions)) + SPARE
    found = index.search(np.stack(vectors), wanted, include=include, exclude=exclude)
    answers = []
    for number, asked in enumerate(questions):
        ids, scores = found.ids[number], found.scores[number].tolist()
        matches = _one_of_each(ids, scores, unwanted=asked, duplicates=duplicates)
        if len(matches) < k and len(ids) == wanted:
            matches = _answer(
                index,
                vectors[number],
                k=k,
                duplicates=duplicates,
                include=include,
                exclude={*exclude, *asked},
                unwanted=asked,
            )
        answers.append(matches[:k])
    return answers


def recommend(
    index: Index,
    user_vector: np.ndarray,
    *,
    k: int,
    heard: Collection[str] = (),
    duplicates: Mapping[str, int] | None = None,
    include: Collection[str] | None = None,
    exclude: Collection[str] = (),
) -> list[Match]:
    """Tracks for a listener, those that nobody has played yet included.

    The score is the inner product of the listener's vector and the track's, whatever the metric
    of the index: an index of cosines is then answered from its raw vectors, exactly.

    Parameters
    ----------
    index : Index
    user_vector : np.ndarray [shape=(d,)], float32
        The listener's factors.
    k : int
        Tracks wanted; fewer come when there are not so many.
    heard : collection of str
        What the listener has played: left out, with every other recording of its groups. Pass
        nothing to have it ranked among the rest.
    duplicates, include, exclude
        See `similar`.

    Returns
    -------
    matches : list of Match
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
        exclude={*exclude, *heard},
        unwanted=heard,
        metric="inner_product",
    )


def query_vectors(
    index: Index, embeddings: Embeddings | None, queries: Sequence[str]
) -> np.ndarray:
    """Vectors of ids, from `embeddings` where they are there, else from the index.

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


def near_duplicates(prints: Embeddings, *, threshold: float) -> dict[str, int]:
    """Group recordings that are the same one.

    Two are the same when the cosine of their prints is at least `threshold`, and so are those
    that a chain of such pairs joins.

    Parameters
    ----------
    prints : Embeddings
        A print per recording; of unit norm, or brought to it.
    threshold : float
        Above 0, at most 1.

    Returns
    -------
    groups : dict of str to int
        Group of each recording that has a twin, in the order of the prints; groups are numbered
        as they come. Recordings without a twin are not in it.
    """
    if not 0 < threshold <= 1:
        raise ParameterError(f"threshold={threshold} must be above 0 and at most 1")
    unit = unit_norm(prints.vectors)
    pairs = _pairs_above(unit, threshold - ROUNDING)
    return _joined((prints.ids[a], prints.ids[b]) for a, b in pairs.tolist())


def merge_groups(*groups: Mapping[str, int]) -> dict[str, int]:
    """Join several groupings: what any of them holds together stays together.

    Parameters
    ----------
    *groups : mappings of str to int
        Group numbers of one mapping mean nothing in another.

    Returns
    -------
    merged : dict of str to int
        Groups of two or more, numbered as they come.
    """

    def links() -> Iterable[tuple[str, str]]:
        for grouping in groups:
            first: dict[int, str] = {}
            for id_, group in grouping.items():
                yield first.setdefault(group, id_), id_

    return _joined(links())


def _answer(
    index: Index,
    vector: np.ndarray,
    *,
    k: int,
    duplicates: Mapping[str, int],
    include: Collection[str] | None,
    exclude: Collection[str],
    unwanted: Collection[str],
    metric: Metric | None = None,
) -> list[Match]:
    """The best `k`, one of each group of duplicates, and none of the groups of `unwanted`."""
    wanted = k
    while True:
        ids, scores = index.search(vector, wanted, include=include, exclude=exclude, metric=metric)
        matches = _one_of_each(ids[0], scores[0].tolist(), unwanted=unwanted, duplicates=duplicates)
        if len(matches) >= k or len(ids[0]) < wanted:
            return matches[:k]
        wanted *= 2


def _one_of_each(
    ids: Sequence[str],
    scores: Sequence[float],
    *,
    unwanted: Collection[str],
    duplicates: Mapping[str, int],
) -> list[Match]:
    """What was found, less `unwanted` and their groups, and the first of every other group."""
    left_out = set(unwanted)
    seen = {duplicates[id_] for id_ in unwanted if id_ in duplicates}
    matches = []
    for id_, score in zip(ids, scores, strict=True):
        group = duplicates.get(id_)
        if group not in seen and id_ not in left_out:
            matches.append(Match(id_, score))
            if group is not None:
                seen.add(group)
    return matches


def _direction(vectors: np.ndarray) -> np.ndarray:
    """Mean of the unit vectors : np.ndarray [shape=(d,)], float32."""
    if not np.isfinite(vectors).all():
        raise ParameterError("a query holds NaN or infinity; embed it again")
    if not len(vectors):
        raise ParameterError("no track to start from; name at least one")
    mean: np.ndarray = unit_norm(np.asarray(vectors, dtype=np.float32)).mean(axis=0)
    if not np.linalg.norm(mean) > ROUNDING:
        raise ParameterError(
            "the query points nowhere: its vector is zero, or several cancel out; ask for fewer"
        )
    return mean


def _pairs_above(unit: np.ndarray, threshold: float) -> np.ndarray:
    """Pairs of rows whose inner product is at least `threshold`.

    Unit vectors so near each other are at most sqrt(2 - 2 * threshold) apart, and so are their
    projections on any one direction: sorted along the direction of the largest variance, only a
    window of rows has to be compared. There, the projections x', y' on the first few directions
    and what is left of the norms bound the product from above (Cauchy-Schwarz),
    x . y <= x' . y' + |x - x'| |y - y'|, and only pairs that pass are multiplied out.

    Parameters
    ----------
    unit : np.ndarray [shape=(n, d)], float32
    threshold : float

    Returns
    -------
    pairs : np.ndarray [shape=(n_pairs, 2)], int64
        In order, the smaller row first.
    """
    centred = unit - unit.mean(axis=0) if len(unit) else unit
    _, axes = np.linalg.eigh(centred.T @ centred)
    projected = unit @ axes[:, ::-1][:, :COARSE]
    order = np.argsort(projected[:, 0], kind="stable")
    rows, projected = unit[order], projected[order]
    left_over = np.sqrt(np.maximum(0, (rows**2).sum(axis=1) - (projected**2).sum(axis=1)))
    coarse = np.concatenate([projected, left_over[:, np.newaxis]], axis=1)
    along = projected[:, 0]
    reach = np.sqrt(max(0.0, 2 - 2 * threshold)) + SLACK
    found = [np.empty((0, 2), dtype=np.int64)]
    for start in range(0, len(rows), BLOCK):
        stop = min(start + BLOCK, len(rows))
        end = int(np.searchsorted(along, along[stop - 1] + reach, side="right"))
        for left in range(start, end, BLOCK):
            right = min(left + BLOCK, end)
            bounds = coarse[start:stop] @ coarse[left:right].T
            a, b = np.nonzero(bounds >= threshold - SLACK)
            if len(a) * unit.shape[1] > bounds.size:
                a, b = np.nonzero(rows[start:stop] @ rows[left:right].T >= threshold)
            pairs = np.stack([a + start, b + left], axis=1)
            pairs = pairs[pairs[:, 0] < pairs[:, 1]]
            products = (rows[pairs[:, 0]] * rows[pairs[:, 1]]).sum(axis=1)
            found.append(pairs[products >= threshold])
    pairs = np.sort(order[np.concatenate(found)], axis=1)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def _joined(links: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Groups of two or more that links join (union-find), numbered as their ids first come."""
    parent: dict[str, str] = {}

    def root(id_: str) -> str:
        parent.setdefault(id_, id_)
        while parent[id_] != id_:
            parent[id_] = parent[parent[id_]]
            id_ = parent[id_]
        return id_

    for a, b in links:
        above, below = root(a), root(b)
        parent[below] = above
    sizes: dict[str, int] = {}
    for id_ in list(parent):
        sizes[root(id_)] = sizes.get(root(id_), 0) + 1
    numbers: dict[str, int] = {}
    return {
        id_: numbers.setdefault(root(id_), len(numbers))
        for id_ in list(parent)
        if sizes[root(id_)] > 1
    }
