"""Few labels, on the planted world."""

from __future__ import annotations

import json

import numpy as np
import pytest

from audiorec.evaluation import HoldoutKey, evaluate
from audiorec.evaluation.holdout import n_labelled, prepare, with_labels
from audiorec.evaluation.systems import MEL_STATISTICS
from audiorec.exceptions import ParameterError, TrainingError
from audiorec.studies import label_efficiency
from audiorec.studies.label_efficiency import shares_of

KEY = HoldoutKey("artist-cold", 0, None)


@pytest.fixture
def curve(planted, make_study):
    def run(*, systems=(MEL_STATISTICS,), labels=(0.1, 0.5)):
        inputs = make_study(planted.recipe, systems=systems, labels=labels)
        return label_efficiency.run(inputs).tables[0]

    return run


@pytest.fixture
def holdout(planted, make_study):
    return prepare(make_study(planted.recipe).data, KEY)


def test_fewer_labels_are_among_more(holdout) -> None:
    drawn = [set(with_labels(holdout, share).targets.ids) for share in (0.05, 0.1, 0.5, 1.0)]
    everything = set(holdout.targets.ids)
    n = len(everything)
    assert [len(some) for some in drawn] == [n_labelled(n, s) for s in (0.05, 0.1, 0.5)] + [n]
    assert drawn[0] < drawn[1] < drawn[2] < drawn[3] == everything
    other = prepare(holdout.data, KEY._replace(seed=1))
    both = everything & set(other.targets.ids)
    here, there = (set(with_labels(w, 0.5).targets.ids) & both for w in (holdout, other))
    assert here != there  # another seed, other tracks


def test_only_what_is_learned_from_shrinks(holdout) -> None:
    few = with_labels(holdout, 0.1)
    assert few.factors is holdout.factors
    assert (few.cold, few.listeners, few.folding) == (
        holdout.cold, holdout.listeners, holdout.folding,
    )  # fmt: skip
    for track_id in few.targets.ids:
        np.testing.assert_array_equal(
            few.targets.take([track_id]).vectors, holdout.targets.take([track_id]).vectors
        )
    assert with_labels(holdout, 1.0) is holdout


def test_more_labels_tell_more_and_all_are_the_evaluation_itself(planted, curve) -> None:
    table = curve()
    shares = [row["share"] for row in table.rows]
    assert shares == sorted(shares) and len(shares) == 3
    assert shares[0] < 0.9 * shares[-1]
    body = evaluate(
        planted.store, planted.plays, planted.tracks, recipe=planted.recipe,
        systems=(MEL_STATISTICS,),
    ).to_json()  # fmt: skip
    whole = table.rows[-1]
    assert whole["share"] == pytest.approx(body["share_of_oracle"][MEL_STATISTICS]["nDCG@50"])
    assert whole["AUC"] == pytest.approx(body["systems"][MEL_STATISTICS]["AUC"])
    for row in table.rows:
        assert row["interval"].low <= row["share"] <= row["interval"].high
    json.dumps(table.to_json(), allow_nan=False)


def test_labels_are_shares_or_numbers_of_tracks() -> None:
    assert shares_of((50, 0.1, 500), n_training=200) == (0.1, 0.25, 1.0)
    with pytest.raises(ParameterError, match="must be above 0"):
        shares_of((0.0,), n_training=200)


def test_what_learns_nothing_from_labels_is_left_out(curve) -> None:
    with pytest.raises(ParameterError, match="'shuffled' learns nothing from labels"):
        curve(systems=("shuffled",))


def test_where_nothing_can_be_scored_the_reason_is_given(curve) -> None:
    with pytest.raises(ParameterError, match=r"nothing is left to score \(musicnn \+ ridge: no "):
        curve(systems=("musicnn + ridge",))


def test_too_few_labels_are_one_clear_error(curve) -> None:
    with pytest.raises(TrainingError, match=r"artist-cold.*; or ask for more labels"):
        curve(systems=("cnn (from nothing)",), labels=(1.5,))


def test_scored_once(curve, monkeypatch) -> None:
    first = curve()
    monkeypatch.setattr(label_efficiency, "with_factors", lambda *_, **__: pytest.fail("kept"))
    assert curve().rows == first.rows
    with pytest.raises(pytest.fail.Exception):
        curve(labels=(0.25,))
