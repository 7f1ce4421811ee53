"""The fixed descriptors against a twin in plain numpy, and on sounds of known rhythm."""

import itertools

import numpy as np
import pytest
import scipy.fft
import torch

from audiorec.models.descriptors import (
    FASTEST,
    FLOOR,
    N_CEPSTRA,
    N_MODULATIONS,
    SLOWEST,
    Descriptors,
    modulation_bins,
)


def slow(x):
    """Descriptors of one spectrogram [shape=(n_mels, n_frames)]."""
    n_mels, n_frames = x.shape
    change = x[:, 1:] - x[:, :-1]
    out = [*x.mean(1), *x.std(1, ddof=1), *abs(change).mean(1), *np.sqrt((change**2).mean(1))]
    cepstra = scipy.fft.dct(x, axis=0, norm="ortho")[:N_CEPSTRA]
    cepstra[0] *= np.sqrt(2)  # the orthonormal transform scales the first apart
    covariance = np.atleast_2d(np.cov(cepstra, ddof=0))
    for i in range(len(cepstra)):
        out += [np.sign(c) * np.sqrt(abs(c)) for c in covariance[i, i:]]
    n_fft = max(512, n_frames)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_frames) / n_frames)
    edges = np.geomspace(SLOWEST, FASTEST, N_MODULATIONS + 1)
    frequencies = np.fft.rfftfreq(n_fft)
    for group in range(n_mels // 4):
        level = x[4 * group : 4 * group + 4].mean(0)
        power = abs(np.fft.rfft((level - level.mean()) * hann, n_fft)) ** 2 / n_frames
        for low, high in itertools.pairwise([*edges[:-1], 1]):
            inside = (frequencies > low) & (frequencies <= high)
            out.append(np.log(power[inside].mean() + FLOOR))
    return np.array(out)


@pytest.mark.parametrize(("n_mels", "n_frames"), [(8, 40), (32, 129), (32, 700)])
def test_equal_their_twin(n_mels, n_frames):
    x = np.random.default_rng(0).normal(size=(3, n_mels, n_frames))
    descriptors = Descriptors(n_mels)
    found = descriptors(torch.from_numpy(x).float()).numpy()
    assert found.shape == (3, descriptors.size)
    np.testing.assert_allclose(found, [slow(one) for one in x], atol=2e-3)


@pytest.mark.parametrize("n_mels", [4, 5, 15, 128])
def test_any_number_of_bands(n_mels):
    descriptors = Descriptors(n_mels)
    assert descriptors(torch.randn(2, n_mels, 16)).shape == (2, descriptors.size)


def test_every_modulation_bin_averages_some_frequency():
    np.testing.assert_allclose(modulation_bins(512).sum(0), 1, atol=1e-6)


@pytest.mark.parametrize("beats", [0.04, 0.1, 0.3])
def test_a_pulse_stands_out_at_its_own_speed(beats):
    x = torch.sin(2 * np.pi * beats * torch.arange(400.0)).expand(1, 4, 400)
    rhythm = Descriptors(4)(x)[0, -N_MODULATIONS:]
    edges = np.geomspace(SLOWEST, FASTEST, N_MODULATIONS + 1)
    assert int(rhythm.argmax()) == np.searchsorted(edges, beats) - 1


def test_a_shift_in_time_changes_little():
    x = torch.randn(1, 8, 900).cumsum(2) * 0.1
    first, later, other = (
        Descriptors(8)(part) for part in (x[..., :800], x[..., 8:808], torch.randn(1, 8, 800))
    )
    assert (first - later).norm() < 0.3 * (first - other).norm()


def test_silence_is_finite_and_no_gradient_flows():
    x = torch.zeros(2, 8, 30, requires_grad=True)
    found = Descriptors(8)(x)
    assert found.isfinite().all()
    assert not found.requires_grad
    assert list(Descriptors(8).state_dict()) == []


def test_the_same_in_mixed_precision():
    x = torch.randn(2, 8, 60)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = Descriptors(8)(x)
    assert torch.equal(mixed, Descriptors(8)(x))
