"""Settings of training."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, StrictBool

from audiorec.audio import MelConfig
from audiorec.config_base import Section, Seed
from audiorec.exceptions import ParameterError


class TrainConfig(Section):
    """Training settings.

    Attributes
    ----------
    loss : {"mse", "cosine", "contrastive"}
        Squared error to the track's factors; one minus the cosine to them; or contrastive
        alignment: the cross-entropy of identifying the track's factors among those of the batch,
        and its prediction among the batch's, with a second tower over the factors and a
        temperature that are trained with the network.
    unit_norm : bool
        Scale target factors to length 1: a factor's norm follows popularity, not audio.
    crop_seconds : float
        Length of the random crop of each example, s.
    batch_size, max_epochs, patience : int
        Patience is in epochs without a better validation loss. Under torchrun a batch is split
        among the processes.
    learning_rate : float
        Of AdamW.
    mixup : float
        Strength of the blend of examples, of audio and target alike (alpha of the beta
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
    """Raise `ParameterError` if a training crop would be longer than the clip it is cut from.

    Recordings shorter than the clip are allowed.
    """
    if train.crop_seconds > mel.clip_seconds:
        raise ParameterError(
            f"crop_seconds={train.crop_seconds:g} must be at most clip_seconds="
            f"{mel.clip_seconds:g}; lower [train] crop_seconds or raise [mel] clip_seconds"
        )
