"""What a musician would tell: loudness in plain numpy, and what the bands are."""

import numpy as np
import pytest
import scipy.stats
import torch

from audiorec.audio.config import MelConfig
from audiorec.audio.mel_scale import band_edges
from audiorec.models.config import ModelConfig
from audiorec.models.described import Described
from audiorec.models.musical import LAGS, QUANTILES, Musical
from audiorec.models.predict import InputScale

MEL = MelConfig(n_mels=16, sr=16000, hop_length=400, n_fft=1024)
SCALE = InputScale(np.linspace(-40, -20, 16, dtype="f4"), np.linspace(5, 12, 16, dtype="f4"))
N_LEVELS = 4 * 16 + 3 + 2 * len(QUANTILES) + 2
RISES = slice(N_LEVELS, N_LEVELS + 3 * len(LAGS) * 16)


def tuned(mel=MEL):
    musical = Musical(16)
    musical.tune(mel, scale=SCALE)
    return musical


def standardised(db):
    return torch.from_numpy(((db - SCALE.mean[:, None]) / SCALE.std[:, None]).astype("f4"))[None]


def noise(n_frames=120, seed=0):
    return np.random.default_rng(seed).normal(-30, 8, size=(16, n_frames))


def test_loudness_equals_its_twin():
    db = noise()
    edges = band_edges(MEL)
    power = 10 ** (db / 10) * (edges[2:] - edges[:-2])[:, None] / 2
    told = tuned()(standardised(db))[0].numpy()
    levels = 10 * np.log10([power.sum(axis=0).mean(), *power.mean(axis=1)])
    np.testing.assert_allclose(told[:17], levels, atol=1e-2)
    frames = np.sort(10 * np.log10(power.sum(axis=0)))
    ranks = np.round(np.array(QUANTILES) * (len(frames) - 1)).astype(int)
    np.testing.assert_allclose(told[67:77], frames[ranks], atol=1e-2)


def test_rises_equal_their_twin():
    db = noise() ** 2 / 30
    x = standardised(db)[0].numpy()
    told = tuned()(standardised(db))[0].numpy()[RISES]
    for number, lag in enumerate(LAGS):
        change = x[:, lag:] - x[:, :-lag]
        skewness, size, upwards = told[number * 48 : (number + 1) * 48].reshape(3, 16)
        np.testing.assert_allclose(
            size, np.log(np.sqrt((change**2).mean(axis=1)) + 1e-2), atol=1e-3
        )
        np.testing.assert_allclose(upwards, np.maximum(change, 0).mean(axis=1), atol=1e-3)
        about_zero = scipy.stats.moment(change, order=3, axis=1, center=0)
        np.testing.assert_allclose(skewness, about_zero / np.exp(3 * size), atol=1e-2)


def test_strokes_that_die_away_rise_at_once():
    """Set in at once, die away slowly; and the same backwards."""
    strokes = np.tile(np.linspace(0, -30, 20), 6)[None].repeat(16, axis=0)
    forwards, backwards = (
        tuned()(standardised(db))[0, RISES][:16] for db in (strokes, strokes[:, ::-1])
    )
    assert (forwards > 1).all()
    assert (backwards < -1).all()


def test_louder_is_only_louder():
    quiet, loud = (tuned()(standardised(noise() + gain))[0].numpy() for gain in (0, 6))
    np.testing.assert_allclose(loud[:17] - quiet[:17], 6, atol=1e-2)
    np.testing.assert_allclose(loud[17:67], quiet[17:67], atol=1e-2)  # balance, peaks, usual
    np.testing.assert_allclose(loud[RISES], quiet[RISES], rtol=1e-3, atol=1e-2)


def test_another_compression_is_the_same_sound():
    db = noise()
    squeezed = MEL.model_copy(update={"compression": "log10"})
    first = tuned()(standardised(db))
    x = standardised(np.log10(1 + 10_000 * 10 ** (db / 10)))
    second = tuned(squeezed)(x)
    np.testing.assert_allclose(second[0, :67], first[0, :67], atol=0.1)


@pytest.mark.parametrize("n_frames", [16, 17, 431])
@pytest.mark.parametrize("n_mels", [4, 12, 128])
def test_as_many_numbers_as_it_says(n_mels, n_frames):
    musical = Musical(n_mels)
    for x in (torch.randn(3, n_mels, n_frames), torch.zeros(1, n_mels, n_frames)):
        told = musical(x)
        assert told.shape == (len(x), musical.size)
        assert told.isfinite().all()


def test_the_network_keeps_what_the_bands_are():
    config = ModelConfig(architecture="described", words=0, hidden=8)
    network = Described(config, 16, 4)
    network.learn([[noise().astype("f2")]], scale=SCALE, seed=0, mel=MEL)
    again = Described(config, 16, 4)
    x = torch.randn(2, 16, 60)
    assert not torch.equal(again.ear(x), network.ear(x))
    again.load_state_dict(network.state_dict())
    assert torch.equal(again.ear(x), network.ear(x))
    plain = Described(config.model_copy(update={"musical": False}), 16, 4)
    assert plain.ear.size == network.ear.size - Musical(16).size
