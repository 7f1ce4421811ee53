"""Directions that artists teach, in a planted space."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from audiorec.exceptions import TrainingError
from audiorec.models.discriminants import Discriminants

BLOCKS = (6, 20, 4)
N = sum(BLOCKS)


@pytest.fixture
def planted():
    """Artists differ by numbers 2 and 27; 10 is louder and the same for all; 29 never moves."""
    rng = np.random.default_rng(0)
    artists, told = [], []
    for artist in range(60):
        place = rng.normal(size=2)
        for _ in range(4):
            x = rng.normal(size=(N, 3)) * 0.3
            x[2] += place[0]
            x[27] += place[1]
            x[10] += rng.normal() * 9
            x[29] = 5.0
            told.append(x.astype(np.float16))
            artists.append(f"artist {artist}")
    return told, artists


def learned(told, artists, n=2, **how):
    module = Discriminants(BLOCKS, n)
    module.learn(told, artists, **({"seed": 0} | how))
    return module


def said(module, told):
    with torch.no_grad():
        return np.stack([module(torch.from_numpy(x.T.copy())).numpy().mean(axis=0) for x in told])


def test_what_artists_differ_by_is_found(planted):
    module = learned(*planted)
    shares = np.square(module.weights.numpy()).sum(axis=1)
    assert set(np.argsort(shares)[-2:]) == {2, 27}
    assert (module(torch.from_numpy(planted[0][0].T.copy())).isfinite()).all()
    assert shares[29] == 0  # what never moves


def test_what_is_said_is_centred_and_of_unit_mean_square(planted):
    told, _ = planted
    out = said(learned(*planted), told)
    np.testing.assert_allclose(out.mean(axis=0), 0, atol=0.02)
    assert np.square(out).mean() == pytest.approx(1, abs=0.02)


def test_it_is_the_generalised_eigenproblem(planted):
    """Slow and readable: between- over shrunk within-artist scatter of the tracks' means."""
    from scipy.linalg import eigh

    from audiorec.models.discriminants import SHRINKAGE

    told, artists = planted
    x = np.stack([t.mean(axis=1, dtype=np.float64) for t in told])[:, :29]
    weight = np.repeat([(n * len(BLOCKS)) ** -0.5 for n in BLOCKS], BLOCKS)[:29]
    x = (x - x.mean(axis=0)) / x.std(axis=0) * weight
    names = np.array(artists)
    centroids = np.stack([x[names == a].mean(axis=0) for a in dict.fromkeys(artists)])
    off = x - np.repeat(centroids, 4, axis=0)
    within = off.T @ off / (len(x) - len(centroids))
    within = (1 - SHRINKAGE) * within + SHRINKAGE * np.trace(within) / 29 * np.eye(29)
    _, directions = eigh(centroids.T @ centroids / len(centroids), within)
    expected = x @ directions[:, -1]
    found = said(learned(told, artists, n=1), told)[:, 0]
    assert abs(np.corrcoef(expected, found)[0, 1]) > 0.999


def test_more_directions_than_artists_say_nothing(planted):
    told, artists = planted
    few = learned(told[:16], artists[:16], n=8)  # four artists: three directions
    assert said(few, told).shape == (len(told), 8)
    assert (few.weights.numpy()[:, 3:] == 0).all() and (few.weights.numpy()[:, :3] != 0).any()


def test_the_order_of_the_tracks_does_not_matter(planted):
    told, artists = planted
    order = np.random.default_rng(1).permutation(len(told))
    other = learned([told[i] for i in order], [artists[i] for i in order])
    out, again = said(learned(told, artists), told), said(other, told)
    np.testing.assert_allclose(np.abs(out), np.abs(again), atol=1e-3)


def test_artists_with_one_track_each_teach_nothing(planted):
    told, _ = planted
    with pytest.raises(TrainingError, match="discriminants=2 are learned from artists with"):
        learned(told, [str(n) for n in range(len(told))])
