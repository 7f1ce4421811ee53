"""Fixed descriptors of a spectrogram: what a few thousand tracks cannot teach a network to see.

None changes when the sound is shifted in time, but for what enters and leaves at the ends.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

N_CEPSTRA = 24
BANDS_PER_GROUP = 4  # mel bands whose level is followed together
N_MODULATIONS = 16  # bins of modulation frequency, spaced evenly in its logarithm
SLOWEST, FASTEST = 0.01, 0.5  # cycles per frame
N_FFT = 512  # frames, at least: shorter inputs are padded, so that every bin has a frequency
FLOOR = 1e-3  # below it a modulation's power is noise


class Descriptors(nn.Module):
    """Level, change, timbre and rhythm of a spectrogram, without anything to learn.

    Takes [batch, n_mels, n_frames], standardised; gives [batch, size]:

    - of every band the mean, the deviation, and the mean and root mean square change from one
      frame to the next;
    - the covariance of the cepstral coefficients over time, square-rooted with its sign (Mandel &
      Ellis, "Song-level features and support vector machines for music classification", 2005);
    - the logarithm of the modulation power of groups of bands: how strongly they pulse, how fast
      (Pampalk, Rauber & Merkl, "Content-based organization and visualization of music archives",
      2002, call it fluctuation patterns).

    Parameters
    ----------
    n_mels : int

    Attributes
    ----------
    size : int
        Numbers in all.
    """

    dct: Tensor
    upper: Tensor

    def __init__(self, n_mels: int) -> None:
        super().__init__()
        n_cepstra = min(N_CEPSTRA, n_mels)
        order, band = torch.arange(n_cepstra)[:, None], torch.arange(n_mels)[None]
        dct = torch.cos(math.pi / n_mels * (band + 0.5) * order) * math.sqrt(2 / n_mels)
        # Not kept with the weights: they follow from the number of bands.
        self.register_buffer("dct", dct, persistent=False)
        self.register_buffer("upper", torch.triu_indices(n_cepstra, n_cepstra), persistent=False)
        self.n_groups = max(1, n_mels // BANDS_PER_GROUP)
        self.size = 4 * n_mels + self.upper.shape[1] + self.n_groups * N_MODULATIONS

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        with torch.autocast(x.device.type, enabled=False):  # half precision has no FFT, few digits
            x = x.float()
            change = x.diff(dim=2)
            levels = [x.mean(2), x.std(2), change.abs().mean(2), change.square().mean(2).sqrt()]
            return torch.cat([*levels, self._timbre(x), self._rhythm(x)], dim=1)

    def _timbre(self, x: Tensor) -> Tensor:
        cepstra = cepstra_of(x, dct=self.dct)
        covariance = cepstra @ cepstra.transpose(1, 2) / x.shape[2]
        return signed_root(covariance[:, self.upper[0], self.upper[1]])

    def _rhythm(self, x: Tensor) -> Tensor:
        n_frames = x.shape[2]
        level = F.adaptive_avg_pool2d(x, (self.n_groups, n_frames))
        level = level - level.mean(dim=2, keepdim=True)
        n_fft = max(N_FFT, n_frames)
        window = torch.hann_window(n_frames, device=x.device)
        power = torch.fft.rfft(level * window, n_fft).abs().square() / n_frames
        return (power @ modulation_bins(n_fft).to(x.device) + FLOOR).log().flatten(1)


def cepstra_of(x: Tensor, *, dct: Tensor) -> Tensor:
    """Cepstral coefficients over time, less their means : [shape=(batch, n_cepstra, n_frames)]."""
    cepstra = dct @ x
    return cepstra - cepstra.mean(dim=2, keepdim=True)


def signed_root(x: Tensor) -> Tensor:
    """The square root of the size of a number, with its sign."""
    return x.sign() * x.abs().sqrt()


def modulation_bins(n_fft: int) -> Tensor:
    """Which modulation frequencies each bin averages.

    Parameters
    ----------
    n_fft : int
        Frames of the Fourier transform over time.

    Returns
    -------
    weights : Tensor [shape=(n_fft // 2 + 1, N_MODULATIONS)]
        Each column sums to 1.
    """
    edges = np.geomspace(SLOWEST, FASTEST, N_MODULATIONS + 1)
    edges[-1] = np.inf  # the fastest there is lies on the edge: rounding must not shut it out
    number = np.searchsorted(edges, np.fft.rfftfreq(n_fft)) - 1
    weights = (number[:, None] == np.arange(N_MODULATIONS)).astype(np.float32)
    return torch.from_numpy(weights / np.maximum(weights.sum(axis=0), 1))
