"""The command ``export``."""

from __future__ import annotations

from ..conftest import call
from ..helpers import failed


def test_vectors_are_written_where_there_is_no_folder_yet(finished, tmp_path):
    file = tmp_path / "new" / "folder" / "x.parquet"
    assert call("-w", finished, "export", "embeddings", file).code == 0
    assert [path.name for path in file.parent.iterdir()] == ["x.parquet"]
    beneath = file / "y.parquet"
    failed(call("-w", finished, "export", "track-factors", beneath), beneath, "cannot be written")
