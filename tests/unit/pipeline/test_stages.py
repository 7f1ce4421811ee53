from __future__ import annotations

import shutil

import numpy as np
import polars as pl
import pytest

from audiorec import artifacts
from audiorec.audio import MelConfig
from audiorec.data.catalog import Catalog
from audiorec.external_embeddings import import_embeddings
from audiorec.pipeline import diagnose
from audiorec.pipeline.status import artifact_state, search_state
from audiorec.workspace import Workspace


@pytest.fixture
def workspace(tmp_path):
    workspace = Workspace(tmp_path / "workspace")
    workspace.create()
    Catalog(workspace.catalog).close()
    return workspace


def keep(workspace, kind, **config):
    artifacts.save(
        workspace.root / kind, kind=kind, arrays={"a": np.zeros(3)}, config=config, inputs={}
    )


def test_a_model_of_other_spectrograms_needs_repair(workspace):
    keep(workspace, "model", mel=MelConfig().model_dump(mode="json"))
    keep(workspace, "mels", **MelConfig().model_dump())
    assert diagnose(workspace).problems == []
    keep(workspace, "mels", **MelConfig(n_mels=40).model_dump())
    assert diagnose(workspace).problems == [
        "the mels have n_mels=40 and the model was trained on n_mels=128; "
        "make both by one recipe: 'audiorec run [RECIPE.toml]'"
    ]


def test_status_says_how_an_index_searches(tmp_path):
    exact = {"kind": "exact", "n": 7}
    assert search_state(exact) == "exact search of 7 vectors"
    hnsw = {"kind": "hnsw", "n": 7, "recall_at_10": 0.98765}
    assert search_state(hnsw) == "hnsw of 7 vectors, recall@10 0.988"
    assert search_state(hnsw | {"factory": "HNSW32", "rows": 9}) == (
        "HNSW32 of 7 vectors, recall@10 0.988, 2 removed ones filtered out"
    )


def test_imported_vectors_that_are_gone_say_how_they_came(tmp_path):
    workspace = Workspace(tmp_path / "w")
    frame = pl.DataFrame({"track_id": ["a", "b"], "vector": [[1.0, 0.0], [0.0, 1.0]]})
    frame.write_parquet(tmp_path / "v.parquet")
    import_embeddings(workspace, tmp_path / "v.parquet")
    assert artifact_state(workspace, "model") == "not needed: the vectors were imported"
    shutil.rmtree(workspace.embeddings)
    assert artifact_state(workspace, "embeddings") == (
        "gone: run 'audiorec import embeddings FILE --replace'"
    )
