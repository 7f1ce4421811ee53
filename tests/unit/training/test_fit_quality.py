"""Vectors that are all alike, or no nearer than the mean, are told of."""

import numpy as np
import pytest

from audiorec.embeddings import Embeddings, unit_norm
from audiorec.models import ModelConfig
from audiorec.training import train
from audiorec.training.fit_quality import measure_fit_quality


def drawn(n=60, *, common=3.0, seed=0):
    """Factors that have most of their direction in common, as those of few listeners have."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n, 4)) + common * np.array([1, 0, 0, 0])
    return Embeddings([f"t{i:02d}" for i in range(n)], vectors.astype("f4"))


def test_one_vector_for_all_is_told_of_though_its_cosine_is_high():
    factors = drawn()
    unseen = factors.take(factors.ids[:20])
    mean = unit_norm(factors.vectors).mean(axis=0)
    noise = 1e-3 * np.random.default_rng(1).normal(size=(20, 4))
    alike = Embeddings(unseen.ids, (mean + noise).astype("f4"))
    learned = measure_fit_quality(alike, factors, vectors=alike)
    assert learned.cosine > 0.8
    assert learned.spread < 1e-4
    assert "all alike" in learned.warning and "\n" not in learned.warning
    assert learned.cosine == pytest.approx(learned.cosine_of_mean, abs=0.02)


def test_vectors_that_differ_and_are_right_are_not_warned_of():
    factors = drawn()
    unseen = factors.take(factors.ids[:20])
    learned = measure_fit_quality(unseen, factors, vectors=unseen)
    assert learned.warning == ""
    assert (learned.cosine, learned.spread) == (pytest.approx(1), pytest.approx(1))
    assert learned.cosine_of_mean < 0.95


def test_vectors_that_differ_and_are_wrong_are_no_nearer_than_the_mean():
    factors = drawn()
    unseen = factors.take(factors.ids[:20])
    wrong = Embeddings(unseen.ids, np.roll(unseen.vectors, 1, axis=0))
    assert (
        "no nearer than one vector for all"
        in measure_fit_quality(wrong, factors, vectors=wrong).warning
    )


def test_nothing_left_out_says_nothing():
    factors = drawn()
    assert measure_fit_quality(factors.take([]), factors, vectors=factors) is None


@pytest.mark.parametrize("encoder", ["cnn", "spectrogram-statistics"])
def test_training_notices_sound_that_is_one_for_all(world, encoder):
    (silence, *_) = world.store.mels("t001")
    settings = world.arguments(max_epochs=2) | {
        "model": ModelConfig(encoder=encoder, channels=8, hidden=16)
    }
    same = type(world.store)({i: [silence] for i in world.store.ids}, world.store.config)
    assert "all alike" in train(same, world.targets, **settings).learned.warning


def test_training_finds_nothing_to_warn_of_where_sound_tells(planted):
    settings = planted.arguments() | {"model": ModelConfig(encoder="spectrogram-statistics")}
    learned = train(planted.store, planted.targets, **settings).learned
    assert learned.warning == ""
    assert learned.cosine > 0.8 > learned.cosine_of_mean
