"""Fixed statistics of a spectrogram: level, change, timbre and rhythm, without training.

A baseline for trained networks.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from audiorec.audio import MelConfig
from audiorec.models.encoders.base import Encoder

N_MFCC = 24
BANDS_PER_GROUP = 4  # mel bands whose level is averaged
N_MODULATIONS = 16  # bins of modulation frequency, spaced evenly in its logarithm
SLOWEST, FASTEST = 0.01, 0.5  # cycles per frame
N_FFT = 512  # frames, at least: shorter inputs are padded, so that every bin has a frequency
FLOOR = 1e-3  # modulation power below this is noise
# Typical mean and deviation of log-mel values, by compression: they scale `FLOOR`.
LEVELS = {"db": (-40.0, 15.0), "log10": (1.0, 1.0)}


class SpectrogramStatistics(Encoder):
    """Features of a whole clip:

    - ``mel``: of every band the mean, the deviation, and the mean and root mean square change from
      one frame to the next;
    - ``mfcc``: the covariance of the cepstral coefficients over time, square-rooted with its sign
      (Mandel & Ellis, "Song-level features and support vector machines for music classification",
      2005);
    - ``rhythm``: the logarithm of the modulation power of groups of bands: the strength and rate of
    their pulse (Pampalk, Rauber & Merkl, "Content-based organization and visualization of music
    archives", 2002, call it fluctuation patterns).

    Parameters
    ----------
    mel : MelConfig
    """

    dct: Tensor
    upper: Tensor
    level: Tensor

    def __init__(self, mel: MelConfig) -> None:
        super().__init__()
        n_mels = mel.n_mels
        n_mfcc = min(N_MFCC, n_mels)
        order, band = torch.arange(n_mfcc)[:, None], torch.arange(n_mels)[None]
        dct = torch.cos(math.pi / n_mels * (band + 0.5) * order) * math.sqrt(2 / n_mels)
        # Not stored with a model: they follow from the mel settings.
        self.register_buffer("dct", dct, persistent=False)
        self.register_buffer("upper", torch.triu_indices(n_mfcc, n_mfcc), persistent=False)
        self.register_buffer("level", torch.tensor(LEVELS[mel.compression]), persistent=False)
        self.n_groups = max(1, n_mels // BANDS_PER_GROUP)
        self.blocks = {
            "mel": 4 * n_mels,
            "mfcc": self.upper.shape[1],
            "rhythm": self.n_groups * N_MODULATIONS,
        }

    @torch.no_grad()
    def forward(self, mel: Tensor) -> Tensor:
        """See `Encoder`."""
        x = (mel.float() - self.level[0]) / self.level[1]
        change = x.diff(dim=2)
        levels = [x.mean(2), x.std(2), change.abs().mean(2), change.square().mean(2).sqrt()]
        return torch.cat([*levels, self._timbre(x), self._rhythm(x)], dim=1)

    def _timbre(self, x: Tensor) -> Tensor:
        mfcc = self.dct @ x
        mfcc = mfcc - mfcc.mean(dim=2, keepdim=True)
        covariance = mfcc @ mfcc.transpose(1, 2) / x.shape[2]
        values = covariance[:, self.upper[0], self.upper[1]]
        return values.sign() * values.abs().sqrt()

    def _rhythm(self, x: Tensor) -> Tensor:
        n_frames = x.shape[2]
        level = F.adaptive_avg_pool2d(x, (self.n_groups, n_frames))
        level = level - level.mean(dim=2, keepdim=True)
        n_fft = max(N_FFT, n_frames)
        window = torch.hann_window(n_frames, device=x.device)
        power = torch.fft.rfft(level * window, n_fft).abs().square() / n_frames
        return (power @ modulation_bins(n_fft).to(x.device) + FLOOR).log().flatten(1)


def modulation_bins(n_fft: int) -> Tensor:
    """Weights by which bins average modulation frequencies.

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
    edges[-1] = np.inf  # the highest frequency is on the edge: rounding must not exclude it
    number = np.searchsorted(edges, np.fft.rfftfreq(n_fft)) - 1
    weights = (number[:, None] == np.arange(N_MODULATIONS)).astype(np.float32)
    return torch.from_numpy(weights / np.maximum(weights.sum(axis=0), 1))
