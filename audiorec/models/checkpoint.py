"""A trained network with everything that inference needs, kept as an artifact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from audiorec import artifacts
from audiorec.audio.config import MelConfig
from audiorec.exceptions import ArtifactError, ParameterError, first_line
from audiorec.factors import AGREEMENT, NO_ARTISTS, ArtistSmoothing, artist_smoothing_from
from audiorec.models.config import ModelConfig, TrainConfig, check_crop
from audiorec.models.musicnn import WINDOW
from audiorec.models.networks import build_network, min_frames
from audiorec.models.predict import InputScale

REMEDY = "run 'audiorec train' to make it again"
WEIGHTS = "weights.safetensors"
COMMON = "output.common"
SHRINKAGE = "output.shrinkage"


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A trained network.

    Attributes
    ----------
    weights : mapping of str to Tensor
        The network's state, on the CPU.
    model, mel, train : ModelConfig, MelConfig, TrainConfig
        The network's shape, the spectrograms that it hears, how it learned.
    scale : InputScale
        Mean and deviation per mel band of the training tracks, dB.
    n_outputs : int
        Dimensions of the listeners' space.
    output_norm : {"unit", "raw"}
        Unit: predictions have length 1, only their direction was learned, before `shrinkage` and
        `common` change it. Raw: as the network gives them.
    output_scale : float
        What to multiply predictions by to compare them with the factors that were trained on: it
        gives them these factors' mean norm, or is 1 where targets kept their norms and predictions
        are raw.
    space : str
        Fingerprint of the factors that it predicts.
    agreement : float
        Mean cosine of predictions and factors over the artists kept for early stopping: how far
        to trust a prediction beside listening.
    artists : ArtistSmoothing
        How far to draw a prediction towards the artist's other tracks, by the same artists.
    common : np.ndarray [shape=(n_outputs,)], float32, optional
        What is set alike in all predictions; see `audiorec.models.predict.believed`.
    shrinkage : np.ndarray [shape=(n_outputs, n_outputs)], float32, optional
        What all predictions are multiplied by before; see the same.
    """

    weights: Mapping[str, Tensor]
    model: ModelConfig
    mel: MelConfig
    train: TrainConfig
    scale: InputScale
    n_outputs: int
    output_norm: Literal["unit", "raw"]
    output_scale: float
    space: str
    agreement: float = AGREEMENT
    artists: ArtistSmoothing = NO_ARTISTS
    common: np.ndarray | None = None
    shrinkage: np.ndarray | None = None

    @property
    def window(self) -> int:
        """Frames that the network hears at once: those of a training crop."""
        return crop_frames(self.mel, self.model, self.train)

    def network(self) -> nn.Module:
        """The network with its weights, in evaluation mode, on the CPU."""
        with torch.random.fork_rng(devices=[]):  # weights are drawn, then overwritten
            n_inputs = len(self.scale.mean) if self.model.frozen else self.mel.n_mels
            network = build_network(self.model, n_mels=n_inputs, n_outputs=self.n_outputs)
        network.load_state_dict(dict(self.weights))
        return network.eval()


def crop_frames(mel: MelConfig, model: ModelConfig, train: TrainConfig) -> int:
    """Frames of a training crop; what musicnn hears at once, or one window of a frozen encoder.

    Raises
    ------
    ParameterError
        If the network needs more, or the clip has fewer.
    """
    if model.pretrained:
        return WINDOW if model.finetune else 1
    check_crop(mel, train)
    frames = mel.frames(train.crop_seconds)
    needed = min_frames(model)
    if frames < needed:
        raise ParameterError(
            f"crop_seconds={train.crop_seconds} gives {frames} frames and {model.architecture} "
            f"needs {needed}; lengthen it to {needed * mel.hop_length / mel.sr:.2f}"
        )
    return frames


def save_checkpoint(
    directory: Path, checkpoint: Checkpoint, *, inputs: Mapping[str, str]
) -> artifacts.Manifest:
    """Write a checkpoint as an artifact of kind "model", whole or not at all.

    Parameters
    ----------
    directory : Path
    checkpoint : Checkpoint
    inputs : mapping of str to str
        Fingerprints of what it was made from.
    """
    tensors = {f"network.{name}": t.contiguous() for name, t in checkpoint.weights.items()}
    for name, values in checkpoint.scale._asdict().items():
        tensors[f"input.{name}"] = torch.from_numpy(np.array(values, dtype=np.float32))
    for name, told in ((COMMON, checkpoint.common), (SHRINKAGE, checkpoint.shrinkage)):
        if told is not None:
            tensors[name] = torch.from_numpy(np.array(told, dtype=np.float32))
    directory.mkdir(parents=True, exist_ok=True)
    with artifacts.temp_path(directory / WEIGHTS, SafetensorError) as aside:
        save_file(tensors, aside)
        entry = artifacts.put_file(directory, WEIGHTS, aside)
    return artifacts.commit(
        directory,
        kind="model",
        files={WEIGHTS: entry},
        config={
            "model": checkpoint.model.model_dump(mode="json"),
            "mel": checkpoint.mel.model_dump(mode="json"),
            "train": checkpoint.train.model_dump(mode="json"),
        },
        inputs=inputs,
        extra={
            "n_outputs": checkpoint.n_outputs,
            "output_norm": checkpoint.output_norm,
            "output_scale": checkpoint.output_scale,
            "space": checkpoint.space,
            "agreement": checkpoint.agreement,
            "artists": checkpoint.artists._asdict(),
        },
    )


def load_checkpoint(directory: Path) -> Checkpoint:
    """Read a checkpoint that `save_checkpoint` wrote.

    Raises
    ------
    ArtifactError
        If there is none, it is damaged, from a newer version, or its weights do not fit its shape.
    """
    manifest = artifacts.load_manifest(directory, kind="model")
    damaged = artifacts.damaged(directory, manifest)
    if damaged:
        raise ArtifactError(f"{directory / damaged[0]} is damaged (its digest differs); {REMEDY}")
    try:
        checkpoint = _assemble(directory, manifest)
        checkpoint.network()
    except (KeyError, ParameterError, SafetensorError) as error:
        reason = first_line(error)
        raise ArtifactError(
            f"model in {directory} is not of this version ({reason}); {REMEDY}"
        ) from None
    except RuntimeError:  # torch's own message is a list of every tensor, over many lines
        raise ArtifactError(
            f"weights of the model in {directory} do not fit its shape; {REMEDY}"
        ) from None
    return checkpoint


def _assemble(directory: Path, manifest: artifacts.Manifest) -> Checkpoint:
    tensors = load_file(directory / manifest.files[WEIGHTS].file)
    config: dict[str, Any] = manifest.config
    prefix = "network."
    return Checkpoint(
        weights={k.removeprefix(prefix): t for k, t in tensors.items() if k.startswith(prefix)},
        # Before there was a choice, no network was told what musicians ask, or compared tracks.
        model=ModelConfig(**{"musical": False, "landmarks": 0} | config["model"]),
        mel=MelConfig(**config["mel"]),
        train=TrainConfig(**config["train"]),
        scale=InputScale(tensors["input.mean"].numpy(), tensors["input.std"].numpy()),
        n_outputs=manifest.extra["n_outputs"],
        output_norm=manifest.extra["output_norm"],
        output_scale=manifest.extra["output_scale"],
        space=manifest.extra["space"],
        agreement=manifest.extra.get("agreement", AGREEMENT),
        artists=artist_smoothing_from(manifest.extra.get("artists", {})),
        common=tensors[COMMON].numpy() if COMMON in tensors else None,
        shrinkage=tensors[SHRINKAGE].numpy() if SHRINKAGE in tensors else None,
    )
