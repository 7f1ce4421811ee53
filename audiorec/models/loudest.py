"""The loudest place of a filter along the bands, at a fraction of the convolution's work.

musicnn's front end convolves three seconds of spectrogram with 561 large filters and keeps, at
every frame, each filter's greatest value over the bands: 1.3 billion multiplications a window, all
but a few of whose results are thrown away at once. Two shapes of filter, two ways:

Tall ones (`TallFilters`) slide along the bands by products of Fourier transforms. With the middle
place as the origin, the value at place +m is C(m) + S(m) and at -m it is C(m) - S(m), where C is a
sum of cosines and S of sines; the greater of the two is C(m) + abs(S(m)). So half of the places
are transformed back, and nothing is computed twice: a quarter of the work.

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
BANDS = 24  # that long filters take at once
ROWS = 24  # frames that tall filters take at once


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
        loudest : Tensor [shape=(batch, filters, n_frames)]
        """
        n_frames = x.shape[2]
        steps = -(-n_frames // STEP)
        length = self.frames + STEP - 1
        before = (self.frames - 1) // 2
        padded = F.pad(x, (before, steps * STEP + self.frames - 1 - n_frames - before))
        loudest = [
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
        found = torch.stack(loudest).view(len(x), steps * STEP, self.filters)
        return found[:, :n_frames].transpose(1, 2)


class TallFilters:
    """Filters of many bands and a few frames, slid along the bands by Fourier transforms.

    Parameters
    ----------
    weight : Tensor [shape=(filters, bands, frames)]
    n_mels : int
        Bands of the spectrogram; the filters slide over ``n_mels - bands + 1`` places.
    """

    def __init__(self, weight: Tensor, *, n_mels: int) -> None:
        self.filters, bands, self.frames = weight.shape
        middle = (n_mels - bands) / 2
        bins = torch.arange(n_mels // 2 + 1, dtype=torch.float64)
        turn = 2 * math.pi * bins[:, None] / n_mels
        wave = turn * torch.arange(n_mels, dtype=torch.float64)
        self._transform = torch.cat([torch.cos(wave), -torch.sin(wave)]).float()
        # Correlation is a product with the filter's conjugate; the shift makes the middle place
        # the origin, and every bin but the first and the last stands for its mirror image too.
        phase = turn * (middle + torch.arange(bands, dtype=torch.float64))
        twice = torch.full_like(bins, 2.0)
        twice[0] = 1.0
        if n_mels % 2 == 0:
            twice[-1] = 1.0
        scale = (twice / n_mels)[:, None, None]
        taps = weight.double()
        real = torch.einsum("fjt,kj->ktf", taps, torch.cos(phase)) * scale
        imag = torch.einsum("fjt,kj->ktf", taps, torch.sin(phase)) * scale
        self._to_real = torch.cat([real, -imag], dim=1).float()
        self._to_imag = torch.cat([imag, real], dim=1).float()
        places = torch.arange(n_mels - bands + 1, dtype=torch.float64) - middle
        angle = places[places >= 0][:, None] * turn.T
        self._cosines = torch.cos(angle).float()
        self._sines = -torch.sin(angle).float()

    def __call__(self, x: Tensor) -> Tensor:
        """The greatest value over the places; see `LongFilters.__call__`."""
        batch, _, n_frames = x.shape
        before = (self.frames - 1) // 2
        spectrum = self._transform @ F.pad(x, (before, self.frames - 1 - before))
        parts = spectrum.unfold(2, self.frames, 1).unflatten(1, (2, -1))
        # [bins, batch * n_frames, real then imaginary part of each of the filter's frames]
        rows = parts.permute(2, 0, 3, 1, 4).reshape(parts.shape[2], batch * n_frames, -1)
        loudest = []
        # Each piece writes over the one before, which is still in the cache.
        product = rows.new_empty(len(rows), ROWS, self.filters)
        even = rows.new_empty(len(self._cosines), ROWS * self.filters)
        odd = torch.empty_like(even)
        for piece in rows.split(ROWS, dim=1):
            n = piece.shape[1]
            if n < ROWS:  # the last one
                product = rows.new_empty(len(rows), n, self.filters)
                even, odd = even[:, : n * self.filters], odd[:, : n * self.filters]
            torch.bmm(piece, self._to_real, out=product)
            torch.mm(self._cosines, product.flatten(1), out=even)
            torch.bmm(piece, self._to_imag, out=product)
            torch.mm(self._sines, product.flatten(1), out=odd)
            loudest.append(even.add_(odd.abs_()).amax(dim=0).view(n, self.filters))
        found = torch.cat(loudest).view(batch, n_frames, self.filters)
        return found.transpose(1, 2)
