"""Short sounds that recur in a catalogue, found without any listening: a learned convolution.

Coates & Ng, "Learning feature representations with k-means", 2012, for images; Dieleman &
Schrauwen, "Multiscale approaches to music audio feature learning", ISMIR 2013, for spectrograms.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from audiorec.models.predict import InputScale

WIDTH = 4  # frames of a patch
STRIDE = 2  # frames from one patch to the next
N_COMPONENTS = 160  # of the whitened patches
WHITENING = 0.1  # of the mean variance is added to every component's, lest noise be blown up
N_PATCHES = 60_000  # that the dictionary is learned from


class Dictionary(nn.Module):
    """How much of each of its sounds a clip holds.

    Takes [batch, n_mels, n_frames], standardised; gives [batch, 2 * n_words]: the mean and the
    root mean square over time of every word's activation. A patch is whitened and scaled to length
    1; a word is active by how far the cosine with it exceeds what the other words come to: their
    mean and one deviation.

    Parameters
    ----------
    n_mels, n_words : int

    Attributes
    ----------
    size : int
        Numbers in all.
    """

    whitening: Tensor
    centre: Tensor
    words: Tensor

    def __init__(self, n_mels: int, n_words: int) -> None:
        super().__init__()
        n_components = min(N_COMPONENTS, n_mels * WIDTH)
        self.register_buffer("whitening", torch.zeros(n_components, n_mels, WIDTH))
        self.register_buffer("centre", torch.zeros(n_components))
        self.register_buffer("words", torch.zeros(n_words, n_components))
        self.size = 2 * n_words

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        with torch.autocast(x.device.type, enabled=False):
            whitened = F.conv1d(x.float(), self.whitening, -self.centre, stride=STRIDE)
            cosine = torch.einsum("wc,bct->bwt", self.words, F.normalize(whitened, dim=1))
            others = cosine.mean(dim=1, keepdim=True) + cosine.std(dim=1, keepdim=True)
            active = torch.relu(cosine - others)
            return torch.cat([active.mean(2), active.square().mean(2).sqrt()], dim=1)

    def learn(self, clips: Sequence[Sequence[np.ndarray]], *, scale: InputScale, seed: int) -> None:
        """Find the words: spherical k-means over whitened patches of every track alike.

        Parameters
        ----------
        clips : sequence of sequence of np.ndarray [shape=(n_mels, n_frames)], dB
            Of each track.
        scale : InputScale
        seed : int
        """
        from sklearn.cluster import MiniBatchKMeans
        from threadpoolctl import threadpool_limits

        rng = np.random.default_rng([seed, 11])
        per_track = -(-N_PATCHES // len(clips))
        patches = np.concatenate([_patches(c, per_track, scale=scale, rng=rng) for c in clips])
        # One thread, so that the last bits do not depend on how many there are.
        with threadpool_limits(limits=1):
            mean = patches.mean(axis=0)
            values, vectors = np.linalg.eigh(np.cov(patches.T))
            kept = np.argsort(values)[::-1][: len(self.centre)]
            deviation = np.sqrt(np.maximum(values[kept], 0) + WHITENING * values[kept].mean())
            whitening = (vectors[:, kept] / deviation).astype(np.float32)
            whitened = (patches - mean) @ whitening
            whitened /= np.maximum(np.linalg.norm(whitened, axis=1, keepdims=True), 1e-6)
            n_words = min(len(self.words), len(whitened))
            found = MiniBatchKMeans(n_words, batch_size=4096, n_init=1, random_state=seed)
            words = found.fit(whitened).cluster_centers_.astype(np.float32)
        words /= np.maximum(np.linalg.norm(words, axis=1, keepdims=True), 1e-6)
        with torch.no_grad():
            self.whitening.copy_(torch.from_numpy(whitening.T.copy()).view_as(self.whitening))
            self.centre.copy_(torch.from_numpy((mean @ whitening).astype(np.float32)))
            self.words[:n_words].copy_(torch.from_numpy(words))


def _patches(
    clips: Sequence[np.ndarray], count: int, *, scale: InputScale, rng: np.random.Generator
) -> np.ndarray:
    """Random patches of a track : np.ndarray [shape=(n, n_mels * WIDTH)], float32."""
    clip = clips[int(rng.integers(len(clips)))]
    starts = rng.integers(0, max(1, clip.shape[1] - WIDTH + 1), count)
    frames = (starts[:, None] + np.arange(WIDTH)) % clip.shape[1]
    found = clip[:, frames].astype(np.float32)  # n_mels, count, WIDTH
    found = (found - scale.mean[:, None, None]) / scale.std[:, None, None]
    return found.transpose(1, 0, 2).reshape(count, -1)
