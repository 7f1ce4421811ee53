"""`SearchableVectors`: vectors by string id and a structure, searched with filters."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from audiorec.embeddings import Embeddings, first_not_finite, unit_norm
from audiorec.exceptions import ArtifactError, NotFoundError, ParameterError
from audiorec.index.exact import (
    SPARE,
    Metric,
    NotFiniteError,
    SearchVectors,
    checked_metric,
    rescored,
    row_norms,
    scoring_queries,
    search_product,
    spread_rows,
)
from audiorec.index.recall_drift import IndexDrift
from audiorec.index.row_lookup import GroupNumbers, RowLookup
from audiorec.index.spilled_arrays import take_rows
from audiorec.index.stored import StoredIndex

if TYPE_CHECKING:
    from audiorec.index.config import IndexConfig
    from audiorec.index.structures import FaissStructure

# Imports in functions: FAISS and pydantic, only once an answer needs them.

# Below this fraction of allowed rows, the exact product costs less than an approximate structure.
FEW = 0.1
METRICS: tuple[Metric, ...] = ("cosine", "inner_product")


class Neighbours(NamedTuple):
    """Nearest ids of each query, best first.

    Attributes
    ----------
    ids : list of list of str
    scores : np.ndarray [shape=(n_queries, k)], float32
        Cosines or inner products.
    """

    ids: list[list[str]]
    scores: np.ndarray


class SearchableVectors:
    """Vectors by id, searched by cosine or inner product: the read-only part of `Index`.

    The vectors are stored unscaled, so that any index can be searched by either metric; an index
    built for the other metric is searched by the exact product, which is fast enough up to a few
    million vectors. An exact index has nothing but that product, so that it opens without FAISS.

    Rows of an exact index are in the order of their ids. An approximate structure cannot drop or
    reorder vectors: removed rows are kept, but filtered out of every answer, until there are
    enough of them for a rebuild.
    """

    def __init__(
        self,
        *,
        ids: np.ndarray,
        order: np.ndarray,
        vectors: np.ndarray,
        settings: Mapping[str, Any],
        offsets: Mapping[Metric, np.ndarray] | None = None,
        norms: np.ndarray | None = None,
        groups: np.ndarray | None = None,
        structure: FaissStructure | None = None,
        stored: StoredIndex | None = None,
        work: Path | None = None,
    ) -> None:
        self._lookup = RowLookup(ids, order)
        self._vectors = vectors
        self._settings = dict(settings)
        self._offsets = dict(offsets or {})  # by metric; see `audiorec.index.hubness`
        self._norms = norms  # lengths of the vectors, computed on first use
        self._groups = groups  # number of each row's group of duplicates, or -1
        self._structure = structure
        self._stored = stored  # until the index changes: location of its structure on disk
        self._work = work  # folder for data that does not fit in memory
        self._built_rows = stored.built_rows if stored else len(ids)
        self._built = stored.built if stored else IndexDrift.of(structure)
        self._changed = False  # since it was built
        self._mapped: Path | None = None  # the file from which a structure is mapped
        self.inputs: dict[str, str] = dict(stored.inputs) if stored else {}
        self.extra: dict[str, Any] = dict(stored.extra) if stored else {}

    def __len__(self) -> int:
        return len(self._lookup)

    def __contains__(self, id_: object) -> bool:
        return isinstance(id_, str) and self._lookup.row(id_) >= 0

    @property
    def config(self) -> IndexConfig:
        """Settings of its build."""
        from audiorec.index.config import IndexConfig

        return IndexConfig(**self._settings)

    @property
    def metric(self) -> Metric:
        """Default metric of `search`."""
        metric: Metric = self._settings["metric"]
        return metric

    @property
    def kind(self) -> str:
        """The structure in use: "exact", "hnsw" or "ivf"."""
        if self._structure is not None:
            return self._structure.kind
        return self._stored.kind if self._stored is not None else "exact"

    @property
    def factory(self) -> str:
        """FAISS's description of the structure in use; empty when it is exact."""
        if self._structure is not None:
            return self._structure.factory
        return self._stored.factory if self._stored is not None else ""

    @property
    def recall(self) -> float:
        """Recall of the true ten nearest, as last measured: when built, or when saved."""
        if self._structure is not None:
            return self._structure.recall
        return self._stored.recall if self._stored is not None else 1.0

    @property
    def duplicates(self) -> Mapping[str, int]:
        """Group number of every id that is the same recording as another."""
        if self._groups is not None:
            return GroupNumbers(self._lookup, self._groups)
        kept: Mapping[str, int] = self.extra.get("duplicates", {})  # location in older versions
        return kept

    @property
    def dim(self) -> int:
        """Dimensions of a vector."""
        return int(self._vectors.shape[1])

    @property
    def ids(self) -> tuple[str, ...]:
        """Every id, in order."""
        return self._lookup.ids

    def vector(self, id_: str) -> np.ndarray:
        """Vector of one id, unscaled : np.ndarray [shape=(d,)], float32.

        Raises
        ------
        NotFoundError
            If the id is unknown.
        ArtifactError
            If its vector is damaged.
        """
        row = self._lookup.known_row(id_)
        vector = np.array(self._vectors[row])
        if not np.isfinite(vector).all():
            raise self._damaged(row)
        return vector

    def embeddings(self) -> Embeddings:
        """Every id with its unscaled vector, in the order of the ids.

        Raises
        ------
        ArtifactError
            If a vector is damaged.
        """
        everything = 2**62  # vectors in that order already are not copied
        vectors = take_rows(self._vectors, self._lookup.order, memory=everything)
        if (place := first_not_finite(vectors)) is not None:
            raise self._damaged(int(self._lookup.order[place]))
        return Embeddings(self.ids, vectors)

    def offsets(self, metric: Metric) -> np.ndarray | None:
        """Hub-correction offsets added to each id's score, in the order of the ids.

        None without hub correction : np.ndarray [shape=(n,)], float32.
        """
        offsets = self._offsets.get(metric)
        return None if offsets is None else np.array(offsets[self._lookup.order])

    def search(
        self,
        vectors: np.ndarray,
        k: int,
        *,
        include: Collection[str] | None = None,
        exclude: Collection[str] = (),
        metric: Metric | None = None,
    ) -> Neighbours:
        """Find the nearest ids of query vectors.

        Parameters
        ----------
        vectors : np.ndarray [shape=(n_queries, d)] or [shape=(d,)]
        k : int
            Neighbours per query; all of them if there are fewer.
        include : collection of str or None
            Only these are returned; None for all. Unknown ids are ignored, since a filter may
            contain ids that do not exist.
        exclude : collection of str
            These are never returned.
        metric : {"cosine", "inner_product"} or None
            None for the index's own.

        Returns
        -------
        neighbours : Neighbours

        Raises
        ------
        ParameterError
            If `k` is below 1, or a query is not finite or of other dimensions.
        NotFoundError
            If the index is empty.
        ArtifactError
            If one of the vectors read is damaged.
        """
        metric = checked_metric(metric or self.metric)
        queries = self._checked_queries(vectors)
        if k < 1:
            raise ParameterError(f"k={k} must be at least 1")
        if not len(self):
            raise NotFoundError("the index holds no tracks; scan, embed and index some first")
        allowed = self._allowed(include, exclude)
        n_allowed = len(self) if allowed is None else int(np.count_nonzero(allowed))
        k = min(int(k), n_allowed)
        if k == 0:
            return Neighbours([[] for _ in queries], np.empty((len(queries), 0), np.float32))
        scaled = scoring_queries(queries, metric, offsets=self._offsets.get(metric))
        try:
            rows = self._search_rows(scaled, min(k + SPARE, n_allowed), allowed, n_allowed, metric)
            rescored_ = rescored(rows, scaled, vectors=self._served(metric))
        except NotFiniteError as error:
            raise self._damaged(error.row) from None
        ids = self._lookup.by_row[rescored_.rows[:, :k]].tolist()
        return Neighbours(ids, np.ascontiguousarray(rescored_.scores[:, :k]))

    def sample_scores(self, n_queries: int, n_targets: int) -> np.ndarray:
        """Compute scores of pairs of vectors evenly spaced among all.

        Parameters
        ----------
        n_queries, n_targets : int
            Number of vectors scored with each other, at most; none with itself.

        Returns
        -------
        scores : np.ndarray [shape=(n,)], float32
            By the index's own metric, queries of length one.
        """
        order = self._lookup.order
        query_rows, target_rows = (
            order[spread_rows(len(order), n)] for n in (n_queries, n_targets)
        )
        queries = unit_norm(np.asarray(self._vectors[query_rows], dtype=np.float32))
        queries = scoring_queries(queries, self.metric, offsets=self._offsets.get(self.metric))
        some = self._served(self.metric).some(target_rows)
        scores = some.products(queries, slice(0, len(target_rows)))
        return scores[(query_rows[:, None] != target_rows) & np.isfinite(scores)]

    def open(self) -> None:
        """Open everything that is otherwise opened on first use, so that no query waits for it."""
        _ = self._opened

    @property
    def is_open(self) -> bool:
        """Whether everything is open that a query needs."""
        return self._structure is not None or self.kind == "exact"

    @property
    def _opened(self) -> FaissStructure | None:
        if self._structure is None and self.kind != "exact":
            assert self._stored is not None
            width = self._served(self.metric).dim
            self._structure = self._stored.open(n_rows=self._lookup.n_rows, dim=width)
            self._mapped = self._stored.path
        return self._structure

    def _allowed(
        self, include: Collection[str] | None, exclude: Collection[str]
    ) -> np.ndarray | None:
        """Mask of rows that may be returned : np.ndarray [shape=(n_rows,)], bool; None for all."""
        for name, ids in (("include", include), ("exclude", exclude)):
            if isinstance(ids, str):
                raise ParameterError(f"{name}={ids!r} must be a collection of ids, not one id")
        if include is None and not exclude and len(self) == self._lookup.n_rows:
            return None
        allowed = np.zeros(self._lookup.n_rows, dtype=bool)
        chosen = self._lookup.order if include is None else self._lookup.rows(include)
        allowed[chosen[chosen >= 0]] = True
        excluded = self._lookup.rows(exclude)
        allowed[excluded[excluded >= 0]] = False
        return None if allowed.all() else allowed

    def _checked_queries(self, vectors: np.ndarray) -> np.ndarray:
        queries = np.atleast_2d(np.asarray(vectors, dtype=np.float32))
        if queries.ndim != 2 or (self._lookup.n_rows and queries.shape[1] != self.dim):
            raise ParameterError(
                f"query of shape {np.shape(vectors)} does not fit an index of {self.dim} "
                "dimensions; embed it with the model that the index was made from"
            )
        if not np.isfinite(queries).all():
            raise ParameterError("a query holds NaN or infinity; embed it again")
        return queries

    def _search_rows(
        self,
        queries: np.ndarray,
        k: int,
        allowed: np.ndarray | None,
        n_allowed: int,
        metric: Metric,
    ) -> np.ndarray:
        """Rows of the neighbours : np.ndarray [shape=(n_queries, k)], int64."""
        narrow = n_allowed < FEW * self._lookup.n_rows or k > FEW * n_allowed
        structure = None if metric != self.metric or narrow else self._opened
        if structure is None:
            return self._product(queries, k, allowed, metric)
        rows: np.ndarray = faiss_structures().search(structure, queries, k=k, allowed=allowed).rows
        short = np.flatnonzero((rows < 0).any(axis=1))
        if len(short):
            rows[short] = self._product(queries[short], k, allowed, metric)
        return rows

    def _product(
        self, queries: np.ndarray, k: int, allowed: np.ndarray | None, metric: Metric
    ) -> np.ndarray:
        """Exact neighbours by the vectors themselves; of few allowed rows, only those are read."""
        vectors = self._served(metric)
        if allowed is None or 2 * np.count_nonzero(allowed) > len(allowed):
            return search_product(queries, vectors=vectors, k=k, allowed=allowed).rows
        few = np.flatnonzero(allowed)
        try:
            return few[search_product(queries, vectors=vectors.some(few), k=k).rows]
        except NotFiniteError as error:
            raise NotFiniteError(int(few[error.row])) from None

    def _damaged(self, row: int) -> ArtifactError:
        """Make the error for a vector that is not finite: all were when the index was built."""
        where = f" in {self._stored.directory}" if self._stored is not None else ""
        return ArtifactError(
            f"the index{where} is damaged (vector of {str(self._lookup.by_row[row])!r} holds NaN "
            "or infinity); run 'audiorec index' to make it again"
        )

    def _served(self, metric: Metric) -> SearchVectors:
        norms = self._measured() if metric == "cosine" else None
        return SearchVectors(self._vectors, metric, self._offsets.get(metric), norms)

    def _measured(self) -> np.ndarray:
        if self._norms is None:
            self._norms = row_norms(self._vectors)
        return self._norms


def faiss_structures() -> ModuleType:
    """Import FAISS and the module based on it, on first use."""
    from audiorec.index import structures

    return structures
