"""From cold to warm: the half-step whose prior fades, on a planted world without audio."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse

from audiorec import metrics
from audiorec.data.plays import Interactions
from audiorec.embeddings import Embeddings, unit_norm
from audiorec.factors import (
    FactorsConfig,
    PriorDecay,
    blend_tracks,
    confidence,
    fit_factors,
    fold_in_tracks,
)
from audiorec.factors.config import EPSILON
from audiorec.id_map import IdMap
from audiorec.index import IndexConfig

HALF = IndexConfig().prior_half_life_users
N_LISTENERS, N_WARM, N_COLD, N_LATENT = 900, 240, 80, 8


class Planted:
    """Taste is linear in the tracks' places; sound tells these places with noise."""

    def __init__(self, *, noise: float) -> None:
        rng = np.random.default_rng(7)
        places = unit_norm(rng.standard_normal((N_WARM + N_COLD, N_LATENT)))
        taste = rng.standard_normal((N_LISTENERS, N_LATENT))
        liking = 2.5 * taste @ places.T + rng.gumbel(size=(N_LISTENERS, len(places)))
        heard = liking > np.quantile(liking, 0.88)
        users = IdMap([f"u{n:03d}" for n in range(N_LISTENERS)], noun="listener")
        self.config = FactorsConfig(factors=8, regularization=20.0)
        warm = scipy.sparse.csr_matrix(heard[:, :N_WARM].astype(np.float32))
        tracks = IdMap([f"warm{n:03d}" for n in range(N_WARM)])
        self.warm = Interactions(warm, users, tracks)
        self.factors = fit_factors(self.warm, config=self.config)
        self.cold = IdMap([f"cold{n:03d}" for n in range(N_COLD)])
        self.heard = heard[:, N_WARM:]
        self.users = users
        # the world's own map from places to factors, learned from the warm tracks
        seen = self.factors.tracks.vectors
        to_space, *_ = np.linalg.lstsq(places[:N_WARM], seen, rcond=None)
        blurred = places[N_WARM:] + noise * rng.standard_normal((N_COLD, N_LATENT))
        scale = np.linalg.norm(seen, axis=1).mean()
        self.sound = Embeddings(self.cold.ids, unit_norm(blurred @ to_space) * scale)
        self.turn = rng.random(self.heard.shape)
        everything = self.thinned(N_LISTENERS)
        truth = fold_in_tracks(self.factors, everything, config=self.config)
        cosines = (unit_norm(truth.vectors) * unit_norm(self.sound.vectors)).sum(axis=1)
        self.agreement = float(cosines.mean())

    def thinned(self, n):
        """Cold plays of the first `n` listeners of half A, by a turn drawn once."""
        half_a = np.arange(N_LISTENERS) % 2 == 0
        turn = np.where(self.heard & half_a[:, None], self.turn, np.inf)
        rank = turn.argsort(axis=0).argsort(axis=0)
        kept = self.heard & half_a[:, None] & (rank < n)
        matrix = scipy.sparse.csr_matrix(kept.astype(np.float32))
        return Interactions(matrix, self.users, self.cold)

    def ndcg(self, tracks):
        """Of half B, by the inner product that `recommend` ranks by."""
        b = np.arange(N_LISTENERS) % 2 == 1
        scores = self.factors.users.vectors[b] @ tracks.take(self.cold.ids).vectors.T
        return metrics.ndcg(metrics.rank(scores, self.heard[b]), k=20)


@pytest.fixture(
    scope="module", params=[0.1, 0.5, 1.0, 9.0], ids=["all", "much", "little", "nothing"]
)
def planted(request) -> Planted:
    return Planted(noise=request.param)


@pytest.mark.parametrize("n", [0, 1, 2, 5, 10, 50])
def test_never_worse_than_the_better_of_sound_and_listening(planted, n):
    few = planted.thinned(n)
    half_a = planted.users.ids[::2]
    how = {"config": planted.config, "among": half_a}
    listening = fold_in_tracks(planted.factors, few, **how)
    both = fold_in_tracks(
        planted.factors, few, prior=planted.sound, decay=PriorDecay(HALF, planted.agreement), **how
    )
    alone = {"sound": planted.ndcg(planted.sound), "listening": planted.ndcg(listening)}
    better = max(alone.values(), key=np.nanmean)
    gain = planted.ndcg(both) - better
    known = gain[~np.isnan(gain)]
    error = known.std(ddof=1) / np.sqrt(len(known))
    assert known.mean() >= -max(2 * error, 1e-9)
    if n == 0:
        assert np.array_equal(both.vectors, planted.sound.vectors)


def test_step_by_step_from_the_prior_of_which_many_leave_nothing(planted):
    def distance(n, other, **how):
        few = planted.thinned(n)
        both = fold_in_tracks(
            planted.factors, few, config=planted.config, prior=planted.sound, **how
        )
        gap = unit_norm(both.vectors) - unit_norm(other.vectors)
        return np.linalg.norm(gap, axis=1).mean()

    far = [distance(n, planted.sound, decay=PriorDecay(HALF)) for n in (0, 1, 5, 50)]
    assert far == sorted(far) and far[0] == 0
    many = planted.thinned(N_LISTENERS)
    assert np.diff(many.user_items.tocsc().indptr).min() > 10
    factor = fold_in_tracks(planted.factors, many, config=planted.config)
    assert distance(N_LISTENERS, factor, decay=PriorDecay(1)) < 1e-3 * distance(0, factor)


@pytest.mark.parametrize("half", [1e-300, 1e-3, 7.0, 1e300])
def test_weights_pass_from_the_prior_to_listening(half):
    told = [PriorDecay(half, 0.6).weights(n, ridge=2.0) for n in (0, 1, 10**6)]
    assert told[0] == (0.0, 2.0 / (1 - 0.36), 0.6 * 2.0 / (1 - 0.36))
    silence, _, pull = zip(*told, strict=True)
    assert list(silence) == sorted(silence) and list(pull) == sorted(pull, reverse=True)
    if half <= 7.0:
        assert told[2] == (1.0, 2.0, 0.0)


def test_the_half_step_equals_its_readable_twin(planted):
    config, half = planted.config, 4.0
    few = planted.thinned(6)
    found = fold_in_tracks(
        planted.factors, few, config=config, prior=planted.sound, decay=PriorDecay(half, 0.7)
    )
    y = planted.factors.users.vectors.astype(float)
    for column, id_ in enumerate(planted.cold):
        plays = few.user_items[:, [column]].toarray()[:, 0]
        n = np.count_nonzero(plays)
        fade = 0.5 ** ((n / half) ** 2)
        heard_c = confidence(plays, alpha=config.alpha, epsilon=EPSILON)
        c = np.where(plays > 0, heard_c, 1 - fade)  # silence counts what the prior has lost
        towards_sound = fade * config.regularization / (1 - 0.7**2)
        towards_zero = (1 - fade) * config.regularization
        a = (y.T * c) @ y + (towards_sound + towards_zero) * np.eye(y.shape[1])
        b = (y.T * c) @ (plays > 0) + towards_sound * 0.7 * planted.sound[id_]
        expected = np.linalg.solve(a, b) if n else planted.sound[id_]
        assert np.allclose(found[id_], expected, atol=1e-5)


def test_every_track_with_sound_is_placed_and_others_are_passed_over(planted):
    few = planted.thinned(3)
    some = planted.sound.take(planted.cold.ids[::-2])
    both = blend_tracks(planted.factors, few, some, config=planted.config, decay=PriorDecay(HALF))
    assert both.ids == some.ids
    whole = blend_tracks(
        planted.factors, few, planted.sound, config=planted.config, decay=PriorDecay(HALF)
    )
    assert np.array_equal(both.vectors, whole.take(some.ids).vectors)
    nobody = blend_tracks(
        planted.factors, planted.warm, some, config=planted.config, decay=PriorDecay(HALF)
    )
    assert np.array_equal(nobody.vectors, some.vectors)


def test_a_track_without_a_prior_is_placed_by_the_plain_half_step(planted):
    few = planted.thinned(3)
    config = planted.config
    plain = fold_in_tracks(planted.factors, few, config=config)
    first = planted.sound.take(planted.cold.ids[:1])
    some = fold_in_tracks(planted.factors, few, config=config, prior=first, decay=PriorDecay(HALF))
    assert np.array_equal(some.vectors[1:], plain.vectors[1:])
