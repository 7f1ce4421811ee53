"""Build an index from vectors, with hub correction and the popularity dial."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from audiorec.embeddings import Embeddings
from audiorec.exceptions import ParameterError
from audiorec.index.exact import Metric, scaled_vectors
from audiorec.index.hubness import csls_offsets, min_exposure_offsets
from audiorec.index.row_lookup import id_array
from audiorec.index.spilled_arrays import take_rows
from audiorec.index.vector_index import Index

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from audiorec.index.config import IndexConfig

# Turned towards popularity, a short vector keeps this fraction of its length: it has a direction
# still.
SHORTEST = 0.05


def build_index(
    embeddings: Embeddings,
    *,
    config: IndexConfig,
    listeners: np.ndarray | None = None,
    plays: csr_matrix | None = None,
    query_ids: Collection[str] | None = None,
    work: Path | None = None,
) -> Index:
    """Index vectors by their ids.

    Parameters
    ----------
    embeddings : Embeddings
        In any order: the index and its saved bytes do not depend on it.
    config : IndexConfig
    listeners : np.ndarray [shape=(n_listeners, d)], float32, or None
        Queries by inner product, whose hubs are then corrected too if set in `config`; by cosine
        the tracks themselves are the queries.
    plays : csr_matrix [shape=(n_listeners, n)], or None
        Nonzero where a listener has played a track, in the order of `embeddings`.
    query_ids : collection of str or None
        Tracks used as queries of hub correction; all by default.
    work : Path or None
        A folder for data larger than `config.memory`; None for the system's own.

    Returns
    -------
    index : Index

    Examples
    --------
    >>> from audiorec.index import IndexConfig
    >>> vectors = np.array([[1, 0], [1, 0.1], [0, 1]])
    >>> index = build_index(Embeddings(["x", "y", "z"], vectors), config=IndexConfig())
    >>> index.search(index.vector("x"), 2).ids
    [['x', 'y']]
    """
    if config.hubs == "none":
        return _assemble(embeddings, config=config, offsets={}, work=work)
    ids = sorted(embeddings.ids)  # sums round by position: the order must not depend on the caller
    plays = None if plays is None else plays[:, embeddings.id_map.rows(ids)]
    embeddings = embeddings.take(ids)
    unit = scaled_vectors(embeddings.vectors, "cosine")
    own = embeddings.id_map.rows(ids if query_ids is None else sorted(query_ids))
    offsets: dict[Metric, np.ndarray] = {}
    if config.hubs == "csls":
        offsets["cosine"] = csls_offsets(unit, unit[own], own=own)
        if listeners is not None:
            offsets["inner_product"] = csls_offsets(embeddings.vectors, listeners)
    else:
        offsets["cosine"] = min_exposure_offsets(unit, unit[own], own=own)
        if listeners is not None:
            offsets["inner_product"] = min_exposure_offsets(
                embeddings.vectors, listeners, excluded=plays
            )
    return _assemble(embeddings, config=config, offsets=offsets, work=work)


def with_popularity(index: Index, popularity: float, *, metric: Metric, mean_norm: float) -> Index:
    """Make an index like this one, with popularity turned down or up.

    The length of a track's factor grows with its listeners, so that by inner product popular tracks
    rank high for everybody. Scaling a vector of length |x| by

        gamma = (|x| + alpha mu) / (|x| (1 + alpha))

    moves its length towards the mean one, mu: it becomes mu + (|x| - mu) / (1 + alpha). The dial
    here is 1 / (1 + alpha) - 1, which extends to the other direction too.

    Parameters
    ----------
    index : Index
    popularity : float
        From -1 to 1. By inner product 0 leaves every length as it is; at -1 all are as long as
        `mean_norm`, so that taste alone decides; at 1 they are twice as far from it. By cosine,
        which ignores lengths, 0 changes nothing; at 1 a score is multiplied by |x| / mu, at -1
        by 2 - |x| / mu.
    metric : {"cosine", "inner_product"}
        Metric of the queries to `index`.
    mean_norm : float
        mu: mean length of the factors of tracks that have been played.

    Returns
    -------
    dialled : Index
        Exact, and of metric "inner_product", whatever the original. Hubs stay corrected by
        "csls"; offsets of "reach" fit no other lengths, and are left out.

    Raises
    ------
    ParameterError
        If `popularity` is out of range or `mean_norm` is not above 0.
    """
    if not -1 <= popularity <= 1:
        raise ParameterError(f"popularity={popularity} must lie between -1, gems, and 1, hits")
    if not mean_norm > 0:
        raise ParameterError(f"mean_norm={mean_norm} must be above 0; make the index again")
    # here: it loads pydantic, only once an answer needs it
    from audiorec.index.config import IndexConfig

    raw = index.embeddings()
    vectors = scaled_vectors(raw.vectors, metric)
    norms = np.linalg.norm(raw.vectors, axis=1)
    kept = popularity if metric == "cosine" else 1 + popularity
    wanted = np.maximum(mean_norm + (norms - mean_norm) * kept, SHORTEST * norms)
    unit = np.float32(mean_norm) if metric == "cosine" else norms
    gamma = np.divide(wanted, unit, out=np.zeros_like(norms), where=norms > 0)
    offsets = index.offsets(metric) if index.config.hubs == "csls" else None
    return _assemble(
        Embeddings(raw.ids, vectors * gamma[:, np.newaxis]),
        config=IndexConfig(metric="inner_product", kind="exact"),
        offsets={} if offsets is None else {"inner_product": offsets * gamma},
    )


def _assemble(
    embeddings: Embeddings,
    *,
    config: IndexConfig,
    offsets: Mapping[Metric, np.ndarray],
    work: Path | None = None,
) -> Index:
    ids = id_array(embeddings.ids)
    order = np.argsort(ids, kind="stable")
    memory = config.memory_bytes
    vectors = take_rows(embeddings.vectors, order, memory=memory // 2, folder=work)
    index = Index(
        ids=ids[order],
        order=np.arange(len(ids), dtype=np.int64),
        vectors=vectors,
        settings=config.model_dump(mode="json"),
        offsets={metric: values[order] for metric, values in offsets.items()},
        work=work,
    )
    index.rebuild()
    return index
