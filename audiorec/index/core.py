"""`Index`: string ids over a FAISS structure, with filters, changes and a place on disk."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from audiorec.artifacts import Manifest
from audiorec.embeddings import Embeddings
from audiorec.exceptions import NotFoundError, ParameterError
from audiorec.index.exact import (
    Metric,
    Rows,
    asked,
    checked_metric,
    rescored,
    search_product,
    served,
)
from audiorec.index.lookup import Lookup, id_array
from audiorec.index.stored import Stored, read_index, write_index

if TYPE_CHECKING:
    from audiorec.config import IndexConfig
    from audiorec.index.structures import Structure

# Below this share of the rows, an approximate structure wanders more than the product costs.
FEW = 0.1
METRICS: tuple[Metric, ...] = ("cosine", "inner_product")
# Found beyond k and scored again, so that rounding does not decide who comes last.
SPARE = 8
# An approximate structure is built again when so much of it is dead, or grown since.
MAX_DEAD = 0.25
MAX_GROWTH = 2.0


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


class Index:
    """Vectors by id, searched by cosine or inner product.

    Made by `build_index` or `Index.load`. The raw vectors are kept beside the FAISS structure, so
    that either metric can be asked of any index; one that was not built for the metric asked is
    answered by the plain product, which is exact and fast enough to a few million vectors.

    Rows of an exact index stand in the order of their ids. An approximate structure cannot drop
    or reorder vectors: its removed rows stay, dead, until enough of them make it be built again.
    """

    def __init__(
        self,
        *,
        ids: np.ndarray,
        order: np.ndarray,
        vectors: np.ndarray,
        settings: Mapping[str, Any],
        offsets: Mapping[Metric, np.ndarray] | None = None,
        structure: Structure | None = None,
        stored: Stored | None = None,
    ) -> None:
        self._lookup = Lookup(ids, order)
        self._vectors = vectors
        self._settings = dict(settings)
        self._offsets = dict(offsets or {})  # by metric; see `audiorec.index.hubs`
        self._structure = structure
        self._stored = stored  # until the index changes: where its structure lies on disk
        self._built_rows = stored.built_rows if stored else len(ids)
        self.inputs: dict[str, str] = dict(stored.inputs) if stored else {}
        self.extra: dict[str, Any] = dict(stored.extra) if stored else {}

    def __len__(self) -> int:
        return len(self._lookup)

    def __contains__(self, id_: object) -> bool:
        return isinstance(id_, str) and self._lookup.row(id_) >= 0

    @property
    def config(self) -> IndexConfig:
        """The settings that it was built with."""
        from audiorec.config import IndexConfig

        return IndexConfig(**self._settings)

    @property
    def metric(self) -> Metric:
        """What a score is, unless `search` is asked for the other."""
        metric: Metric = self._settings["metric"]
        return metric

    @property
    def kind(self) -> str:
        """The structure in use: "exact", "hnsw" or "ivf"."""
        if self._structure is None and self._stored is not None:
            return self._stored.kind
        return self._opened.kind

    @property
    def recall(self) -> float:
        """Share of the true ten nearest found, as measured when the structure was built."""
        return self._opened.recall

    @property
    def dim(self) -> int:
        """Dimensions of a vector."""
        return int(self._vectors.shape[1])

    @property
    def ids(self) -> tuple[str, ...]:
        """Every id, in order."""
        return self._lookup.ids

    def vector(self, id_: str) -> np.ndarray:
        """Vector of one id, as it was given : np.ndarray [shape=(d,)], float32.

        Raises
        ------
        NotFoundError
            If the index does not hold the id.
        """
        return np.array(self._vectors[self._lookup.known_row(id_)])

    def embeddings(self) -> Embeddings:
        """Every id with its vector, as given, in the order of the ids."""
        return Embeddings(self.ids, self._vectors[self._lookup.order])

    def offsets(self, metric: Metric) -> np.ndarray | None:
        """What hub correction moves each id's score by, in the order of the ids.

        None where it is off : np.ndarray [shape=(n,)], float32.
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
        """Find the ids whose vectors are nearest.

        Parameters
        ----------
        vectors : np.ndarray [shape=(n_queries, d)] or [shape=(d,)]
        k : int
            Neighbours per query; all there are when there are fewer.
        include : collection of str or None
            Only these are answered; None for all. Ids that the index does not hold are passed
            over, since a filter speaks of what may be there.
        exclude : collection of str
            These are never answered.
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
        asking = asked(queries, metric, offsets=self._offsets.get(metric))
        rows = self._search_rows(asking, min(k + SPARE, n_allowed), allowed, n_allowed, metric)
        found = self._scored(rows, asking, metric)
        ids = self._lookup.by_row[found.rows[:, :k]].tolist()
        return Neighbours(ids, np.ascontiguousarray(found.scores[:, :k]))

    def add(self, embeddings: Embeddings) -> None:
        """Take in vectors; an id that is already there gets its new vector.

        Raises
        ------
        ParameterError
            If the vectors have other dimensions, or hubs are corrected, which takes all vectors
            at once. The index is then as before.
        """
        self._check_no_offsets()
        if not len(embeddings):
            return
        if self._lookup.n_rows and embeddings.dim != self.dim:
            raise ParameterError(
                f"vectors of {embeddings.dim} dimensions do not fit an index of {self.dim}"
            )
        ids = id_array(embeddings.ids)
        known = self._lookup.rows(embeddings.ids)
        left = np.setdiff1d(self._lookup.order, known[known >= 0])
        rows = np.concatenate([left, np.arange(len(ids)) + self._lookup.n_rows])
        ids = np.concatenate([self._lookup.by_row, ids])
        self._vectors = (
            np.concatenate([self._vectors, embeddings.vectors])
            if len(self._vectors)
            else np.array(embeddings.vectors)
        )
        self._change(ids, rows, added=embeddings.vectors)

    def remove(self, ids: Collection[str]) -> None:
        """Drop ids.

        Raises
        ------
        NotFoundError
            If the index does not hold one of them; it is then as before.
        ParameterError
            If hubs are corrected.
        """
        self._check_no_offsets()
        rows = np.array([self._lookup.known_row(id_) for id_ in ids], dtype=np.int64)
        left = np.setdiff1d(self._lookup.order, rows)
        self._change(self._lookup.by_row, left, added=self._vectors[:0])

    def save(
        self,
        directory: Path,
        *,
        inputs: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> Manifest:
        """Write as an artifact of kind "index"; the same vectors make the same bytes.

        Parameters
        ----------
        directory : Path
        inputs : mapping of str to str
            Fingerprints of what the vectors came from.
        extra : mapping
            Anything else worth keeping with it, as plain JSON: groups of duplicates. It comes
            back as the attribute `extra`, beside the kind, size and recall of the structure.
        """
        manifest = write_index(
            directory,
            arrays={
                "ids": self._lookup.by_row,
                "order": self._lookup.order,
                "vectors": self._vectors,
                **{f"hubs-{metric}": values for metric, values in self._offsets.items()},
            },
            structure=self._opened,
            settings=self._settings,
            inputs=inputs or {},
            extra=extra or {},
            built_rows=self._built_rows,
        )
        self.inputs, self.extra = manifest.inputs, manifest.extra
        self._stored = Stored.of(directory, manifest)
        return manifest

    @classmethod
    def load(cls, directory: Path, *, inputs: Mapping[str, str] | None = None) -> Index:
        """Read what `save` wrote, memory-mapped; the FAISS structure only when first asked.

        Parameters
        ----------
        directory : Path
        inputs : mapping of str to str or None
            Fingerprints that the index must have been made from; None checks nothing.

        Raises
        ------
        ArtifactError
            If there is none, it is damaged, or was made from other inputs.
        """
        manifest, stored, arrays = read_index(directory, inputs=inputs or {})
        return cls(
            ids=arrays["ids"],
            order=arrays["order"],
            vectors=arrays["vectors"],
            settings=manifest.config,
            offsets={
                metric: arrays[f"hubs-{metric}"] for metric in METRICS if f"hubs-{metric}" in arrays
            },
            stored=stored,
        )

    @property
    def _opened(self) -> Structure:
        if self._structure is None:
            assert self._stored is not None
            width = self.dim + (self.metric in self._offsets)
            self._structure = self._stored.open(n_rows=self._lookup.n_rows, dim=width)
        return self._structure

    def _allowed(
        self, include: Collection[str] | None, exclude: Collection[str]
    ) -> np.ndarray | None:
        """Which rows may be answered : np.ndarray [shape=(n_rows,)], bool; None for all."""
        for name, given in (("include", include), ("exclude", exclude)):
            if isinstance(given, str):
                raise ParameterError(f"{name}={given!r} must be a collection of ids, not one id")
        if include is None and not exclude and len(self) == self._lookup.n_rows:
            return None
        allowed = np.zeros(self._lookup.n_rows, dtype=bool)
        chosen = self._lookup.order if include is None else self._lookup.rows(include)
        allowed[chosen[chosen >= 0]] = True
        barred = self._lookup.rows(exclude)
        allowed[barred[barred >= 0]] = False
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
        if metric != self.metric or (narrow and self.kind != "exact"):
            return self._product(queries, k, allowed, metric)
        rows: np.ndarray = _structures().search(self._opened, queries, k=k, allowed=allowed).rows
        short = np.flatnonzero((rows < 0).any(axis=1))
        if len(short):
            rows[short] = self._product(queries[short], k, allowed, metric)
        return rows

    def _product(
        self, queries: np.ndarray, k: int, allowed: np.ndarray | None, metric: Metric
    ) -> np.ndarray:
        """Exact neighbours from the raw vectors; of a few rows, only those are read."""
        if allowed is None or 2 * np.count_nonzero(allowed) > len(allowed):
            vectors = self._served(slice(None), metric)
            return search_product(queries, vectors=vectors, k=k, allowed=allowed).rows
        few = np.flatnonzero(allowed)
        found = search_product(queries, vectors=self._served(few, metric), k=k)
        return few[found.rows]

    def _scored(self, rows: np.ndarray, queries: np.ndarray, metric: Metric) -> Rows:
        flat, places = np.unique(rows, return_inverse=True)
        found = rescored(places.reshape(rows.shape), queries, vectors=self._served(flat, metric))
        return Rows(flat[found.rows], found.scores)

    def _served(self, rows: np.ndarray | slice, metric: Metric) -> np.ndarray:
        offsets = self._offsets.get(metric)
        return served(self._vectors[rows], metric, None if offsets is None else offsets[rows])

    def _check_no_offsets(self) -> None:
        if self._offsets:
            raise ParameterError(
                "an index with hubs='csls' cannot change in place; build it again from all vectors"
            )

    def _change(self, ids: np.ndarray, rows: np.ndarray, *, added: np.ndarray) -> None:
        """Let `ids` be those of every row and `rows` those alive; `added` are the last vectors."""
        structures = _structures()
        kind = _choose(len(rows), self._settings)
        dead = len(ids) - len(rows)
        if (
            kind == "exact"
            or kind != self.kind
            or dead > MAX_DEAD * len(ids)
            or len(ids) > MAX_GROWTH * self._built_rows
        ):
            rows = rows[np.argsort(ids[rows], kind="stable")]
            self._vectors = self._vectors[rows]
            # An array as wide as its longest id, as if built anew.
            alive = id_array(ids[rows].tolist())
            self._lookup = Lookup(alive, np.arange(len(rows), dtype=np.int64))
            self._structure = structures.build(served(self._vectors, self.metric), kind=kind)
            self._built_rows = len(rows)
        else:
            if len(added):
                self._structure = self._writable()
                with structures.one_thread():
                    self._structure.faiss.add(served(added, self.metric))
            self._lookup = Lookup(ids, rows[np.argsort(ids[rows], kind="stable")])
        self.inputs = {}  # what stands now came from more than they say
        if self._structure is not None:
            self._stored = None

    def _writable(self) -> Structure:
        """The structure, read whole when it was mapped from a file."""
        structure = self._opened
        if self._stored is None:
            return structure
        return structure._replace(faiss=_structures().read(self._stored.path, writable="yes"))


def _choose(n: int, settings: Mapping[str, Any]) -> Any:
    return _structures().choose_kind(n, kind=settings["kind"], exact_below=settings["exact_below"])


def _structures() -> ModuleType:
    """FAISS and what is built on it, loaded when first needed."""
    from audiorec.index import structures

    return structures
