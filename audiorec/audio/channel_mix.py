"""Mixing of channels to mono."""

from __future__ import annotations

import numpy as np

# Channels are compared every so many samples; a prime, so that no period hides from it.
MIX_STRIDE = 61
# Polarities are aligned where that gives so many times the power of the plain mean.
MIX_GAIN = 2.0


class ChannelMix:
    """Mono mix of channels: their mean, some with inverted polarity where they would cancel out.

    Attributes
    ----------
    signs : np.ndarray [shape=(n_channels,)], float32, or None
        Factor of each channel, 1 or -1; None leaves all of them as they are.
    """

    def __init__(self) -> None:
        self.signs: np.ndarray | None = None
        self._covariance: np.ndarray | None = None

    def __call__(self, block: np.ndarray, *, out: np.ndarray) -> None:
        """Mix a block [shape=(n, n_channels)], without BLAS and its threads."""
        channels = block.shape[1]
        if channels == 1:
            out[:] = block[:, 0]
            return
        if self.signs is not None and len(self.signs) == channels:
            block = block * self.signs
        else:
            self._compare(block[::MIX_STRIDE])
        np.add(block[:, 0], block[:, 1], out=out)
        for channel in range(2, channels):
            out += block[:, channel]
        out *= np.float32(1 / channels)

    def align(self) -> bool:
        """Invert channels where those mixed so far cancel out; return whether any changed."""
        covariance = self._covariance
        if covariance is None or self.signs is not None or not np.isfinite(covariance).all():
            return False
        leading = np.linalg.eigh(covariance)[1][:, -1]
        leading *= np.sign(leading[np.abs(leading).argmax()]) or 1.0
        signs = np.where(leading < 0, -1.0, 1.0)
        if signs[0] < 0:
            signs = -signs
        if signs @ covariance @ signs <= MIX_GAIN * covariance.sum():
            return False
        self.signs = signs.astype(np.float32)
        return True

    def _compare(self, block: np.ndarray) -> None:
        with np.errstate(over="ignore", invalid="ignore"):
            each = block.astype(np.float64)
            covariance = np.einsum("ni,nj->ij", each, each)
        known = self._covariance
        same = known is not None and known.shape == covariance.shape
        self._covariance = known + covariance if same else covariance
