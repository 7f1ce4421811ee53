"""Content model: crops of a clip, an encoder, a head, and the mean over the crops.

One class for every model, whether its encoder is pretrained or not:

1. a clip's log-mel is cut into crops of the encoder's length (`crops_of`), or taken whole;
2. the encoder computes a row of features for each (`ContentNetwork.encode`);
3. the head predicts factors from each row (`ContentNetwork.predict`);
4. a track's vector is their mean over the crops of all its clips, scaled to length 1 if only
   directions were learned (`track_vector`).

Validation in training and inference share this, so that early stopping judges the served model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from audiorec.audio import MelConfig
from audiorec.exceptions import ParameterError
from audiorec.factors import AGREEMENT, NO_SMOOTHING, ArtistSmoothing
from audiorec.models.config import ModelConfig
from audiorec.models.encoders import Encoder, PretrainedEncoder, build_encoder
from audiorec.models.encoders.pretrained import WINDOW
from audiorec.models.heads import build_head
from audiorec.models.train_config import TrainConfig, check_crop

# Blocks of a pretrained encoder's features used by a head. In fine-tuning, a crop of one window has
# no deviation.
RIDGE_BLOCKS = ("mean", "std", "logits")
FINETUNE_BLOCKS = ("mean",)
# Without listening. Of 435 clips of the 4Q set, which also chose these two, five neighbours by
# other artists share a genre in 66 % with them, in 67 % with the deviations too, in 65 % with the
# feature maps (each give or take 3 %), and in 60 % with the maps whitened: docs/results.md.
CONTENT_BLOCKS = ("mean", "logits")

Norm = Literal["unit", "raw"]


class InputScale(NamedTuple):
    """Mean and deviation of each mel band over the training tracks : [shape=(n_mels,)], dB."""

    mean: np.ndarray
    std: np.ndarray


def no_scale(n_mels: int) -> InputScale:
    """Identity scale, for an encoder that normalises its own input."""
    return InputScale(np.zeros(n_mels, dtype=np.float32), np.ones(n_mels, dtype=np.float32))


class ContentNetwork(nn.Module):
    """Encoder and head, as one module from log-mel crops to factors.

    Parameters
    ----------
    config : ModelConfig
    encoder : Encoder or None
        None if the input is features.
    head : nn.Module
    scale : InputScale
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self, config: ModelConfig, encoder: Encoder | None, head: nn.Module, *, scale: InputScale
    ) -> None:
        super().__init__()
        self.config, self.encoder, self.head = config, encoder, head
        self.register_buffer("mean", torch.from_numpy(np.array(scale.mean, dtype=np.float32)))
        self.register_buffer("std", torch.from_numpy(np.array(scale.std, dtype=np.float32)))

    def standardize(self, mel: Tensor) -> Tensor:
        """Log-mel [shape=(batch, n_mels, n_frames)] in deviations from the mean."""
        return (mel.float() - self.mean[:, None]) / self.std[:, None]

    def encode(self, mel: Tensor) -> Tensor:
        """Compute the head's features [shape=(batch, n_features)] from standardised log-mel."""
        assert self.encoder is not None
        out: Tensor = self.encoder(mel)
        return select(out, self.encoder.blocks, blocks_of(self.config))

    def forward(self, inputs: Tensor) -> Tensor:
        """Predict factors [shape=(batch, n_outputs)] of log-mel or features [shape=(batch, n)]."""
        features = inputs if inputs.ndim == 2 else self.encode(self.standardize(inputs))
        out: Tensor = self.head(features)
        return out


def blocks_of(config: ModelConfig) -> tuple[str, ...] | None:
    """Blocks of an encoder's features used by the head; None is all of them."""
    if not config.pretrained:
        return None
    if config.target == "content":
        return CONTENT_BLOCKS
    return FINETUNE_BLOCKS if config.finetune else RIDGE_BLOCKS


def select(features: Tensor, widths: dict[str, int], blocks: Sequence[str] | None) -> Tensor:
    """Select blocks of rows of features, concatenated : Tensor [shape=(batch, n)]."""
    if blocks is None:
        return features
    parts = dict(zip(widths, features.split(list(widths.values()), dim=1), strict=True))
    return torch.cat([parts[name] for name in blocks], dim=1)


def build_network(
    config: ModelConfig, *, mel: MelConfig, n_outputs: int, scale: InputScale, published: bool
) -> ContentNetwork:
    """Build a network whose new head is drawn from torch's global random state.

    Parameters
    ----------
    config : ModelConfig
    mel : MelConfig
    n_outputs : int
        Dimensions of the factors.
    scale : InputScale
    published : bool
        See `build_encoder`.
    """
    encoder = build_encoder(config, mel=mel, published=published)
    widths = encoder.blocks
    blocks = blocks_of(config) or tuple(widths)
    n_features = sum(widths[name] for name in blocks)
    head = build_head(config, n_features, n_outputs, n_layers=encoder.hidden_layers)
    if isinstance(encoder, PretrainedEncoder):
        encoder.unfreeze(config.finetune)
    return ContentNetwork(config, encoder, head, scale=scale)


@dataclass(frozen=True, eq=False)
class ContentModel:
    """A fitted model with the settings needed for prediction.

    Attributes
    ----------
    network : ContentNetwork
        In evaluation mode, on the CPU.
    config, mel, train : ModelConfig, MelConfig, TrainConfig
        Settings of the network, of its spectrograms, and of its training.
    n_outputs : int
        Dimensions of its vectors.
    output_norm : {"unit", "raw"}
        Unit: vectors have length 1, only their direction was learned. Raw: as output by the head.
    output_scale : float
        Factor that scales vectors to the mean norm of the factors they were fitted to.
    space : str
        Fingerprint of those factors; empty for a space of content alone.
    agreement : float
        Mean cosine of vectors and factors over held-out artists.
    smoothing : ArtistSmoothing
        Shrinkage of a vector towards the artist's other tracks, chosen on the same artists.
    warning : str
        Reason why the vectors are unreliable; empty if they are not.
    """

    network: ContentNetwork
    config: ModelConfig
    mel: MelConfig
    train: TrainConfig
    n_outputs: int
    output_norm: Norm
    output_scale: float = 1.0
    space: str = ""
    agreement: float = AGREEMENT
    smoothing: ArtistSmoothing = NO_SMOOTHING
    warning: str = ""

    @property
    def crop(self) -> int | None:
        """Frames of a crop for prediction; None is the whole clip."""
        return prediction_crop(self.config, mel=self.mel, train=self.train)

    def on(self, device: torch.device) -> ContentNetwork:
        """The network on a device, its encoder loaded."""
        if self.network.encoder is None:
            self.network.encoder = build_encoder(self.config, mel=self.mel)
        return self.network.to(device).eval()


def prediction_crop(config: ModelConfig, *, mel: MelConfig, train: TrainConfig) -> int | None:
    """Frames of a crop for prediction; None is the whole clip."""
    whole = config.pretrained or config.frozen
    return None if whole else mel.frames(train.crop_seconds)


def training_crop(config: ModelConfig, *, mel: MelConfig, train: TrainConfig) -> int:
    """Frames of a training crop.

    Raises
    ------
    ParameterError
        If the encoder needs more, or the clip has fewer.
    """
    if config.pretrained:
        return WINDOW
    check_crop(mel, train)
    with torch.device("meta"):  # an encoder without weights
        needed = build_encoder(config, mel=mel).min_frames
    frames = mel.frames(train.crop_seconds)
    if frames < needed:
        raise ParameterError(
            f"crop_seconds={train.crop_seconds} gives {frames} frames and {config.encoder} "
            f"needs {needed}; lengthen it to {needed * mel.hop_length / mel.sr:.2f}"
        )
    return frames


class ClipSource(Protocol):
    """Source of clips: a `MelStore`, or a `FeatureStore` with one row of features for each."""

    def mels(self, track_id: str) -> list[np.ndarray]:
        """All clips of a track, each [shape=(n_mels, n_frames)] or [shape=(n_features,)]."""
        ...


def clips_of(store: ClipSource, track_id: str) -> list[np.ndarray]:
    """Every stored clip of a track.

    Plain arrays over the store's memory map: slicing them is several times faster.
    """
    return [np.asarray(mel) for mel in store.mels(track_id)]


def crops_of(clip: np.ndarray, *, crop: int | None, min_frames: int = 1) -> np.ndarray:
    """Cut a clip into the fewest crops that cover it, evenly spaced, in order.

    Parameters
    ----------
    clip : np.ndarray [shape=(n_mels, n_frames)], dB, or [shape=(n_features,)]
        A row of features is one crop.
    crop : int or None
        Frames of a crop; a shorter clip is repeated up to this length. None: the whole clip.
    min_frames : int
        Least length of a whole clip, reached by repetition.

    Returns
    -------
    crops : np.ndarray [shape=(n_crops, n_mels, crop)], or [shape=(1, n_features)]
    """
    if clip.ndim == 1:
        return clip[None]
    n_frames = clip.shape[1]
    if crop is None:
        return crop_mel(clip, 0, n_frames=max(n_frames, min_frames))[None]
    n_crops = max(1, -(-n_frames // crop))
    starts = np.round(np.linspace(0, max(0, n_frames - crop), n_crops)).astype(np.int64)
    return np.stack([crop_mel(clip, int(start), n_frames=crop) for start in starts])


def crop_mel(mel: np.ndarray, start: int, *, n_frames: int) -> np.ndarray:
    """Frames `start` to `start + n_frames`; a shorter clip is repeated up to that length.

    Parameters
    ----------
    mel : np.ndarray [shape=(n_mels, n)], dB
    start, n_frames : int

    Returns
    -------
    crop : np.ndarray [shape=(n_mels, n_frames)], dB
    """
    if mel.shape[1] < n_frames:
        return mel[:, (start + np.arange(n_frames)) % mel.shape[1]]
    return mel[:, start : start + n_frames]


def track_vector(
    network: ContentNetwork,
    clips: Sequence[np.ndarray],
    *,
    crop: int | None,
    norm: Norm,
    device: torch.device,
) -> np.ndarray:
    """Predict a track's vector: the mean over its crops (van den Oord et al. 2013, section 5).

    Parameters
    ----------
    network : ContentNetwork
        On `device`, in evaluation mode.
    clips : sequence of np.ndarray
        Log-mels [shape=(n_mels, n_frames)], or rows of features [shape=(n_features,)].
    crop : int or None
        See `crops_of`.
    norm : {"unit", "raw"}
    device : torch.device

    Returns
    -------
    vector : np.ndarray [shape=(n_outputs,)], float32
    """
    shortest = 1 if network.encoder is None else network.encoder.min_frames
    with torch.inference_mode():
        outputs = [
            network(torch.tensor(crops_of(clip, crop=crop, min_frames=shortest), device=device))
            for clip in clips
        ]
        vector = torch.cat(outputs).float().mean(dim=0)
        return (F.normalize(vector, dim=0) if norm == "unit" else vector).cpu().numpy()
