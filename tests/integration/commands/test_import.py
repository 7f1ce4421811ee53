"""The command ``import``."""

from __future__ import annotations

import numpy as np
import polars as pl

from ..helpers import answer_json, call, failed


def test_vectors_that_are_imported_answer_by_their_cosine(tmp_path):
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(12, 4)).astype(np.float32)
    file = tmp_path / "vectors.parquet"
    ids = [f"v{n}" for n in range(len(vectors))]
    pl.DataFrame({"track_id": ids, "vector": vectors.tolist()}).write_parquet(file)
    assert call("-w", tmp_path / "ws", "import", "embeddings", file).code == 0
    answer = answer_json("-w", tmp_path / "ws", "similar", "v0", "-k", 5)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    nearest = np.argsort(-(unit @ unit[0]))[1:6]
    assert [row["track_id"] for row in answer["results"]] == [ids[n] for n in nearest]


def test_tracks_are_named_by_a_table(tmp_path):
    vectors = [[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]]
    frame = pl.DataFrame({"track_id": ["a", "b", "c"], "vector": vectors})
    frame.write_parquet(tmp_path / "v.parquet")
    (tmp_path / "t.csv").write_text("track_id,artist,title\na,Ann,One\nb,Bob,Two\nx,Cy,Three\n")
    answer = call("-w", tmp_path / "ws", "import", "embeddings", tmp_path / "v.parquet",
                  "--tracks", tmp_path / "t.csv")  # fmt: skip
    assert answer.code == 0, answer.err
    assert f"2 of them named by {tmp_path / 't.csv'}" in answer.out
    assert "1 row is left out, without a vector" in answer.err
    hits = answer_json("-w", tmp_path / "ws", "similar", "Ann - One", "-k", 2)["results"]
    assert [(hit["artist"], hit["title"]) for hit in hits] == [("Bob", "Two"), ("", "")]
    assert hits[1]["track_id"] == "c"


def test_a_file_that_is_none(tmp_path):
    file = tmp_path / "vectors.parquet"
    file.write_text("no table")
    failed(call("-w", tmp_path / "ws", "import", "embeddings", file), "vectors.parquet")
    assert call("-w", tmp_path / "ws", "import", "factors", file).code == 2
