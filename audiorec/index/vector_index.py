"""`Index`: vectors by id that are searched, changed and stored."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from audiorec.artifacts import Manifest
from audiorec.embeddings import Embeddings
from audiorec.exceptions import ParameterError
from audiorec.index.exact import SearchVectors
from audiorec.index.plan import IndexPlan, make_plan
from audiorec.index.recall_drift import IndexDrift
from audiorec.index.row_lookup import RowLookup, id_array
from audiorec.index.search import METRICS, SearchableVectors, faiss_structures
from audiorec.index.spilled_arrays import concatenate_rows, take_rows
from audiorec.index.stored import StoredIndex, read_index, write_index

if TYPE_CHECKING:
    from audiorec.index.structures import FaissStructure

# An approximate structure is rebuilt when this fraction of it is deleted, or new.
MAX_DEAD = 0.25
MAX_GROWTH = 2.0


class Index(SearchableVectors):
    """An index that can be changed and saved; made by `build_index` or `load`."""

    @classmethod
    def load(cls, directory: Path, *, inputs: Mapping[str, str] | None = None) -> Self:
        """Load an index written by `save`, memory-mapped; the FAISS structure on first use.

        Parameters
        ----------
        directory : Path
        inputs : mapping of str to str or None
            Required fingerprints of its inputs; None checks nothing.

        Raises
        ------
        ArtifactError
            If it is missing, damaged, or was made from other inputs.
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
            norms=arrays.get("norms"),
            groups=arrays.get("groups"),
            stored=stored,
            work=directory.parent,
        )

    def drift(self) -> IndexDrift:
        """Recall loss of the structure since it was built.

        An approximate structure is measured, which reads every vector once.
        """
        structure = self._opened
        if structure is None:
            return IndexDrift()
        structures = faiss_structures()
        trial = structures.RecallTrial(self._served(self.metric), self._allowed(None, ()))
        return self._built._replace(
            recall=trial.recall(structure),
            imbalance=structures.imbalance(structure.faiss),
            dead=round(1 - len(self) / self._lookup.n_rows, 4),
        )

    def add(self, embeddings: Embeddings) -> None:
        """Add vectors; an existing id gets its new vector.

        Raises
        ------
        ParameterError
            If the vectors have other dimensions, or with hub correction, which needs all vectors
            at once. The index is then unchanged.
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
        self._vectors = concatenate_rows(
            [self._vectors, embeddings.vectors], **self._memory_options()
        )
        self._change(ids, rows, added=embeddings.vectors)

    def remove(self, ids: Collection[str]) -> None:
        """Remove ids.

        Raises
        ------
        NotFoundError
            If one of them is unknown; the index is then unchanged.
        ParameterError
            With hub correction.
        """
        self._check_no_offsets()
        rows = np.array([self._lookup.known_row(id_) for id_ in ids], dtype=np.int64)
        left = np.setdiff1d(self._lookup.order, rows)
        self._change(self._lookup.by_row, left, added=self._vectors[:0])

    def rebuild(self, *, plan: IndexPlan | None = None) -> None:
        """Rebuild the structure from the rows that are not deleted; ids and vectors are unchanged.

        Parameters
        ----------
        plan : IndexPlan or None
            None for the one that follows from the settings.
        """
        rows, groups = self._lookup.order, self._groups
        self._vectors, self._norms = take_rows(self._vectors, rows, **self._memory_options()), None
        self._groups = None if groups is None else groups[rows]
        # An array as wide as its longest id, as in a new index.
        ids = id_array(self._lookup.by_row[rows].tolist())
        self._lookup = RowLookup(ids, np.arange(len(rows), dtype=np.int64))
        self._structure, self._stored, self._mapped, self._changed = None, None, None, False
        plan = plan or self._plan(len(rows))
        if plan.kind != "exact":
            self._structure = faiss_structures().build(
                self._served(self.metric),
                plan=plan,
                memory=self.config.memory_bytes,
                folder=self._work,
            )
        self._built_rows = len(self)
        self._built = IndexDrift.of(self._structure)

    def save(
        self,
        directory: Path,
        *,
        inputs: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
        duplicates: Mapping[str, int] | None = None,
    ) -> Manifest:
        """Write as an artifact of kind "index"; the same vectors make the same bytes.

        Parameters
        ----------
        directory : Path
        inputs : mapping of str to str
            Fingerprints of the inputs of the vectors.
        extra : mapping
            Any other facts to store, as plain JSON. They are loaded as the attribute `extra`,
            beside the kind, size and recall of the structure.
        duplicates : mapping of str to int or None
            Group number of every id that is the same recording as another; None keeps the current
            ones.
        """
        structure = self._opened
        if structure is not None and self._stored is None and self._changed:
            # Stored with its current recall: 'doctor' reports when that is too low.
            structure = self._structure = structure._replace(recall=self.drift().recall)
        arrays = {
            "ids": self._lookup.by_row,
            "order": self._lookup.order,
            "vectors": self._vectors,
            **{f"hubs-{metric}": values for metric, values in self._offsets.items()},
        }
        if self.metric == "cosine":
            arrays["norms"] = self._measured()
        if duplicates is not None:
            self._groups = self._grouped(duplicates)
        if self._groups is not None:
            arrays["groups"] = self._groups
        manifest = write_index(
            directory,
            arrays=arrays,
            structure=structure,
            settings=self._settings,
            inputs=inputs or {},
            extra=extra or {},
            built_rows=self._built_rows,
            built=self._built,
        )
        self.inputs, self.extra = manifest.inputs, manifest.extra
        self._stored = StoredIndex.of(directory, manifest)
        return manifest

    def _check_no_offsets(self) -> None:
        if self._offsets:
            raise ParameterError(
                f"an index with hubs={self._settings['hubs']!r} cannot change in place; "
                "build it again from all vectors"
            )

    def _change(self, ids: np.ndarray, rows: np.ndarray, *, added: np.ndarray) -> None:
        """Set `ids` of all rows and `rows` not deleted; `added` are the last vectors."""
        groups = dict(self.duplicates)
        plan = self._plan(len(rows))
        dead = len(ids) - len(rows)
        if (
            plan.kind == "exact"
            or plan.kind != self.kind
            or dead > MAX_DEAD * len(ids)
            or len(ids) > MAX_GROWTH * self._built_rows
        ):
            self._lookup = RowLookup(ids, rows[np.argsort(ids[rows], kind="stable")])
            self._groups = None
            self.rebuild()
        else:
            if len(added):
                self._structure = faiss_structures().with_added_vectors(
                    self._writable(),
                    SearchVectors(added, self.metric),
                    n_rows=len(ids) - len(added),
                    memory=self.config.memory_bytes,
                    folder=self._work,
                )
            else:
                self._structure = self._opened
            self._lookup = RowLookup(ids, rows[np.argsort(ids[rows], kind="stable")])
            self._norms, self._changed = None, True
        if groups:
            self._groups = self._grouped(groups)
        self.inputs = {}  # the vectors came from more inputs than these
        self._stored = None

    def _plan(self, n: int) -> IndexPlan:
        config = self.config
        return make_plan(
            n,
            self.dim,
            kind=config.kind,
            memory=config.memory_bytes,
        )

    def _memory_options(self) -> dict[str, Any]:
        return {"memory": self.config.memory_bytes // 2, "folder": self._work}

    def _writable(self) -> FaissStructure:
        """The structure, read into memory if it was mapped from a file."""
        structure = self._opened
        assert structure is not None
        path, self._mapped = self._mapped, None
        if path is None or structure.lists is not None:
            return structure
        return structure._replace(faiss=faiss_structures().read(path, writable="yes"))

    def _grouped(self, duplicates: Mapping[str, int]) -> np.ndarray:
        groups = np.full(self._lookup.n_rows, -1, dtype=np.int64)
        rows = self._lookup.rows(duplicates)
        known = rows >= 0
        groups[rows[known]] = np.fromiter(duplicates.values(), np.int64, len(duplicates))[known]
        return groups
