"""Embeddings by id: the common type of factors from plays and of predictions from audio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from audiorec import artifacts
from audiorec.exceptions import ArtifactError, ParameterError
from audiorec.id_map import IdMap

BLOCK = 65_536  # rows checked at once


@dataclass(frozen=True, eq=False)
class Embeddings:
    """Ids with a vector each.

    Parameters
    ----------
    ids : sequence of str
        Unique ids, one per row.
    vectors : np.ndarray [shape=(n, d)], float32
        Made read-only; finite.

    Raises
    ------
    ParameterError
        If the shapes disagree, an id is repeated or a value is not finite.

    Examples
    --------
    >>> embeddings = Embeddings(["x", "y"], np.array([[3.0, 4.0], [0.0, 2.0]]))
    >>> embeddings["x"]
    array([3., 4.], dtype=float32)
    >>> embeddings.normalized()["x"]
    array([0.6, 0.8], dtype=float32)
    """

    ids: tuple[str, ...]
    vectors: np.ndarray

    def __init__(self, ids: Sequence[str], vectors: np.ndarray) -> None:
        given = np.asarray(vectors)
        matrix = np.ascontiguousarray(given, dtype=np.float32).view()
        if matrix.ndim != 2 or matrix.shape[0] != len(ids):
            raise ParameterError(
                f"vectors of shape {matrix.shape} must be a matrix with one row per id, {len(ids)}"
            )
        if (row := first_not_finite(matrix)) is not None:
            raise ParameterError(f"vector of {ids[row]!r} holds NaN or infinity; make it again")
        matrix.flags.writeable = False
        object.__setattr__(self, "ids", tuple(map(str, ids)))
        object.__setattr__(self, "vectors", matrix)
        if len(set(self.ids)) != len(self.ids):
            _ = self.id_map  # raises, with the id

    def __len__(self) -> int:
        return len(self.ids)

    def __contains__(self, id_: object) -> bool:
        return id_ in self.id_map

    def __getitem__(self, id_: str) -> np.ndarray:
        """Vector of one id : np.ndarray [shape=(d,)], float32."""
        return self.vectors[self.id_map.row(id_)]

    @property
    def dim(self) -> int:
        """Dimensions of a vector."""
        return int(self.vectors.shape[1])

    @cached_property
    def id_map(self) -> IdMap:
        """Row of every id."""
        return IdMap(self.ids)

    def take(self, ids: Sequence[str]) -> Embeddings:
        """Select `ids`, in that order; `NotFoundError` if one has no vector."""
        return Embeddings(ids, self.vectors[self.id_map.rows(ids)])

    def normalized(self) -> Embeddings:
        """Scale every vector to length 1; a zero vector stays zero."""
        return Embeddings(self.ids, unit_norm(self.vectors))

    def updated(self, other: Embeddings) -> Embeddings:
        """These and `other`'s; for an id in both, `other`'s vector is used."""
        if len(self) and len(other) and self.dim != other.dim:
            raise ParameterError(f"vectors of {other.dim} dimensions do not fit {self.dim}")
        if not len(self):
            return other
        keep = [row for row, id_ in enumerate(self.ids) if id_ not in other.id_map]
        return Embeddings(
            [*(self.ids[row] for row in keep), *other.ids],
            np.concatenate([self.vectors[keep], other.vectors]),
        )

    def save(
        self,
        directory: Path,
        *,
        kind: str = "embeddings",
        config: Mapping[str, Any] | None = None,
        inputs: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> artifacts.Manifest:
        """Write as an artifact; see `artifacts.save`."""
        return artifacts.save(
            directory,
            kind=kind,
            arrays={"ids": np.array(self.ids, dtype=np.str_), "vectors": self.vectors},
            config=config or {},
            inputs=inputs or {},
            extra=extra or {},
        )

    @classmethod
    def load(cls, directory: Path, *, kind: str = "embeddings") -> Embeddings:
        """Read an artifact written by `save`, its vectors memory-mapped; see `read`."""
        return read(directory, artifacts.load_manifest(directory, kind=kind))


def read(
    directory: Path, manifest: artifacts.Manifest, *, ids: str = "ids", vectors: str = "vectors"
) -> Embeddings:
    """Read ids and vectors of an artifact, the vectors memory-mapped.

    Parameters
    ----------
    directory : Path
    manifest : Manifest
    ids, vectors : str
        Logical names of the arrays.

    Raises
    ------
    ArtifactError
        If they do not match, or a vector is not finite.
    """
    names = artifacts.load_array(directory, manifest, ids, mmap=False).tolist()
    rows = artifacts.load_array(directory, manifest, vectors)
    try:
        return Embeddings(names, rows)
    except ParameterError as error:
        what = str(error).partition("; ")[0]
        again = f"{artifacts.rebuild_hint(manifest.kind, manifest, vectors)} to make it again"
        path = directory / manifest.files[vectors].file
        raise ArtifactError(f"{path} is damaged ({what}); {again}") from None


def first_not_finite(matrix: np.ndarray) -> int | None:
    """First row that is not finite; a matrix larger than memory is read in blocks."""
    for start in range(0, len(matrix), BLOCK):
        fine = np.isfinite(matrix[start : start + BLOCK]).all(axis=1)
        if not fine.all():
            return start + int(np.flatnonzero(~fine)[0])
    return None


def unit_norm(vectors: np.ndarray) -> np.ndarray:
    """Scale rows to length 1.

    Parameters
    ----------
    vectors : np.ndarray [shape=(n, d)]

    Returns
    -------
    unit : np.ndarray [shape=(n, d)], float32
        Rows of zeros stay zeros.
    """
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, norms, out=np.zeros_like(vectors, dtype=np.float32), where=norms > 0)


def predicts_into(made: artifacts.Manifest, space: artifacts.Manifest) -> bool:
    """Whether embeddings were predicted in this space of factors, by their manifests."""
    # Earlier versions recorded the digest of the factors' manifest instead of their content.
    return made.inputs.get("factors") in space.digests
