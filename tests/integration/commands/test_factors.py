"""The command ``factors``."""

from __future__ import annotations

import numpy as np

from audiorec import artifacts
from audiorec.factors import load_factors
from audiorec.factors.store import KIND

from ..conftest import call
from ..helpers import asked, failed, made


def test_factors_with_nan(workspace, recipe, tmp_path):
    manifest = artifacts.load_manifest(workspace / "factors", kind=KIND)
    factors = load_factors(workspace / "factors")
    spoilt = np.array(factors.tracks.vectors)
    spoilt[3] = np.nan
    arrays = {
        "user_ids": np.array(factors.users.ids), "user_factors": factors.users.vectors,
        "track_ids": np.array(factors.tracks.ids), "track_factors": spoilt,
    }  # fmt: skip
    artifacts.save(
        workspace / "factors", kind=KIND, arrays=arrays, config=manifest.config,
        inputs=manifest.inputs, extra=manifest.extra,
    )  # fmt: skip
    before = made(workspace)
    other = asked(recipe, tmp_path, train="learning_rate = 0.002")
    named = repr(factors.tracks.ids[3])
    failed(call("-w", workspace, "train", "--recipe", other), named, "NaN")
    failed(call("-w", workspace, "index"), "other factors")
    assert made(workspace) == before
