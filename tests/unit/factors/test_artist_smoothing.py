from __future__ import annotations

import numpy as np
import pytest

from audiorec.data.catalog.records import artist_key
from audiorec.embeddings import Embeddings, unit_norm
from audiorec.exceptions import ParameterError
from audiorec.factors import (
    NO_SMOOTHING,
    ArtistSmoothing,
    artist_smoothing_from,
    fit_artist_smoothing,
    smooth_by_artist,
)

SMOOTHING = ArtistSmoothing(k=1.5)
DIM = 6


def drawn(ids, seed=0, length=1.0):
    rng = np.random.default_rng(seed)
    return Embeddings(ids, (length * unit_norm(rng.standard_normal((len(ids), DIM)))).astype("f4"))


def by_hand(track, sound, factors, artists, smoothing):
    """One track, slowly: what the module's first lines say."""
    own = sound[track] / np.linalg.norm(sound[track])
    total, n = np.zeros(DIM), 0.0
    for other in {*factors.ids} - {track}:
        if artists.get(other) != artists.get(track) or track not in artists:
            continue
        total += factors[other] / np.linalg.norm(factors[other])
        n += 1
    if not n:
        return sound[track]
    w = n / (n + smoothing.k)
    placed = (1 - w) * own + w * total / np.linalg.norm(total)
    return placed / np.linalg.norm(placed) * np.linalg.norm(sound[track])


def test_a_track_lies_between_its_sound_and_its_artists_others():
    sound, factors = (
        drawn([f"t{n}" for n in range(9)], length=3.0),
        drawn(["t0", "t1", "f"], 1, 2.0),
    )
    artists = {f"t{n}": "abc"[n // 3] for n in range(8)} | {"f": "b"}
    placed = smooth_by_artist(sound, factors=factors, artists=artists, smoothing=SMOOTHING)
    assert placed.ids == sound.ids
    for track in sound.ids:
        np.testing.assert_allclose(
            placed[track], by_hand(track, sound, factors, artists, SMOOTHING), atol=1e-5
        )
    np.testing.assert_allclose(np.linalg.norm(placed.vectors, axis=1), 3.0, rtol=1e-5)
    np.testing.assert_allclose(placed["t8"], sound["t8"], rtol=1e-6)  # by nobody that is known


def test_its_own_listeners_have_no_say():
    sound = drawn(["a", "b", "c"])
    artists = dict.fromkeys(sound.ids, "one")
    known = drawn(["a", "b"], seed=1)
    other = known.updated(drawn(["a"], seed=2))
    placed, again = (
        smooth_by_artist(sound, factors=factors, artists=artists, smoothing=SMOOTHING)
        for factors in (known, other)
    )
    np.testing.assert_allclose(placed["a"], again["a"], atol=1e-6)
    assert not np.allclose(placed["c"], again["c"])


def test_the_more_are_known_the_more_they_count():
    sound, factors = drawn(["new"]), drawn([f"t{n}" for n in range(20)], seed=1)
    factors = Embeddings(factors.ids, np.repeat(factors.vectors[:1], 20, axis=0))
    artists = dict.fromkeys([*sound.ids, *factors.ids], "one")
    nearness = []
    for n in (0, 1, 2, 5, 20):
        known = factors.take(factors.ids[:n])
        placed = smooth_by_artist(sound, factors=known, artists=artists, smoothing=SMOOTHING)
        nearness.append(float(placed.vectors[0] @ factors.vectors[0]))
    assert nearness == sorted(nearness) and len(set(nearness)) == 5
    assert nearness[0] == pytest.approx(float(sound.vectors[0] @ factors.vectors[0]))


@pytest.mark.parametrize("name", ["Various Artists", "VA ", "unknown artist", ""])
def test_who_is_filed_under_no_artists_name_is_left_alone(name):
    sound, factors = drawn(["a", "b"]), drawn(["b", "c"], seed=1)
    artists = {id_: artist_key(name, track_id=id_) for id_ in "abc"}
    placed = smooth_by_artist(sound, factors=factors, artists=artists, smoothing=SMOOTHING)
    np.testing.assert_allclose(placed.vectors, sound.vectors, rtol=1e-6)


def test_nothing_moves_without_a_share_or_tracks():
    sound, factors = drawn(["a", "b"]), drawn(["b"], seed=1)
    artists = dict.fromkeys(sound.ids, "one")
    assert (
        smooth_by_artist(sound, factors=factors, artists=artists, smoothing=NO_SMOOTHING) is sound
    )
    none = sound.take(())
    assert not len(smooth_by_artist(none, factors=factors, artists=artists, smoothing=SMOOTHING))
    nobody = smooth_by_artist(sound, factors=factors.take(()), artists=artists, smoothing=SMOOTHING)
    assert np.isfinite(nobody.vectors).all()


def planted(*, alike, error, n_artists=60, per_artist=4, seed=0):
    """Factors that lie about their artist's as near as `alike` says, and predictions of them."""
    rng = np.random.default_rng(seed)
    ids = [f"{a}-{n}" for a in range(n_artists) for n in range(per_artist)]
    style = np.repeat(rng.standard_normal((n_artists, DIM)), per_artist, axis=0)
    true = alike * style + (1 - alike) * rng.standard_normal(style.shape)
    said = unit_norm(true.astype("f4")) + error * rng.standard_normal(true.shape)
    artists = {id_: id_.split("-")[0] for id_ in ids}
    return Embeddings(ids, said.astype("f4")), Embeddings(ids, true.astype("f4")), artists


def test_what_artists_are_worth_is_learned():
    unseen, factors, artists = planted(alike=0.7, error=0.8)
    smoothing = fit_artist_smoothing(unseen, factors=factors, artists=artists)
    assert smoothing.k is not None
    surer = fit_artist_smoothing(
        *planted(alike=0.7, error=0.2)[:1], factors=factors, artists=artists
    )
    assert surer.k is None or surer.k > smoothing.k
    new, wanted, of = planted(alike=0.7, error=0.8, seed=1)
    known = wanted.take([i for i in wanted.ids if not i.endswith("-0")])
    fresh = [i for i in wanted.ids if i.endswith("-0")]
    placed = smooth_by_artist(new.take(fresh), factors=known, artists=of, smoothing=smoothing)

    def nearness(found):
        return (unit_norm(found.vectors) * unit_norm(wanted.take(fresh).vectors)).sum(axis=1).mean()

    assert nearness(placed) > nearness(new.take(fresh)) + 0.1


@pytest.mark.parametrize("seed", range(3))
def test_artists_whose_tracks_have_nothing_in_common_teach_nothing(seed):
    unseen, factors, artists = planted(alike=0.0, error=0.5, seed=seed)
    assert fit_artist_smoothing(unseen, factors=factors, artists=artists) == NO_SMOOTHING


def test_too_few_to_be_sure():
    unseen, factors, artists = planted(alike=0.7, error=0.8, n_artists=1)
    assert fit_artist_smoothing(unseen, factors=factors, artists=artists) == NO_SMOOTHING
    unseen, factors, artists = planted(alike=0.7, error=0.8, per_artist=1)
    assert fit_artist_smoothing(unseen, factors=factors, artists=artists) == NO_SMOOTHING


def test_what_a_manifest_keeps_is_checked():
    assert artist_smoothing_from({}) == NO_SMOOTHING
    assert artist_smoothing_from(NO_SMOOTHING._asdict()) == NO_SMOOTHING
    assert artist_smoothing_from(SMOOTHING._asdict() | {"later": 1}) == SMOOTHING
    for wrong in ("text", float("nan"), float("inf"), 0.0, -1.0, True, [1]):
        with pytest.raises(ParameterError, match="must have a k above 0"):
            artist_smoothing_from({"k": wrong})
    for wrong in ([1], "text"):
        with pytest.raises(ParameterError, match="must be a table"):
            artist_smoothing_from(wrong)
