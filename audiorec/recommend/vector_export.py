"""Export of a workspace's vectors as Parquet, for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from audiorec import artifacts
from audiorec.factors import load_factors
from audiorec.output_files import output_file
from audiorec.recommend.library import Library

if TYPE_CHECKING:
    from audiorec.factors import Factors

Exported = Literal["embeddings", "track-factors", "user-factors"]


def export_vectors(library: Library, what: Exported, file: Path) -> int:
    """Write vectors to Parquet, columns track_id (or user_id) and vector.

    Returns
    -------
    count : int
        Rows written.

    Raises
    ------
    ArtifactError
        If it cannot be written, or `file` is not a file name.
    """
    library.refresh()
    if what == "embeddings":
        vectors, key = library.index.embeddings(), "track_id"
    else:
        factors = _factors(library)
        vectors = factors.tracks if what == "track-factors" else factors.users
        key = "track_id" if what == "track-factors" else "user_id"
    column = pl.Series("vector", np.array(vectors.vectors), dtype=pl.Array(pl.Float32, vectors.dim))
    frame = pl.DataFrame({key: list(vectors.ids)}, schema={key: pl.String})
    frame = frame.with_columns(column.cast(pl.List(pl.Float32)))
    with output_file(file, pl.exceptions.PolarsError) as aside:
        frame.write_parquet(aside)
    return len(vectors)


def _factors(library: Library) -> Factors:
    """Load the factors, which need no index; with audio-only vectors there are none."""
    if artifacts.exists(library.workspace.index) and library.by_sound:
        return library.factors()  # raises the error
    return load_factors(library.workspace.factors)
