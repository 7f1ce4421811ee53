"""From cold to warm, on the planted world."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from audiorec.embeddings import Embeddings, unit_norm
from audiorec.evaluation import HoldoutKey
from audiorec.evaluation.holdout import prepare
from audiorec.evaluation.systems import MEL_STATISTICS
from audiorec.exceptions import ParameterError
from audiorec.factors import PriorDecay, fold_in_tracks
from audiorec.pipeline import EvaluateConfig, Recipe
from audiorec.progress import silent
from audiorec.studies import cold_to_warm
from audiorec.studies.bootstrap import bootstrap_means
from audiorec.studies.cold_to_warm import PLAYS, _first, _half_a, _turns_of_plays, score_each
from audiorec.studies.cold_vector_cache import ColdVectors, cold_vectors, placing_system

KEY = HoldoutKey("artist-cold", 0, None)


@pytest.fixture
def inputs(planted, make_study):
    """In this world sound tells nearly everything, and plays come by the dozen."""
    factors = planted.recipe.factors.model_copy(update={"regularization": 10.0})
    evaluate = EvaluateConfig(seeds=(0, 1), test_fraction=0.25)
    recipe = Recipe(factors=factors, evaluate=evaluate)
    return make_study(recipe, systems=(MEL_STATISTICS,))


@pytest.fixture
def holdout(inputs):
    return prepare(inputs.data, KEY)


def placed(holdout, directory=None) -> ColdVectors:
    name, system = placing_system(holdout, MEL_STATISTICS)
    return cold_vectors(holdout, name, system, work_directory=directory, progress=silent)


def test_dislikes_alone_place_nothing_but_move_what_sound_places(holdout):
    """Half A dislikes every held-out track, as in a catalogue that nobody wants."""
    plays = holdout.data.plays.with_columns(-pl.col("plays").abs())
    sour = replace(holdout, data=replace(holdout.data, plays=plays))
    full = _half_a(sour)
    assert full.user_items.nnz and full.user_items.max() <= 0
    assert full.tracks.ids == holdout.cold
    sound = placed(holdout)
    how = {"config": holdout.data.recipe.factors, "among": holdout.folding}
    assert not fold_in_tracks(holdout.factors, full, **how).vectors.any()
    both = fold_in_tracks(holdout.factors, full, prior=sound.tracks, decay=PriorDecay(7), **how)
    against = holdout.factors.users.take(full.users.ids)
    met = full.user_items.toarray() < 0
    moved = against.vectors @ (both.vectors - sound.tracks.vectors).T
    assert moved[met].mean() < 0
    none = _half_a(replace(holdout, data=replace(holdout.data, plays=plays.clear())))
    assert none.user_items.nnz == 0 and none.tracks.ids == holdout.cold


def agreement(holdout, sound: Embeddings) -> float:
    """Mean cosine of the predictions and of what all listeners of half A say."""
    truth = fold_in_tracks(holdout.factors, _half_a(holdout), config=holdout.data.recipe.factors)
    return float((unit_norm(truth.vectors) * unit_norm(sound.vectors)).sum(axis=1).mean())


@pytest.mark.parametrize("noise", [0.0, 1.0, 20.0])
def test_the_hybrid_is_never_worse_than_the_better_of_the_two(holdout, noise):
    """However much sound tells: noise is added to where it places the tracks."""
    sound = placed(holdout).tracks
    drawn = unit_norm(np.random.default_rng(0).standard_normal(sound.vectors.shape))
    length = np.linalg.norm(sound.vectors, axis=1, keepdims=True)
    length = length.mean() * np.ones_like(length)
    blurred = Embeddings(sound.ids, unit_norm(unit_norm(sound.vectors) + noise * drawn) * length)
    cold = ColdVectors(blurred, agreement(holdout, blurred))
    found = bootstrap_means([score_each(holdout, cold)], [holdout])
    for place, plays in enumerate(PLAYS):
        best = found.means[place, :2].argmax()
        gain = found.samples[:, place, 2] - found.samples[:, place, best]
        assert np.percentile(gain, 97.5) >= 0, (plays, found.means[place])


def test_content_knows_no_plays_and_factors_none_at_first(inputs):
    (table,) = cold_to_warm.run(inputs).tables
    assert [row["plays"] for row in table.rows] == ["0", "1", "2", "5", "10", "50", "all"]
    content, collaborative, hybrid = (
        [row[space] for row in table.rows] for space in ("content", "collaborative", "hybrid")
    )
    assert len(set(content)) == 1
    assert hybrid[0] == content[0]
    assert collaborative[0] < collaborative[1] < collaborative[-1]
    json.dumps(table.to_json(), allow_nan=False)
    assert "nDCG@50 by the inner product" in table.to_text()


def test_plays_come_back_by_listeners_of_half_a_and_stay(holdout):
    full = _half_a(holdout)
    assert set(full.users) <= set(holdout.folding)
    turns = _turns_of_plays(full, rng=np.random.default_rng(0))
    before = _first(full, turns, 0).user_items
    assert before.nnz == 0
    for n in (1, 2, 5, 50):
        now = _first(full, turns, n).user_items
        of_each = np.diff(now.tocsc().indptr)
        assert np.array_equal(of_each, np.minimum(np.diff(full.user_items.tocsc().indptr), n))
        assert (now - before).min() >= 0 and now.multiply(full.user_items).nnz == now.nnz
        before = now


def test_cold_vectors_are_about_as_long_as_factors_and_kept(holdout, tmp_path):
    made = placed(holdout, tmp_path).tracks
    assert made.ids == holdout.cold
    mean = np.linalg.norm(holdout.targets.vectors, axis=1).mean()
    assert np.linalg.norm(made.vectors, axis=1).mean() == pytest.approx(mean, rel=0.2)
    assert np.array_equal(made.vectors, placed(holdout, tmp_path).tracks.vectors)
    with pytest.raises(ParameterError, match="'random' does not place tracks; name"):
        placing_system(holdout, "random")
    with pytest.raises(ParameterError, match=r"'musicnn \+ ridge' cannot be used: no features"):
        placing_system(holdout, "musicnn + ridge")
