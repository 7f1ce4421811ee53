"""Factors, and the artifact that keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from audiorec import artifacts
from audiorec.artifacts import Manifest
from audiorec.embeddings import Embeddings, read
from audiorec.exceptions import ParameterError

KIND = "factors"


@dataclass(frozen=True, eq=False)
class Factors:
    """Listeners and tracks in one space: the inner product of two is the predicted preference.

    Parameters
    ----------
    users, tracks : Embeddings
        Of the same number of dimensions.
    """

    users: Embeddings
    tracks: Embeddings

    def __post_init__(self) -> None:
        if self.users.dim != self.tracks.dim:
            raise ParameterError(
                f"listeners of {self.users.dim} dimensions do not fit tracks of {self.tracks.dim}"
            )

    @property
    def dim(self) -> int:
        """Dimensions of the space."""
        return self.tracks.dim


def save_factors(
    directory: Path,
    factors: Factors,
    *,
    config: Mapping[str, Any] | None = None,
    inputs: Mapping[str, str] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Manifest:
    """Write factors as an artifact of kind "factors"; see `audiorec.artifacts.save`."""
    return artifacts.save(
        directory,
        kind=KIND,
        arrays={
            "user_ids": np.array(factors.users.ids, dtype=np.str_),
            "user_factors": factors.users.vectors,
            "track_ids": np.array(factors.tracks.ids, dtype=np.str_),
            "track_factors": factors.tracks.vectors,
        },
        config=config or {},
        inputs=inputs or {},
        extra=extra or {},
    )


def load_factors(directory: Path) -> Factors:
    """Read what `save_factors` wrote, the vectors memory-mapped.

    Raises
    ------
    ArtifactError
        If there is none, or it is damaged.
    """
    manifest = artifacts.load_manifest(directory, kind=KIND)
    return Factors(
        users=read(directory, manifest, ids="user_ids", vectors="user_factors"),
        tracks=read(directory, manifest, ids="track_ids", vectors="track_factors"),
    )
