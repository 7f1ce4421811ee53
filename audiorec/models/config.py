"""Settings of the model and of its training."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

from pydantic import Field, StrictBool, model_validator

from audiorec.audio.config import MelConfig
from audiorec.config_base import Section, Seed
from audiorec.exceptions import ParameterError
from audiorec.models.encoder_names import PRETRAINED_ENCODERS, EncoderName

MUSICNN_MEL: dict[str, Any] = {
    "sr": 16000,
    "n_fft": 512,
    "hop_length": 256,
    "n_mels": 96,
    "compression": "log10",
}
"""Settings of `MelConfig` that the pretrained encoders were trained on (Pons & Serra 2019)."""


class ModelConfig(Section):
    """An encoder (log-mel to features) and a head (features to factors).

    Attributes
    ----------
    encoder : str
        Trained here from nothing: "cnn", compact, with batch normalisation; "dieleman2014";
        "vandenoord2013"; "shortchunk" (Won et al. 2020). Pretrained on tags: "musicnn" (its variant
        "musicnn-msd"), "musicnn-mtt", "vgg-msd" and "vgg-mtt"; where [mel] is silent it follows
        from them. Fixed, a baseline: "descriptors".
    target : {"factors", "content"}
        What the head gives: listeners' factors; or, for libraries without listening, the features
        of a pretrained encoder, standardised.
    head : {"auto", "ridge", "mlp"}
        Ridge regression in closed form, for encoders that stay as they are and the start of
        fine-tuning; or dense layers, trained by the loss. Auto is ridge for pretrained and fixed
        encoders, else mlp.
    finetune : int
        Last layers of a pretrained encoder that are trained on; more than it has is all of them.
    channels : int
        Filters of each convolution of an encoder trained here; of the first ones in shortchunk.
    hidden : int
        Units of each dense layer of an mlp.
    dropout : float
        Fraction of an mlp's units left out in training.
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
        """Whether the encoder stays as it is, so that its features are computed once."""
        return (self.pretrained and not self.finetune) or self.encoder == "descriptors"

    @property
    def linear(self) -> bool:
        """Whether the head is linear in the features."""
        return self.head == "ridge" or (
            self.head == "auto" and (self.pretrained or self.encoder == "descriptors")
        )


class TrainConfig(Section):
    """How a network is trained.

    Attributes
    ----------
    loss : {"mse", "cosine", "contrastive"}
        Squared error to the track's factors; one minus the cosine to them; or contrastive
        alignment: the cross-entropy of telling the track's factors from those of the batch's other
        tracks, and its prediction from theirs, with a second tower over the factors and a
        temperature that are learned beside the network.
    unit_norm : bool
        Scale target factors to length 1: a factor's norm follows popularity, which no audio tells.
    crop_seconds : float
        Length of the random crop that each example shows, s.
    batch_size, max_epochs, patience : int
        Patience is in epochs without a better validation loss. Under torchrun a batch is divided
        among the processes.
    learning_rate : float
        Of AdamW.
    mixup : float
        How much examples are blended with others, sound and target alike (alpha of the beta
        distribution); 0 blends none.
    device : {"auto", "cpu", "cuda", "mps"}
    """

    loss: Literal["mse", "cosine", "contrastive"] = "cosine"
    unit_norm: StrictBool = True
    crop_seconds: float = Field(default=10.0, gt=0, le=600)
    batch_size: int = Field(default=32, ge=1, le=65536)
    max_epochs: int = Field(default=60, ge=1, le=100000)
    patience: int = Field(default=12, ge=1, le=100000)
    learning_rate: float = Field(default=1e-3, gt=0, le=10)
    mixup: float = Field(default=1.0, ge=0, le=10)
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    seed: int = Seed
    former: ClassVar[frozenset[str]] = frozenset(
        {
            "level_popularity", "shrinkage", "accumulate", "min_steps", "weight_decay",
            "validation_share", "time_mask", "band_mask", "gain_db", "filter_db", "pitch_shift",
            "ema_decay", "gradient_clip", "precision", "layout", "compile",
        }
    )  # fmt: skip


def check_crop(mel: MelConfig, train: TrainConfig) -> None:
    """Raise `ParameterError` if a training crop is to be longer than the clip that it is cut from.

    Recordings that are shorter than the clip are another matter: they are what they are.
    """
    if train.crop_seconds > mel.clip_seconds:
        raise ParameterError(
            f"crop_seconds={train.crop_seconds:g} must be at most clip_seconds="
            f"{mel.clip_seconds:g}; lower [train] crop_seconds or raise [mel] clip_seconds"
        )
