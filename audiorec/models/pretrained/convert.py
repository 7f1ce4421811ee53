"""Conversion of published TensorFlow variables to weights of `audiorec.models.encoders.musicnn`.

TensorFlow stores a convolution's kernel as [frames, bands, n_in, n_out] and numbers its layers in
the order of their creation; batch normalisation has four arrays, which reduce to a scale and a
shift with fixed statistics.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from audiorec.models.pretrained.registry import EPSILON, RHYTHM, TIMBRE

Arrays = Mapping[str, np.ndarray]


def convert(arrays: Arrays, *, architecture: str) -> dict[str, np.ndarray]:
    """Convert weights of a network, by their names in torch.

    Parameters
    ----------
    arrays : mapping of str to np.ndarray
        Variables of the checkpoint; those of the optimiser are ignored.
    architecture : {"musicnn", "vgg"}

    Returns
    -------
    weights : dict of str to np.ndarray, float32
    """
    weights = (_musicnn if architecture == "musicnn" else _vgg)(arrays)
    return {name: np.ascontiguousarray(values) for name, values in weights.items()}


def _musicnn(arrays: Arrays) -> dict[str, np.ndarray]:
    weights = _norm(arrays, 0, "input_norm")
    fronts = [f"timbre.{i}" for i in range(len(TIMBRE))]
    fronts += [f"rhythm.{i}" for i in range(len(RHYTHM))]
    for number, name in enumerate(fronts):
        weights |= _conv(arrays, _numbered("conv2d", number), f"{name}.conv")
        weights |= _norm(arrays, number + 1, f"{name}.norm")
    for layer in range(3):
        number = len(fronts) + layer
        conv = _conv(arrays, _numbered("conv2d", number), f"middle.{layer}.conv")
        # x  # [n_out, 1, channels, frames]: TensorFlow's bands are channels here
        conv[f"middle.{layer}.conv.weight"] = conv[f"middle.{layer}.conv.weight"][:, 0]
        weights |= conv | _norm(arrays, number + 1, f"middle.{layer}.norm")
    number = len(fronts) + 4
    pooled = _norm(arrays, number, "pool_norm")
    weights |= {name: _apart(values) for name, values in pooled.items()}
    weights |= _norm(arrays, number + 1, "dense_norm")
    weights["dense.weight"] = _apart(arrays["dense/kernel"]).T
    weights["dense.bias"] = arrays["dense/bias"]
    weights["output.weight"] = arrays["dense_1/kernel"].T
    weights["output.bias"] = arrays["dense_1/bias"]
    return weights


def _vgg(arrays: Arrays) -> dict[str, np.ndarray]:
    weights = _norm(arrays, 0, "input_norm")
    for layer in range(5):
        weights |= _conv(arrays, f"{layer + 1}CNN", f"convs.{layer}")
        weights |= _norm(arrays, layer + 1, f"norms.{layer}")
    weights["output.weight"] = arrays["dense/kernel"].T
    weights["output.bias"] = arrays["dense/bias"]
    return weights


def _conv(arrays: Arrays, source: str, target: str) -> dict[str, np.ndarray]:
    """Transpose a kernel [frames, bands, n_in, n_out] to [n_out, n_in, bands, frames]."""
    return {
        f"{target}.weight": arrays[f"{source}/kernel"].transpose(3, 2, 1, 0),
        f"{target}.bias": arrays[f"{source}/bias"],
    }


def _norm(arrays: Arrays, number: int, target: str) -> dict[str, np.ndarray]:
    """Scale and shift of a batch normalisation, computed in double precision."""
    source = _numbered("batch_normalization", number)
    gamma, beta, mean, variance = (
        arrays[f"{source}/{part}"].astype(np.float64)
        for part in ("gamma", "beta", "moving_mean", "moving_variance")
    )
    scale = gamma / np.sqrt(variance + EPSILON)
    return {
        f"{target}.scale": scale.astype(np.float32),
        f"{target}.shift": (beta - mean * scale).astype(np.float32),
    }


def _apart(values: np.ndarray) -> np.ndarray:
    """Reorder rows that alternate between maximum and mean of each channel: all maxima first."""
    return np.concatenate([values[0::2], values[1::2]])


def _numbered(name: str, number: int) -> str:
    """TensorFlow's name of the layer with a number."""
    return f"{name}_{number}" if number else name
