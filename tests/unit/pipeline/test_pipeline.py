from __future__ import annotations

import numpy as np
import pytest

from audiorec import artifacts
from audiorec.audio.config import MelConfig
from audiorec.data.catalog.catalog import Catalog
from audiorec.doctor import diagnose
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


def test_a_model_of_other_spectrograms_needs_mending(workspace):
    keep(workspace, "model", mel=MelConfig().model_dump(mode="json"))
    keep(workspace, "mels", **MelConfig().model_dump())
    assert diagnose(workspace).problems == []
    keep(workspace, "mels", **MelConfig(n_mels=40).model_dump())
    assert diagnose(workspace).problems == [
        "the mels have n_mels=40 and the model was trained on n_mels=128; "
        "make both by one recipe: 'audiorec run [RECIPE.toml]'"
    ]
