"""`Index`: string ids over a FAISS structure, with filters, changes and a place on disk."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from audiorec import artifacts
from audiorec.embeddings import Embeddings, unit_norm
from audiorec.exceptions import ArtifactError, NotFoundError, ParameterError
from audiorec.index.exact import Rows, in_order, search_product

if TYPE_CHECKING:
    from audiorec.config import IndexConfig
    from audiorec.index.structures import Structure

Metric = Literal["cosine", "inner_product"]

STRUCTURE = "vectors.faiss"
# Below this share of the rows, an approximate structure wanders more than the product costs.
FEW = 0.1
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
        structure: Structure | None = None,
        stored: _Stored | None = None,
    ) -> None:
        self._ids = ids
        self._order = order
        self._vectors = vectors
        self._settings = dict(settings)
        self._structure = structure
        self._stored = stored
        self._built_rows = stored.built_rows if stored else len(ids)
        self.inputs: dict[str, str] = dict(stored.inputs) if stored else {}

    def __len__(self) -> int:
        return len(self._order)

    def __contains__(self, id_: object) -> bool:
        return isinstance(id_, str) and self._row(id_) >= 0

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
        return tuple(self._ids[self._order].tolist())

    def vector(self, id_: str) -> np.ndarray:
        """Vector of one id, as it was given : np.ndarray [shape=(d,)], float32.

        Raises
        ------
        NotFoundError
            If the index does not hold the id.
        """
        return np.array(self._vectors[self._known_row(id_)])

    def embeddings(self) -> Embeddings:
        """Every id with its vector, as given, in the order of the ids."""
        return Embeddings(self.ids, self._vectors[self._order])

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
        metric = _checked_metric(metric or self.metric)
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
        asked = unit_norm(queries) if metric == "cosine" else queries
        found = self._search_rows(asked, k, allowed, n_allowed, metric)
        return Neighbours(self._ids[found.rows].tolist(), found.scores)

    def add(self, embeddings: Embeddings) -> None:
        """Take in vectors; an id that is already there gets its new vector.

        Raises
        ------
        ParameterError
            If the vectors have other dimensions. The index is then as before.
        """
        if not len(embeddings):
            return
        if len(self._ids) and embeddings.dim != self.dim:
            raise ParameterError(
                f"vectors of {embeddings.dim} dimensions do not fit an index of {self.dim}"
            )
        ids = _id_array(embeddings.ids)
        known = self._rows(embeddings.ids)
        left = np.setdiff1d(self._order, known[known >= 0])
        rows = np.concatenate([np.sort(left), np.arange(len(ids)) + len(self._ids)])
        self._ids = np.concatenate([self._ids, ids])
        self._vectors = (
            np.concatenate([self._vectors, embeddings.vectors])
            if len(self._vectors)
            else np.array(embeddings.vectors)
        )
        self._change(rows, added=embeddings.vectors)

    def remove(self, ids: Collection[str]) -> None:
        """Drop ids.

        Raises
        ------
        NotFoundError
            If the index does not hold one of them; it is then as before.
        """
        rows = np.array([self._known_row(id_) for id_ in ids], dtype=np.int64)
        self._change(np.sort(np.setdiff1d(self._order, rows)), added=self._vectors[:0])

    def save(
        self, directory: Path, *, inputs: Mapping[str, str] | None = None
    ) -> artifacts.Manifest:
        """Write as an artifact of kind "index"; the same vectors make the same bytes.

        Parameters
        ----------
        directory : Path
        inputs : mapping of str to str
            Fingerprints of what the vectors came from.
        """
        structure = self._opened
        arrays = {"ids": self._ids, "order": self._order, "vectors": self._vectors}
        files = {name: artifacts.put_array(directory, name, a) for name, a in arrays.items()}
        aside = directory / f".{STRUCTURE}.{os.getpid()}.part"
        try:
            _structures().write(structure, aside)
            files["structure"] = artifacts.put_file(directory, STRUCTURE, aside)
        finally:
            aside.unlink(missing_ok=True)
        self.inputs = dict(inputs or {})
        manifest = artifacts.commit(
            directory,
            kind="index",
            files=files,
            config=self._settings,
            inputs=self.inputs,
            extra={
                "kind": structure.kind,
                "n": len(self),
                "dim": self.dim,
                "effort": structure.effort,
                "recall_at_10": structure.recall,
                "built_rows": self._built_rows,
            },
        )
        self._stored = _Stored.of(directory, manifest)
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
        manifest = artifacts.load_manifest(directory, kind="index")
        for name, expected in (inputs or {}).items():
            if manifest.inputs.get(name) != expected:
                raise ArtifactError(
                    f"the index in {directory} was made from another {name}; "
                    "run 'audiorec index' again"
                )
        try:
            stored = _Stored.of(directory, manifest)
            mapped = manifest.extra["n"] > 0  # an empty file cannot be mapped
            ids, order, vectors = (
                artifacts.load_array(directory, manifest, name, mmap=mapped).view(np.ndarray)
                for name in ("ids", "order", "vectors")
            )
        except KeyError as error:
            raise ArtifactError(
                f"the index in {directory} lacks {error}; run 'audiorec index' to make it again"
            ) from None
        if vectors.ndim != 2 or len(ids) != len(vectors) or len(order) > len(ids):
            raise ArtifactError(
                f"the index in {directory} has {len(ids)} ids for {len(vectors)} vectors; "
                "run 'audiorec index' to make it again"
            )
        return cls(ids=ids, order=order, vectors=vectors, settings=manifest.config, stored=stored)

    @property
    def _opened(self) -> Structure:
        if self._structure is None:
            assert self._stored is not None
            self._structure = self._stored.open(self._ids, self.dim)
        return self._structure

    def _row(self, id_: str) -> int:
        """Row of an id, or -1: a bisection that reads a handful of a mapped file's pages."""
        place = bisect_left(
            range(len(self._order)), id_, key=lambda i: str(self._ids[self._order[i]])
        )
        if place < len(self._order) and str(self._ids[self._order[place]]) == id_:
            return int(self._order[place])
        return -1

    def _known_row(self, id_: str) -> int:
        row = self._row(id_)
        if row < 0:
            raise NotFoundError(
                f"track {id_!r} is not in the index; run 'audiorec embed' and 'audiorec index', "
                "or check the name"
            )
        return row

    def _rows(self, ids: Collection[str]) -> np.ndarray:
        """Rows of ids, -1 for those that are not there : np.ndarray [shape=(len(ids),)], int64."""
        wanted = list(ids)
        if len(wanted) * 50 < len(self._order):
            return np.array([self._row(id_) for id_ in wanted], dtype=np.int64)
        rows = {id_: row for row, id_ in zip(self._order.tolist(), self.ids, strict=True)}
        return np.array([rows.get(id_, -1) for id_ in wanted], dtype=np.int64)

    def _allowed(
        self, include: Collection[str] | None, exclude: Collection[str]
    ) -> np.ndarray | None:
        """Which rows may be answered : np.ndarray [shape=(n_rows,)], bool; None for all."""
        for name, given in (("include", include), ("exclude", exclude)):
            if isinstance(given, str):
                raise ParameterError(f"{name}={given!r} must be a collection of ids, not one id")
        if include is None and not exclude and len(self._order) == len(self._ids):
            return None
        allowed = np.zeros(len(self._ids), dtype=bool)
        chosen = self._order if include is None else self._rows(include)
        allowed[chosen[chosen >= 0]] = True
        barred = self._rows(exclude)
        allowed[barred[barred >= 0]] = False
        return None if allowed.all() else allowed

    def _checked_queries(self, vectors: np.ndarray) -> np.ndarray:
        queries = np.atleast_2d(np.asarray(vectors, dtype=np.float32))
        if queries.ndim != 2 or (len(self._ids) and queries.shape[1] != self.dim):
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
    ) -> Rows:
        narrow = n_allowed < FEW * len(self._ids) or k > FEW * n_allowed
        if metric != self.metric or (narrow and self.kind != "exact"):
            return self._product(queries, k, allowed, metric)
        found = in_order(_structures().search(self._opened, queries, k=k, allowed=allowed))
        short = np.flatnonzero((found.rows < 0).any(axis=1))
        if len(short):
            exact = self._product(queries[short], k, allowed, metric)
            found.rows[short], found.scores[short] = exact.rows, exact.scores
        return found

    def _product(
        self, queries: np.ndarray, k: int, allowed: np.ndarray | None, metric: Metric
    ) -> Rows:
        return search_product(queries, vectors=_served(self._vectors, metric), k=k, allowed=allowed)

    def _change(self, rows: np.ndarray, *, added: np.ndarray) -> None:
        """Let `rows` be those alive, after `added` went to the end of the arrays."""
        structures = _structures()
        kind = _choose(len(rows), self._settings)
        dead, total = len(self._ids) - len(rows), len(self._ids)
        if (
            kind == "exact"
            or kind != self.kind
            or dead > MAX_DEAD * total
            or total > MAX_GROWTH * self._built_rows
        ):
            ids, vectors = self._ids[rows], self._vectors[rows]
            order = np.argsort(ids, kind="stable")
            # Trimmed to its longest id, as if built anew.
            self._ids = _id_array(ids[order].tolist())
            self._vectors = vectors[order]
            self._order = np.arange(len(order), dtype=np.int64)
            self._structure = structures.build(_served(self._vectors, self.metric), kind=kind)
            self._built_rows = len(self._ids)
        else:
            self._order = rows[np.argsort(self._ids[rows], kind="stable")]
            if len(added):
                self._structure = self._writable()
                with structures.one_thread():
                    self._structure.faiss.add(_served(added, self.metric))
        if self._stored is not None and self._structure is not None:
            self._stored = None

    def _writable(self) -> Structure:
        """The structure, read whole when it was mapped from a file."""
        structure = self._opened
        if self._stored is None:
            return structure
        return structure._replace(faiss=_structures().read(self._stored.path, writable="yes"))


class _Stored(NamedTuple):
    """Where a loaded index's structure lies, until it is asked."""

    path: Path
    kind: str
    effort: int
    recall: float
    built_rows: int
    inputs: Mapping[str, str]

    @classmethod
    def of(cls, directory: Path, manifest: artifacts.Manifest) -> _Stored:
        extra = manifest.extra
        return cls(
            directory / manifest.files["structure"].file,
            extra["kind"],
            extra["effort"],
            extra["recall_at_10"],
            extra["built_rows"],
            manifest.inputs,
        )

    def open(self, ids: np.ndarray, dim: int) -> Structure:
        structures = _structures()
        index = structures.read(self.path)
        if index.ntotal != len(ids) or index.d != dim:
            raise ArtifactError(
                f"{self.path} holds {index.ntotal} vectors of {index.d} dimensions and should "
                f"hold {len(ids)} of {dim}; run 'audiorec index' to make it again"
            )
        structure: Structure = structures.Structure(index, self.kind, self.effort, self.recall)
        return structure


def build_index(embeddings: Embeddings, *, config: IndexConfig) -> Index:
    """Index vectors by their ids.

    Parameters
    ----------
    embeddings : Embeddings
        In any order: the index, and the bytes that it is saved as, do not depend on it.
    config : IndexConfig

    Returns
    -------
    index : Index
    """
    ids = _id_array(embeddings.ids)
    order = np.argsort(ids, kind="stable")
    vectors = embeddings.vectors[order]
    settings = config.model_dump(mode="json")
    return Index(
        ids=ids[order],
        order=np.arange(len(ids), dtype=np.int64),
        vectors=vectors,
        settings=settings,
        structure=_structures().build(
            _served(vectors, config.metric), kind=_choose(len(ids), settings)
        ),
    )


def _choose(n: int, settings: Mapping[str, Any]) -> Any:
    return _structures().choose_kind(n, kind=settings["kind"], exact_below=settings["exact_below"])


def _served(vectors: np.ndarray, metric: Metric) -> np.ndarray:
    """The vectors whose inner product with a query is the score."""
    return unit_norm(vectors) if metric == "cosine" else vectors


def _structures() -> ModuleType:
    """FAISS and what is built on it, loaded when first needed."""
    from audiorec.index import structures

    return structures


def _id_array(ids: Sequence[str]) -> np.ndarray:
    for id_ in ids:
        if id_.endswith("\0"):
            raise ParameterError(f"id {id_!r} must not end in a null character; rename it")
    return np.array(ids, dtype=np.str_)


def _checked_metric(metric: str) -> Metric:
    if metric not in ("cosine", "inner_product"):
        raise ParameterError(f"metric={metric!r} must be 'cosine' or 'inner_product'")
    return metric  # type: ignore[return-value]
