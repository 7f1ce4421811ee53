"""The encoders by name."""

from __future__ import annotations

from collections.abc import Callable

from audiorec.audio.config import MelConfig
from audiorec.models.config import ModelConfig
from audiorec.models.encoders.base import Encoder
from audiorec.models.encoders.cnn import Cnn
from audiorec.models.encoders.dieleman2014 import Dieleman2014
from audiorec.models.encoders.pretrained import empty_pretrained, load_pretrained
from audiorec.models.encoders.shortchunk import ShortChunk
from audiorec.models.encoders.spectrogram_statistics import Descriptors
from audiorec.models.encoders.vandenoord2013 import VanDenOord2013

ENCODERS: dict[str, Callable[[ModelConfig, MelConfig], Encoder]] = {
    "cnn": lambda config, mel: Cnn(mel.n_mels, channels=config.channels),
    "dieleman2014": lambda config, mel: Dieleman2014(mel.n_mels, channels=config.channels),
    "vandenoord2013": lambda config, mel: VanDenOord2013(mel.n_mels, channels=config.channels),
    "shortchunk": lambda config, mel: ShortChunk(mel.n_mels, channels=config.channels),
    "descriptors": lambda config, mel: Descriptors(mel),
}
"""Encoders that are no pretrained ones, by name."""


def build_encoder(config: ModelConfig, *, mel: MelConfig, published: bool = True) -> Encoder:
    """An encoder with published weights where there are some, else fresh ones, randomly drawn.

    Parameters
    ----------
    config : ModelConfig
    mel : MelConfig
    published : bool
        False where others follow: a pretrained encoder's are drawn too.

    Raises
    ------
    ArtifactError
        If published weights are not in the cache, or damaged there.
    """
    if config.pretrained:
        return (load_pretrained if published else empty_pretrained)(config.encoder)
    return ENCODERS[config.encoder](config, mel)
