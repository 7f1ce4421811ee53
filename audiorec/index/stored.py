"""Index on disk: the facts in its manifest, and its structure, opened on first use."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from audiorec import artifacts
from audiorec.exceptions import ArtifactError
from audiorec.index.plan import LISTS_FILE
from audiorec.index.recall_drift import IndexDrift

if TYPE_CHECKING:
    from audiorec.index.structures import FaissStructure

# Imports in functions: FAISS and more, only once an answer needs them.

FILE = "vectors.faiss"
ARRAYS = ("ids", "order", "vectors")
STRUCTURE = "structure"
LISTS = "lists"


class StoredIndex(NamedTuple):
    """Location and manifest of an index and its structure, without opening it."""

    directory: Path
    path: Path | None
    lists: Path | None
    kind: str
    factory: str
    effort: int
    recall: float
    built_rows: int
    built: IndexDrift
    inputs: Mapping[str, str]
    extra: Mapping[str, Any]

    @classmethod
    def of(cls, directory: Path, manifest: artifacts.Manifest) -> StoredIndex:
        """Read from a manifest; KeyError if a key is missing."""
        extra, files = manifest.extra, manifest.files
        exact = extra["kind"] == "exact"
        return cls(
            directory,
            None if exact else directory / files[STRUCTURE].file,
            directory / files[LISTS].file if LISTS in files else None,
            extra["kind"],
            extra.get("factory", ""),
            extra["effort"],
            extra["recall_at_10"],
            extra["built_rows"],
            IndexDrift(
                extra.get("recall_built", extra["recall_at_10"]),
                extra["recall_at_10"],
                extra.get("imbalance_built", 1.0),
                extra.get("imbalance", 1.0),
                round(1 - extra["n"] / max(1, extra.get("rows", extra["n"])), 4),
            ),
            manifest.inputs,
            extra,
        )

    def open(self, *, n_rows: int, dim: int) -> FaissStructure:
        """Open the structure, memory-mapped where FAISS can; `ArtifactError` if it does not fit."""
        from audiorec.index import structures

        assert self.path is not None
        index = structures.read(self.path, lists=self.lists)
        if index.ntotal != n_rows or index.d != dim:
            raise ArtifactError(
                f"{self.path} holds {index.ntotal} vectors of {index.d} dimensions and should "
                f"hold {n_rows} of {dim}; run 'audiorec index' to make it again"
            )
        kind: Any = self.kind
        return structures.FaissStructure(
            index, kind, self.factory, self.effort, self.recall, self.built.imbalance
        )


def kept_drift(directory: Path) -> IndexDrift:
    """Drift of a stored index when it was built and when it was saved, without opening it.

    Raises
    ------
    ArtifactError
        If it is missing or damaged.
    """
    manifest = artifacts.load_manifest(directory, kind="index")
    try:
        return StoredIndex.of(directory, manifest).built
    except KeyError as error:
        raise _missing_entry(directory, error) from None


def rebuild_reason(directory: Path) -> str:
    """Reason to rebuild an index although nothing else has changed; empty if there is none.

    Its recall was measured when it was saved; damage is reported elsewhere.
    """
    try:
        return kept_drift(directory).rebuild_reason
    except ArtifactError:
        return ""


def write_index(
    directory: Path,
    *,
    arrays: Mapping[str, np.ndarray],
    structure: FaissStructure | None,
    settings: Mapping[str, Any],
    inputs: Mapping[str, str],
    extra: Mapping[str, Any],
    built_rows: int,
    built: IndexDrift,
) -> artifacts.Manifest:
    """Write an artifact of kind "index".

    Parameters
    ----------
    directory : Path
    arrays : mapping of str to np.ndarray
        "ids", "order", "vectors", and any further arrays to store.
    structure : FaissStructure or None
        None for exact search.
    settings : mapping
        Settings it was built with.
    inputs : mapping of str to str
        Fingerprints of the inputs of the vectors.
    extra : mapping
        Any other facts to store, as plain JSON.
    built_rows : int
        Rows when the structure was last built.
    built : IndexDrift
        Its recall and balance then.
    """
    files = {name: artifacts.put_array(directory, name, array) for name, array in arrays.items()}
    if structure is not None:
        files |= _put_structure(directory, structure)
    return artifacts.commit(
        directory,
        kind="index",
        files=files,
        config=settings,
        inputs=inputs,
        extra={
            **extra,
            "kind": structure.kind if structure else "exact",
            "factory": structure.factory if structure else "",
            "n": len(arrays["order"]),
            "rows": len(arrays["ids"]),
            "dim": int(arrays["vectors"].shape[1]),
            "effort": structure.effort if structure else 0,
            "recall_at_10": structure.recall if structure else 1.0,
            "recall_built": built.recall_built,
            "imbalance": structure.imbalance if structure else 1.0,
            "imbalance_built": built.imbalance_built,
            "built_rows": built_rows,
        },
    )


def _put_structure(directory: Path, structure: FaissStructure) -> dict[str, artifacts.ArtifactFile]:
    """Write the structure, and its lists if they are in a file of their own."""
    import shutil

    from audiorec.index import structures

    files = {}
    for name, file in ((STRUCTURE, FILE), (LISTS, LISTS_FILE)):
        with artifacts.temp_path(directory / file) as aside:
            if name == STRUCTURE:
                structures.write(structure, aside)
            elif structure.lists is None:
                continue
            else:
                shutil.copyfile(structure.lists, aside)
            files[name] = artifacts.put_file(directory, file, aside)
    return files


def read_index(
    directory: Path, *, inputs: Mapping[str, str]
) -> tuple[artifacts.Manifest, StoredIndex, dict[str, np.ndarray]]:
    """Read an index written by `write_index`, its arrays memory-mapped.

    Raises
    ------
    ArtifactError
        If it is missing, damaged, or was made from other inputs.
    """
    manifest = artifacts.load_manifest(directory, kind="index")
    for name, expected in inputs.items():
        if manifest.inputs.get(name) != expected:
            raise ArtifactError(
                f"the index in {directory} was made from another {name}; run 'audiorec index' again"
            )
    try:
        stored = StoredIndex.of(directory, manifest)
        mapped = manifest.files["vectors"].size > 4096  # an empty array cannot be mapped
        arrays = {
            name: artifacts.load_array(directory, manifest, name, mmap=mapped).view(np.ndarray)
            for name in [
                *ARRAYS,
                *(n for n in manifest.files if n not in (*ARRAYS, STRUCTURE, LISTS)),
            ]
        }
    except KeyError as error:
        raise _missing_entry(directory, error) from None
    ids, order, vectors = (arrays[name] for name in ARRAYS)
    if vectors.ndim != 2 or len(ids) != len(vectors) or len(order) > len(ids):
        raise ArtifactError(
            f"the index in {directory} has {len(ids)} ids for {len(vectors)} vectors; "
            "run 'audiorec index' to make it again"
        )
    return manifest, stored, arrays


def _missing_entry(directory: Path, error: KeyError) -> ArtifactError:
    return ArtifactError(
        f"the index in {directory} lacks {error}; run 'audiorec index' to make it again"
    )
