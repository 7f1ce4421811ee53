"""A track's spectrogram as a PNG."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image


def draw_spectrogram(mels: list[np.ndarray]) -> bytes:
    """Draw spectrograms side by side as a PNG.

    Parameters
    ----------
    mels : list of np.ndarray [shape=(n_mels, n_frames)]
        Log-mel spectrograms of one track, dB.
    """
    from matplotlib import colormaps  # here: covers do not wait for it

    whole = np.concatenate([np.asarray(mel, dtype=np.float32) for mel in mels], axis=1)
    low, high = np.percentile(whole, [2, 99.8])
    level = np.clip((whole - low) / max(float(high - low), 1e-6), 0, 1)
    colours = (colormaps["magma"](np.arange(256))[:, :3] * 255).astype(np.uint8)
    pixels = colours[(np.flipud(level) * 255).astype(np.uint8)]
    image = Image.fromarray(pixels)
    if image.width > 1200:
        image = image.resize((1200, image.height), Image.Resampling.BOX)
    out = io.BytesIO()
    image.save(out, "PNG", optimize=False)
    return out.getvalue()
