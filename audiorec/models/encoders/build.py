"""Build an encoder by its name."""

from __future__ import annotations

from importlib import import_module

from audiorec.audio import MelConfig
from audiorec.models.config import ModelConfig
from audiorec.models.encoder_names import FIXED_ENCODER, TRAINED_ENCODERS
from audiorec.models.encoders.base import Encoder
from audiorec.models.encoders.pretrained import empty_pretrained, load_pretrained
from audiorec.models.encoders.spectrogram_statistics import SpectrogramStatistics


def build_encoder(config: ModelConfig, *, mel: MelConfig, published: bool = True) -> Encoder:
    """Build an encoder with published weights where they exist, else with random ones.

    Parameters
    ----------
    config : ModelConfig
    mel : MelConfig
    published : bool
        False if weights are loaded afterwards: those of a pretrained encoder are random too.

    Raises
    ------
    ArtifactError
        If published weights are missing in the cache, or damaged.
    """
    if config.pretrained:
        return (load_pretrained if published else empty_pretrained)(config.encoder)
    if config.encoder == FIXED_ENCODER:
        return SpectrogramStatistics(mel)
    module = import_module(f"audiorec.models.encoders.{config.encoder}")
    encoder: Encoder = getattr(module, TRAINED_ENCODERS[config.encoder])(
        mel.n_mels, channels=config.channels
    )
    return encoder
