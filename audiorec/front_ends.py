"""The pretrained encoders by name, and the spectrograms that they were taught on."""

from __future__ import annotations

from typing import Any, Literal

EncoderName = Literal["cnn", "musicnn", "musicnn-msd", "musicnn-mtt", "vgg-msd", "vgg-mtt"]

MUSICNN_FRONT_END: dict[str, Any] = {
    "sr": 16000,
    "n_fft": 512,
    "hop_length": 256,
    "n_mels": 96,
    "fmin": 0.0,
    "fmax": None,
    "pad_mode": "reflect",
    "compression": "log10",
}
"""The mel settings that decide a spectrogram's values (Pons & Serra 2019)."""

FRONT_ENDS: dict[str, dict[str, Any]] = dict.fromkeys(
    ("musicnn", "musicnn-msd", "musicnn-mtt", "vgg-msd", "vgg-mtt"), MUSICNN_FRONT_END
)
"""By the name of the encoder, for those whose spectrograms are fixed."""
