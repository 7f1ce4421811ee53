"""Write a lazy frame to Parquet, distinguishing a full disk from invalid data."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from audiorec.artifacts import write_error

ROWS_PER_GROUP = 1 << 20
# End of Rust's messages of system errors, and Parquet's message on a full disk.
UNWRITTEN = ("os error", "transport error")


def sink(frame: pl.LazyFrame, path: Path) -> None:
    """Write a frame while it is computed.

    Raises
    ------
    ArtifactError
        If `path` cannot be written.
    polars.exceptions.PolarsError
        If the frame cannot be computed.
    """
    try:
        frame.sink_parquet(path, row_group_size=ROWS_PER_GROUP)
    except OSError as error:
        raise write_error(path, error) from None
    except pl.exceptions.PolarsError as error:
        if any(message in str(error) for message in UNWRITTEN):
            raise write_error(path, error) from None
        raise
