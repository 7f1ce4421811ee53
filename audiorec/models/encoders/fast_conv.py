"""Convolution and maximum over the bands, at a fraction of the convolution's work, on a CPU.

musicnn's front end convolves three seconds of spectrogram with large filters and keeps, at every
frame, each filter's greatest value over the bands: nearly all results are thrown away at once. Two
shapes of filter, two ways:

Tall ones (`TallFilters`) slide along the bands by products of Fourier transforms. With the middle
position as the origin, the value at position +m is C(m) + S(m) and at -m it is C(m) - S(m), where C
is a sum of cosines and S of sines; the greater of the two is C(m) + abs(S(m)). So half of the
positions are transformed back, and nothing is computed twice: a quarter of the work.

Long ones (`LongFilters`) lie in one band each; there only the copying is saved, by taking several
frames at once.

Both work in pieces that stay in the processor's cache. On other devices the plain convolution is
the better choice; the tests compare.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

STEP = 8  # frames that long filters take at once
BANDS = 48  # that long filters take at once
VALUES = 2048  # filters times frames that tall filters take at once


class LongFilters:
    """Filters of one band and many frames, as one product of matrices per group of bands.

    Parameters
    ----------
    weight : Tensor [shape=(filters, frames)]
    """

    def __init__(self, weight: Tensor) -> None:
        self.filters, self.frames = weight.shape
        # A step's results are the filters against one segment, shifted by a frame each.
        shifted = weight.new_zeros(self.frames + STEP - 1, STEP, self.filters)
        for step in range(STEP):
            shifted[step : step + self.frames, step] = weight.T
        self._matrix = shifted.flatten(1)

    def __call__(self, x: Tensor) -> Tensor:
        """The greatest value over the bands.

        Parameters
        ----------
        x : Tensor [shape=(batch, n_mels, n_frames)]

        Returns
        -------
        greatest : Tensor [shape=(batch, filters, n_frames)]
        """
        n_frames = x.shape[2]
        steps = -(-n_frames // STEP)
        length = self.frames + STEP - 1
        before = (self.frames - 1) // 2
        padded = F.pad(x, (before, steps * STEP + self.frames - 1 - n_frames - before))
        greatest = [
            torch.stack(
                [
                    (group.unfold(1, length, STEP).reshape(-1, length) @ self._matrix)
                    .view(len(group), -1)
                    .amax(dim=0)
                    for group in window.split(BANDS)
                ]
            ).amax(dim=0)
            for window in padded
        ]
        maxima = torch.stack(greatest).view(len(x), steps * STEP, self.filters)
        return maxima[:, :n_frames].transpose(1, 2)


class TallFilters:
    """Filters of many bands and a few frames, slid along the bands by Fourier transforms.

    Parameters
    ----------
    weights : list of Tensor [shape=(filters, bands, frames)]
        One for each height; all of the same number of frames.
    n_mels : int
        Bands of the spectrogram; a filter slides over ``n_mels - bands + 1`` positions.
    """

    def __init__(self, weights: list[Tensor], *, n_mels: int) -> None:
        (self.frames,) = {weight.shape[2] for weight in weights}
        bins = torch.arange(n_mels // 2 + 1, dtype=torch.float64)
        wave = 2 * math.pi / n_mels * bins[:, None] * torch.arange(n_mels, dtype=torch.float64)
        self._transform = torch.cat([torch.cos(wave), -torch.sin(wave)]).float()
        self._banks = [_Bank(weight, n_mels=n_mels) for weight in weights if len(weight)]

    def __call__(self, x: Tensor) -> Tensor:
        """The greatest value over the positions, of all filters; see `LongFilters.__call__`."""
        batch, _, n_frames = x.shape
        if not self._banks:
            return x.new_empty(batch, 0, n_frames)
        before = (self.frames - 1) // 2
        spectrum = self._transform @ F.pad(x, (before, self.frames - 1 - before))
        parts = spectrum.unflatten(1, (2, -1)).permute(2, 1, 0, 3)  # bins, real or imaginary, batch
        # [bins, real then imaginary part of each of the filter's frames, batch * n_frames]
        rows = torch.stack([parts[..., t : t + n_frames] for t in range(self.frames)], dim=2)
        rows = rows.view(len(rows), 2 * self.frames, batch * n_frames)
        maxima = torch.cat([bank.greatest(rows) for bank in self._banks])
        return maxima.view(-1, batch, n_frames).transpose(0, 1)


class _Bank:
    """Tall filters of one height: their transforms, and the way back."""

    def __init__(self, weight: Tensor, *, n_mels: int) -> None:
        bands = weight.shape[1]
        middle = (n_mels - bands) / 2
        bins = torch.arange(n_mels // 2 + 1, dtype=torch.float64)
        turn = 2 * math.pi * bins[:, None] / n_mels
        # Correlation is a product with the filter's conjugate; the shift makes the middle position
        # the origin, and every bin but the first and the last stands for its mirror image too.
        phase = turn * (middle + torch.arange(bands, dtype=torch.float64))
        twice = torch.full_like(bins, 2.0)
        twice[0] = 1.0
        if n_mels % 2 == 0:
            twice[-1] = 1.0
        scale = (twice / n_mels)[:, None, None]
        taps = weight.double()
        real = torch.einsum("fjt,kj->kft", taps, torch.cos(phase)) * scale
        imag = torch.einsum("fjt,kj->kft", taps, torch.sin(phase)) * scale
        self._to_real = torch.cat([real, -imag], dim=2).float()
        self._to_imag = torch.cat([imag, real], dim=2).float()
        places = torch.arange(n_mels - bands + 1, dtype=torch.float64) - middle
        angle = places[places >= 0][:, None] * turn.T
        self._cosines = torch.cos(angle).float()
        self._sines = -torch.sin(angle).float()

    def greatest(self, rows: Tensor) -> Tensor:
        """From [shape=(bins, 2 * frames, n)] to [shape=(filters, n)]."""
        bins, filters, _ = self._to_real.shape
        at_once = max(1, VALUES // filters)
        greatest = []
        # Each piece writes over the one before, which is still in the cache.
        product = rows.new_empty(bins, filters, at_once)
        even = rows.new_empty(len(self._cosines), filters * at_once)
        odd = torch.empty_like(even)
        for piece in rows.split(at_once, dim=2):
            n = piece.shape[2]
            if n < at_once:  # the last one
                product = rows.new_empty(bins, filters, n)
                even, odd = even[:, : filters * n], odd[:, : filters * n]
            torch.bmm(self._to_real, piece, out=product)
            torch.mm(self._cosines, product.flatten(1), out=even)
            torch.bmm(self._to_imag, piece, out=product)
            torch.mm(self._sines, product.flatten(1), out=odd)
            greatest.append(even.add_(odd.abs_()).amax(dim=0).view(filters, n))
        return torch.cat(greatest, dim=1)
