"""The command ``export``."""

from __future__ import annotations

import shutil

import polars as pl

from ..conftest import call
from ..helpers import answer_json, failed


def test_vectors_are_written_where_there_is_no_folder_yet(finished, tmp_path):
    file = tmp_path / "new" / "folder" / "x.parquet"
    assert call("-w", finished, "export", "embeddings", file).code == 0
    assert [path.name for path in file.parent.iterdir()] == ["x.parquet"]
    told = answer_json("-w", finished, "export", "embeddings", file)
    assert told == {"file": str(file), "rows": len(pl.read_parquet(file))}
    beneath = file / "y.parquet"
    failed(call("-w", finished, "export", "track-factors", beneath), beneath, "cannot be written")


def test_factors_are_exported_without_an_index(workspace, tmp_path):
    shutil.rmtree(workspace / "index")
    for what in ("user-factors", "track-factors"):
        assert call("-w", workspace, "export", what, tmp_path / f"{what}.parquet").code == 0
    file = tmp_path / "e.parquet"
    failed(
        call("-w", workspace, "export", "embeddings", file),
        "run 'audiorec run', or 'audiorec index' alone, first",
    )
