"""A network whose ear is not taught by listeners: fixed descriptors and a dictionary of sounds.

What listeners teach is only what to make of them. So few tracks have listeners that a network
which must learn to hear from these alone learns them by heart; descriptors need no teaching, and a
dictionary is found in any music, heard by somebody or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from audiorec.audio.config import MelConfig
from audiorec.models.config import ModelConfig
from audiorec.models.descriptors import Descriptors, cepstra_of, signed_root
from audiorec.models.dictionary import Dictionary
from audiorec.models.discriminants import Discriminants
from audiorec.models.kernel import KernelRidge
from audiorec.models.musical import Musical
from audiorec.models.predict import InputScale

LAGS = (1, 4, 16)  # frames over which a change of timbre is looked at
PATCH = 256  # frames of a patch whose modulations are looked at
N_SPECTRAL = 32  # modulations over frequency, upwards and downwards each
N_TEMPORAL = 16  # ranges of modulations over time, beside the standing one
FLOOR = 1e-2  # below it a modulation's power is noise
N_DISCRIMINANTS = 200  # that tracks are compared by, where heads hear none
FARTHEST = 5.0  # deviations from the mean beyond which a descriptor is not followed


class Ear(nn.Module):
    """All that is told of a spectrogram before any listener is asked.

    Takes [batch, n_mels, n_frames], standardised; gives [batch, size]: `Descriptors`; the
    covariance of the changes of the cepstral coefficients over each of `LAGS`, square-rooted with
    its sign, and their skewness and kurtosis; the logarithm of the power of two-dimensional
    modulations, over time and frequency at once (Bertin-Mahieux & Ellis, "Large-scale cover song
    recognition using the 2D Fourier transform magnitude", ISMIR 2012, use them of chroma); a
    `Dictionary`; and `Musical`.
    """

    def __init__(self, n_mels: int, n_words: int, *, musical: bool = False) -> None:
        super().__init__()
        self.descriptors = Descriptors(n_mels)
        self.dictionary = Dictionary(n_mels, n_words) if n_words else None
        n_cepstra = self.descriptors.dct.shape[0]
        n_changes = len(LAGS) * self.descriptors.upper.shape[1] + 2 * n_cepstra
        n_spectral = min(n_mels, 2 * N_SPECTRAL)
        self.musical = Musical(n_mels) if musical else None
        self.blocks = (
            self.descriptors.size,
            n_changes,
            n_spectral * (1 + N_TEMPORAL),
            *([] if self.dictionary is None else [self.dictionary.size]),
            *([] if self.musical is None else self.musical.blocks),
        )
        self.size = sum(self.blocks)

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        with torch.autocast(x.device.type, enabled=False):
            x = x.float()
            told = [self.descriptors(x), self._changes(x), modulations(x)]
            if self.dictionary is not None:
                told.append(self.dictionary(x))
            if self.musical is not None:
                told.append(self.musical(x))
            return torch.cat(told, dim=1)

    def _changes(self, x: Tensor) -> Tensor:
        cepstra = cepstra_of(x, dct=self.descriptors.dct)
        upper = self.descriptors.upper
        told = []
        for frames in LAGS:
            lag = min(frames, x.shape[2] - 1)
            change = cepstra[:, :, lag:] - cepstra[:, :, : x.shape[2] - lag]
            covariance = change @ change.transpose(1, 2) / change.shape[2]
            told.append(signed_root(covariance[:, upper[0], upper[1]]))
        deviation = cepstra.std(dim=2) + 1e-3
        told.append(cepstra.pow(3).mean(dim=2) / deviation.pow(3))
        told.append((cepstra.pow(4).mean(dim=2) / deviation.pow(4)).clamp(max=20))
        return torch.cat(told, dim=1)


def modulations(x: Tensor) -> Tensor:
    """Logarithm of the power of modulations over time and frequency, mean over patches.

    Parameters
    ----------
    x : Tensor [shape=(batch, n_mels, n_frames)]

    Returns
    -------
    modulations : Tensor [shape=(batch, min(n_mels, 2 * N_SPECTRAL) * (1 + N_TEMPORAL))]
    """
    x = F.pad(x, (0, max(0, PATCH - x.shape[2])))
    patches = x.unfold(2, PATCH, PATCH // 2).permute(0, 2, 1, 3)
    patches = patches - patches.mean(dim=(2, 3), keepdim=True)
    n_mels = x.shape[1]
    window = torch.hann_window(n_mels, device=x.device)[:, None]
    window = window * torch.hann_window(PATCH, device=x.device)
    power = torch.fft.rfft2(patches * window).abs().square().mean(dim=1)
    if n_mels > 2 * N_SPECTRAL:
        power = torch.cat([power[:, :N_SPECTRAL], power[:, -N_SPECTRAL:]], dim=1)
    edges = np.round(np.geomspace(1, power.shape[2], N_TEMPORAL + 1)).astype(int)
    edges = np.maximum(edges, np.arange(1, N_TEMPORAL + 2))  # no range is empty
    ranges = [power[:, :, a:b].mean(dim=2) for a, b in pairwise(edges)]
    return (torch.stack([power[:, :, 0], *ranges], dim=2) + FLOOR).log().flatten(1)


class Described(nn.Module):
    """An `Ear`, and a committee of heads of one hidden layer each, which learn from listeners.

    Between them there may be `Discriminants`, which artists teach. With `ModelConfig.landmarks`
    one more of the committee is no network: a `KernelRidge` that compares tracks by discriminants.

    Each head is stopped by other artists, so that together they learn from all, and what one of
    them learned by heart the others outvote (Breiman, "Bagging predictors", 1996).

    Parameters
    ----------
    config : ModelConfig
    n_mels, n_outputs : int
    """

    centre: Tensor
    spread: Tensor

    def __init__(self, config: ModelConfig, n_mels: int, n_outputs: int) -> None:
        super().__init__()
        self.ear = Ear(n_mels, config.words, musical=config.musical)
        self.discriminants: Discriminants | None = None
        if config.discriminants:
            self.discriminants = Discriminants(self.ear.blocks, config.discriminants)
        size = config.discriminants or self.ear.size
        self.register_buffer("centre", torch.zeros(size))
        self.register_buffer("spread", torch.ones(size))
        heads = (described_head(config, size, n_outputs) for _ in range(config.heads))
        self.heads = nn.ModuleList(heads)
        self.likeness: Likeness | None = None
        if config.landmarks:
            own = None if config.discriminants else self.ear.blocks
            n_compared = config.discriminants or N_DISCRIMINANTS
            kernel = KernelRidge(n_compared, config.landmarks, n_outputs)
            self.likeness = Likeness(kernel, own)

    def forward(self, x: Tensor) -> Tensor:
        """From standardised log-mel [batch, n_mels, n_frames] to [batch, n_outputs]."""
        told = self.ear(x)
        if self.discriminants is not None:
            told = self.discriminants(told)
        scaled = ((told - self.centre) / self.spread)[:, :, None]
        said = torch.stack([head(scaled) for head in self.heads])
        if self.likeness is None:
            return said.mean(dim=0)
        speaks = self.likeness.kernel.speaks
        return (said.sum(dim=0) + speaks * self.likeness(told)) / (len(said) + speaks)

    def learn(
        self,
        clips: Sequence[Sequence[np.ndarray]],
        *,
        scale: InputScale,
        seed: int,
        mel: MelConfig | None = None,
    ) -> None:
        """Learn what needs no listeners from the clips of tracks; see `Dictionary.learn`.

        `mel` tells what the spectrograms are, where they are not the usual ones.
        """
        if self.ear.musical is not None:
            mel = mel or MelConfig(n_mels=len(scale.mean))
            self.ear.musical.tune(mel, scale=scale)
        if self.ear.dictionary is not None:
            self.ear.dictionary.learn(clips, scale=scale, seed=seed)

    def bring_to_scale(self, scale: InputScale) -> None:
        """Take the mean and deviation of what the ear tells of the training tracks."""
        with torch.no_grad():
            self.centre.copy_(torch.from_numpy(scale.mean))
            self.spread.copy_(torch.from_numpy(scale.std))


class Likeness(nn.Module):
    """`KernelRidge` on `Discriminants`, of its own unless what it is told is such already.

    What it says is of length 1, as long as what heads that learned directions say on average.

    Parameters
    ----------
    kernel : KernelRidge
    blocks : sequence of int, or None
        Of what is told, see `Discriminants`; None where it is placed already.
    """

    def __init__(self, kernel: KernelRidge, blocks: Sequence[int] | None) -> None:
        super().__init__()
        self.kernel = kernel
        size = kernel.landmarks.shape[1]
        self.discriminants = None if blocks is None else Discriminants(blocks, size)

    def forward(self, told: Tensor) -> Tensor:
        """From what is told [batch, size] to [batch, n_outputs]."""
        placed = told if self.discriminants is None else self.discriminants(told)
        return F.normalize(self.kernel(placed), dim=1)


def lengthen(head: nn.Sequential, factor: float) -> None:
    """Multiply what a head says by `factor`."""
    last = head[-1]
    assert isinstance(last, nn.Linear)
    with torch.no_grad():
        last.weight.mul_(factor)
        last.bias.mul_(factor)


class Follow(nn.Module):
    """Follow a descriptor only so far: beyond `FARTHEST` deviations it says no more."""

    def forward(self, x: Tensor) -> Tensor:
        """The same shape, every value within the bounds."""
        return x.flatten(1).clamp(-FARTHEST, FARTHEST)


def described_head(config: ModelConfig, n_inputs: int, n_outputs: int) -> nn.Sequential:
    """One hidden layer. Takes [batch, n_inputs, 1], standardised; gives [batch, n_outputs]."""
    # Discriminants are as long as what they say is worth.
    first = [nn.Flatten()] if config.discriminants else [Follow(), nn.BatchNorm1d(n_inputs)]
    return nn.Sequential(
        *first,
        nn.Dropout(config.dropout),
        nn.Linear(n_inputs, config.hidden),
        nn.ReLU(),
        nn.Dropout(config.dropout),
        nn.Linear(config.hidden, n_outputs),
    )
