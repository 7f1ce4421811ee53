"""What the described network hears: twins in plain numpy, and sounds planted in noise."""

from itertools import pairwise

import numpy as np
import pytest
import scipy.fft
import scipy.signal
import scipy.stats
import torch

from audiorec.models.config import ModelConfig
from audiorec.models.described import FLOOR, LAGS, N_TEMPORAL, PATCH, Described, Ear, modulations
from audiorec.models.dictionary import STRIDE, WIDTH, Dictionary
from audiorec.models.predict import InputScale

N_MELS = 12
PLAIN = InputScale(np.zeros(N_MELS, dtype=np.float32), np.ones(N_MELS, dtype=np.float32))
SOUNDS = np.random.default_rng(5).normal(size=(3, N_MELS, WIDTH)) * 6


def clip(sound, *, n_frames=80, seed=0):
    """Noise in which one of `SOUNDS` is struck again and again, at places of its own."""
    rng = np.random.default_rng(seed)
    mel = rng.normal(size=(N_MELS, n_frames))
    for start in range(int(rng.integers(4)), n_frames - WIDTH, 10):
        mel[:, start : start + WIDTH] += SOUNDS[sound]
    return mel.astype("f2")


def learned(n_words=16, seed=0):
    dictionary = Dictionary(N_MELS, n_words)
    dictionary.learn([[clip(n % 3, seed=n)] for n in range(60)], scale=PLAIN, seed=seed)
    return dictionary


def slow_words(dictionary, x):
    """Mean and root mean square activation of each word in one spectrogram."""
    whitening = dictionary.whitening.flatten(1).numpy()
    active = []
    for start in range(0, x.shape[1] - WIDTH + 1, STRIDE):
        patch = whitening @ x[:, start : start + WIDTH].reshape(-1) - dictionary.centre.numpy()
        cosine = dictionary.words.numpy() @ (patch / np.linalg.norm(patch))
        active.append(np.maximum(cosine - cosine.mean() - cosine.std(ddof=1), 0))
    return np.concatenate([np.mean(active, axis=0), np.sqrt(np.square(active).mean(axis=0))])


def test_words_equal_their_twin():
    dictionary = learned()
    x = np.stack([clip(n, seed=90 + n) for n in range(3)]).astype(np.float32)
    found = dictionary(torch.from_numpy(x)).numpy()
    assert found.shape == (3, dictionary.size)
    np.testing.assert_allclose(found, [slow_words(dictionary, one) for one in x], atol=1e-5)


def test_clips_of_one_sound_lie_together():
    dictionary = learned()
    sound = np.arange(30) % 3
    x = np.stack([clip(n % 3, seed=100 + n) for n in range(30)]).astype(np.float32)
    told = dictionary(torch.from_numpy(x)).numpy()
    told = (told - told.mean(0)) / (told.std(0) + 1e-6)
    means = np.stack([told[15:][sound[15:] == n].mean(axis=0) for n in range(3)])
    np.testing.assert_array_equal((told[:15] @ means.T).argmax(axis=1), sound[:15])


def test_the_seed_alone_decides_the_words():
    first, second, other = learned(), learned(), learned(seed=1)
    assert torch.equal(first.words, second.words)
    assert not torch.equal(first.words, other.words)
    assert (first.words.norm(dim=1) - 1).abs().max() < 1e-5


def test_fewer_patches_than_words():
    dictionary = Dictionary(N_MELS, 4096)
    dictionary.learn([[clip(0, n_frames=5)]] * 2, scale=PLAIN, seed=0)
    assert dictionary(torch.randn(1, N_MELS, 40)).isfinite().all()


def slow_modulations(x):
    n_mels, n_frames = x.shape
    window = np.outer(scipy.signal.windows.hann(n_mels, sym=False),
                      scipy.signal.windows.hann(PATCH, sym=False))  # fmt: skip
    powers = []
    for start in range(0, max(1, n_frames - PATCH + 1), PATCH // 2):
        patch = np.zeros((n_mels, PATCH))
        part = x[:, start : start + PATCH]
        patch[:, : part.shape[1]] = part
        powers.append(abs(scipy.fft.fft2((patch - patch.mean()) * window)) ** 2)
    power = np.mean(powers, axis=0)[:, : PATCH // 2 + 1]
    edges = [max(n + 1, round(e)) for n, e in enumerate(np.geomspace(1, 129, N_TEMPORAL + 1))]
    columns = [power[:, 0]] + [power[:, a:b].mean(axis=1) for a, b in pairwise(edges)]
    return np.log(np.stack(columns, axis=1) + FLOOR).ravel()


@pytest.mark.parametrize("n_frames", [40, 300, 700])
def test_modulations_equal_their_twin(n_frames):
    x = np.random.default_rng(1).normal(size=(2, N_MELS, n_frames))
    found = modulations(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(found, [slow_modulations(one) for one in x], rtol=1e-4, atol=1e-4)


def slow_changes(x):
    cepstra = scipy.fft.dct(x, axis=0, norm="ortho")
    cepstra[0] *= np.sqrt(2)  # the orthonormal transform scales the first apart
    cepstra = cepstra - cepstra.mean(axis=1, keepdims=True)
    out = []
    for lag in LAGS:
        change = cepstra[:, lag:] - cepstra[:, :-lag]
        covariance = change @ change.T / change.shape[1]
        for i in range(len(cepstra)):
            out += [np.sign(c) * np.sqrt(abs(c)) for c in covariance[i, i:]]
    return np.array([*out, *scipy.stats.skew(cepstra, axis=1), *scipy.stats.kurtosis(
        cepstra, axis=1, fisher=False)])  # fmt: skip


def test_changes_of_timbre_equal_their_twin():
    x = np.random.default_rng(2).normal(size=(2, N_MELS, 200)) ** 3
    ear = Ear(N_MELS, 0)
    start = ear.descriptors.size
    found = ear(torch.from_numpy(x))[:, start : -N_MELS * (1 + N_TEMPORAL)].numpy()
    np.testing.assert_allclose(found, [slow_changes(one) for one in x], rtol=0.03, atol=1e-2)


def test_the_ear_tells_as_many_numbers_as_it_says():
    for n_mels, n_words in ((12, 0), (12, 8), (128, 16)):
        ear = Ear(n_mels, n_words)
        assert ear(torch.randn(2, n_mels, 60)).shape == (2, ear.size)


def test_listeners_teach_the_head_alone():
    network = Described(ModelConfig(architecture="described", words=8, hidden=16), N_MELS, 4)
    network(torch.randn(8, N_MELS, 64)).square().sum().backward()
    taught = {name.split(".")[0] for name, p in network.named_parameters() if p.grad is not None}
    assert taught == {"heads"}


def test_what_compares_tracks_is_one_of_the_committee_once_it_has_learned():
    config = ModelConfig(words=0, hidden=16, heads=2, landmarks=10, dropout=0)
    network = Described(config, N_MELS, 4).eval()
    x = torch.randn(3, N_MELS, 64)
    with torch.no_grad():
        told = ((network.ear(x) - network.centre) / network.spread)[:, :, None]
        heads = sum(head(told) for head in network.heads)
        torch.testing.assert_close(network(x), heads / 2)
        network.likeness.kernel.offset.copy_(torch.tensor([3.0, 0, 4, 0]))
        network.likeness.kernel.speaks.fill_(1)
        said = torch.tensor([0.6, 0, 0.8, 0])
        torch.testing.assert_close(network(x), (heads + said) / 3)
