"""Factors of listeners and tracks, and their artifact."""

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
    sessions : Embeddings or None
        Vectors of sessions if these were factorised: tracks are solved from them.
    """

    users: Embeddings
    tracks: Embeddings
    sessions: Embeddings | None = None

    def __post_init__(self) -> None:
        for rows in (self.users, self.sessions):
            if rows is not None and rows.dim != self.tracks.dim:
                raise ParameterError(
                    f"listeners of {rows.dim} dimensions do not fit tracks of {self.tracks.dim}"
                )

    @property
    def by_row(self) -> Factors:
        """The factors of the matrix's rows: sessions for users, if those were factorised."""
        return self if self.sessions is None else Factors(self.sessions, self.tracks)

    @property
    def dim(self) -> int:
        """Dimensions of the factors."""
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
    named = {"user": factors.users, "track": factors.tracks, "session": factors.sessions}
    arrays: dict[str, np.ndarray] = {}
    for name, rows in named.items():
        if rows is not None:
            arrays[f"{name}_ids"] = np.array(rows.ids, dtype=np.str_)
            arrays[f"{name}_factors"] = rows.vectors
    return artifacts.save(
        directory,
        kind=KIND,
        arrays=arrays,
        config=config or {},
        inputs=inputs or {},
        extra=extra or {},
    )


def load_factors(directory: Path) -> Factors:
    """Read what `save_factors` wrote, the vectors memory-mapped.

    Raises
    ------
    ArtifactError
        If the artifact is missing or damaged.
    """
    manifest = artifacts.load_manifest(directory, kind=KIND)

    def rows(name: str) -> Embeddings:
        return read(directory, manifest, ids=f"{name}_ids", vectors=f"{name}_factors")

    by_session = rows("session") if "session_ids" in manifest.files else None
    return Factors(users=rows("user"), tracks=rows("track"), sessions=by_session)
