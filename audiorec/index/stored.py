"""An index on disk: what its manifest says, and its structure once somebody asks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from audiorec import artifacts
from audiorec.exceptions import ArtifactError

if TYPE_CHECKING:
    from audiorec.index.structures import Structure

FILE = "vectors.faiss"
ARRAYS = ("ids", "order", "vectors")
STRUCTURE = "structure"


class Stored(NamedTuple):
    """Where an index's structure lies, and what is known of it without opening it."""

    path: Path
    kind: str
    effort: int
    recall: float
    built_rows: int
    inputs: Mapping[str, str]
    extra: Mapping[str, Any]

    @classmethod
    def of(cls, directory: Path, manifest: artifacts.Manifest) -> Stored:
        """What a manifest says; KeyError when it lacks something."""
        extra = manifest.extra
        return cls(
            directory / manifest.files[STRUCTURE].file,
            extra["kind"],
            extra["effort"],
            extra["recall_at_10"],
            extra["built_rows"],
            manifest.inputs,
            extra,
        )

    def open(self, *, n_rows: int, dim: int) -> Structure:
        """Open the structure, memory-mapped where FAISS can; `ArtifactError` if it does not fit."""
        from audiorec.index import structures

        index = structures.read(self.path)
        if index.ntotal != n_rows or index.d != dim:
            raise ArtifactError(
                f"{self.path} holds {index.ntotal} vectors of {index.d} dimensions and should "
                f"hold {n_rows} of {dim}; run 'audiorec index' to make it again"
            )
        kind: Any = self.kind
        return structures.Structure(index, kind, self.effort, self.recall)


def write_index(
    directory: Path,
    *,
    arrays: Mapping[str, np.ndarray],
    structure: Structure,
    settings: Mapping[str, Any],
    inputs: Mapping[str, str],
    extra: Mapping[str, Any],
    built_rows: int,
) -> artifacts.Manifest:
    """Write an artifact of kind "index".

    Parameters
    ----------
    directory : Path
    arrays : mapping of str to np.ndarray
        "ids", "order", "vectors", and any more to keep with them.
    structure : Structure
    settings : mapping
        The configuration that made it.
    inputs : mapping of str to str
        Fingerprints of what the vectors came from.
    extra : mapping
        Anything else worth keeping with it, as plain JSON.
    built_rows : int
        Rows when the structure was last built.
    """
    from audiorec.index import structures

    files = {name: artifacts.put_array(directory, name, array) for name, array in arrays.items()}
    aside = directory / f".{FILE}.{os.getpid()}.part"
    try:
        structures.write(structure, aside)
        files[STRUCTURE] = artifacts.put_file(directory, FILE, aside)
    finally:
        aside.unlink(missing_ok=True)
    return artifacts.commit(
        directory,
        kind="index",
        files=files,
        config=settings,
        inputs=inputs,
        extra={
            **extra,
            "kind": structure.kind,
            "n": len(arrays["order"]),
            "dim": int(arrays["vectors"].shape[1]),
            "effort": structure.effort,
            "recall_at_10": structure.recall,
            "built_rows": built_rows,
        },
    )


def read_index(
    directory: Path, *, inputs: Mapping[str, str]
) -> tuple[artifacts.Manifest, Stored, dict[str, np.ndarray]]:
    """Read what `write_index` wrote, its arrays memory-mapped.

    Raises
    ------
    ArtifactError
        If there is none, it is damaged, or was made from other inputs.
    """
    manifest = artifacts.load_manifest(directory, kind="index")
    for name, expected in inputs.items():
        if manifest.inputs.get(name) != expected:
            raise ArtifactError(
                f"the index in {directory} was made from another {name}; run 'audiorec index' again"
            )
    try:
        stored = Stored.of(directory, manifest)
        mapped = manifest.files["vectors"].size > 4096  # an empty array cannot be mapped
        arrays = {
            name: artifacts.load_array(directory, manifest, name, mmap=mapped).view(np.ndarray)
            for name in [*ARRAYS, *(n for n in manifest.files if n not in (*ARRAYS, STRUCTURE))]
        }
    except KeyError as error:
        raise ArtifactError(
            f"the index in {directory} lacks {error}; run 'audiorec index' to make it again"
        ) from None
    ids, order, vectors = (arrays[name] for name in ARRAYS)
    if vectors.ndim != 2 or len(ids) != len(vectors) or len(order) > len(ids):
        raise ArtifactError(
            f"the index in {directory} has {len(ids)} ids for {len(vectors)} vectors; "
            "run 'audiorec index' to make it again"
        )
    return manifest, stored, arrays
