"""Settings of the model: its encoder and its head."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from audiorec.config_base import Section
from audiorec.models.encoder_names import FIXED_ENCODER, PRETRAINED_ENCODERS, EncoderName

MUSICNN_MEL: dict[str, Any] = {
    "sr": 16000,
    "n_fft": 512,
    "hop_length": 256,
    "n_mels": 96,
    "compression": "log10",
}
"""Mel settings that the pretrained encoders were trained on (Pons & Serra 2019)."""


class ModelConfig(Section):
    """An encoder (log-mel to features) and a head (features to factors).

    Attributes
    ----------
    encoder : str
        Trained from scratch: "cnn", compact, with batch normalisation; "dieleman2014";
        "vandenoord2013"; "shortchunk" (Won et al. 2020). Pretrained on tags: "musicnn" (its variant
        "musicnn-msd"), "musicnn-mtt", "vgg-msd" and "vgg-mtt"; they determine [mel] where it is not
        set. Fixed, a baseline: "spectrogram-statistics".
    target : {"factors", "content"}
        Output of the head: listeners' factors; or, for libraries without listening, the
        standardised features of a pretrained encoder.
    head : {"auto", "ridge", "mlp"}
        Ridge regression in closed form, for frozen encoders and as the start of fine-tuning; or
        dense layers, trained by the loss. Auto is ridge for pretrained and fixed encoders, else
        mlp.
    finetune : int
        Number of last layers of a pretrained encoder to fine-tune; at most all of them.
    channels : int
        Filters of each convolution of an encoder trained from scratch; of the first ones in
        shortchunk.
    hidden : int
        Units of each dense layer of an mlp.
    dropout : float
        Dropout rate of an mlp's units in training.
    """

    encoder: EncoderName = "cnn"
    target: Literal["factors", "content"] = "factors"
    head: Literal["auto", "ridge", "mlp"] = "auto"
    finetune: int = Field(default=0, ge=0, le=100)
    channels: int = Field(default=128, ge=4, le=4096)
    hidden: int = Field(default=512, ge=4, le=16384)
    dropout: float = Field(default=0.5, ge=0, lt=1)
    former: ClassVar[frozenset[str]] = frozenset(
        {"words", "musical", "discriminants", "heads", "landmarks"}
    )

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        if self.target == "content" and not self.pretrained:
            raise ValueError(
                f'target="content" needs a pretrained encoder, and "{self.encoder}" is none; '
                'write encoder = "musicnn"'
            )
        if self.finetune and not self.pretrained:
            raise ValueError(
                f'finetune={self.finetune} is for pretrained encoders, not for "{self.encoder}"; '
                'write encoder = "musicnn", or finetune = 0'
            )
        if self.finetune and self.target == "content":
            raise ValueError(
                f'finetune={self.finetune} learns from listeners; write target = "factors", or '
                "finetune = 0"
            )
        if self.head == "ridge" and not self.frozen and not self.pretrained:
            raise ValueError(
                f'head="ridge" is for encoders that stay as they are, and "{self.encoder}" is '
                'trained; write head = "mlp"'
            )
        return self

    @property
    def pretrained(self) -> bool:
        """Whether the encoder's weights were published by others."""
        return self.encoder in PRETRAINED_ENCODERS

    @property
    def frozen(self) -> bool:
        """Whether the encoder is not trained, so that its features are computed once."""
        return (self.pretrained and not self.finetune) or self.encoder == FIXED_ENCODER

    @property
    def linear(self) -> bool:
        """Whether the head is linear in the features."""
        return self.head == "ridge" or (
            self.head == "auto" and (self.pretrained or self.encoder == FIXED_ENCODER)
        )
