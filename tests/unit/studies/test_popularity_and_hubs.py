"""The dial of popularity and hub correction, on the planted world."""

from __future__ import annotations

import pytest

from audiorec.evaluation import holdout_keys
from audiorec.evaluation.holdout import prepare
from audiorec.evaluation.systems import MEL_STATISTICS
from audiorec.pipeline import EvaluateConfig, Recipe
from audiorec.studies import popularity_and_hubs
from audiorec.studies.popularity_and_hubs import HIDDEN, SETTINGS, hide


@pytest.fixture
def inputs(planted, make_study):
    factors = planted.recipe.factors.model_copy(update={"regularization": 10.0})
    evaluate = EvaluateConfig(seeds=(0,), test_fraction=0.25)
    return make_study(Recipe(factors=factors, evaluate=evaluate), systems=(MEL_STATISTICS,))


def test_hidden_plays_are_of_training_tracks_alone(inputs):
    data = inputs.data
    key = next(iter(holdout_keys(data, split="artist-cold")))
    held_out = sorted(prepare(data, key).held_out)
    left = hide(data, key)
    gone = data.plays.join(left.plays, on=["user_id", "track_id"], how="anti")
    assert not gone["track_id"].is_in(held_out).any()
    n_training = (~data.plays["track_id"].is_in(held_out)).sum()
    assert len(gone) == pytest.approx(HIDDEN * n_training, rel=0.1)
    raw = left.raw_plays.join(gone, on=["user_id", "track_id"], how="semi")
    assert raw.is_empty()


def test_accuracy_and_who_comes_up_with_every_setting(inputs):
    (table,) = popularity_and_hubs.run(inputs).tables
    assert len(table.rows) == len(SETTINGS)
    rows = {row["setting"]: row for row in table.rows}
    for query_kind in ("listeners", "tracks"):
        plain = rows[f"{query_kind}, none, +0.0"]
        assert plain["cold, change"] == plain["mixed, change"] == (0.0, 0.0)
        lifted = rows[f"{query_kind}, reach, +0.0"]
        assert lifted["never"] <= 0.01
        assert lifted["never"] <= plain["never"]
        assert lifted["mixed"] > 0.98 * plain["mixed"]
        assert rows[f"{query_kind}, csls, +0.0"]["never"] <= plain["never"]
    dialled = [rows[f"listeners, none, {p:+.1f}"]["self-information"] for p in (-1.0, 0.0, 1.0)]
    assert dialled == sorted(dialled, reverse=True)
