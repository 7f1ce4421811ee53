"""Checkpoint of a content model, an artifact of kind "model": safetensors and a manifest.

Published weights of a frozen encoder are not stored again: the manifest names their package, by its
digest.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from audiorec import artifacts
from audiorec.audio import MelConfig
from audiorec.exceptions import ArtifactError, ParameterError, first_line
from audiorec.factors import artist_smoothing_from
from audiorec.models.config import ModelConfig
from audiorec.models.content_model import ContentModel, ContentNetwork, build_network, no_scale
from audiorec.models.heads import build_head
from audiorec.models.pretrained.registry import REQUIREMENT, SHA256
from audiorec.models.train_config import TrainConfig

KIND = "model"
REMEDY = "run 'audiorec train' to make it again"
WEIGHTS = "weights.safetensors"


def save_model(
    directory: Path, model: ContentModel, *, inputs: Mapping[str, str]
) -> artifacts.Manifest:
    """Write a model atomically.

    Parameters
    ----------
    directory : Path
    model : ContentModel
    inputs : mapping of str to str
        Fingerprints of the inputs it was fitted to.
    """
    tensors = {
        name: tensor.detach().cpu().contiguous()
        for name, tensor in model.network.state_dict().items()
        if not (model.config.frozen and name.startswith("encoder."))
    }
    directory.mkdir(parents=True, exist_ok=True)
    with artifacts.temp_path(directory / WEIGHTS, SafetensorError) as aside:
        save_file(tensors, aside)
        entry = artifacts.put_file(directory, WEIGHTS, aside)
    return artifacts.commit(
        directory,
        kind=KIND,
        files={WEIGHTS: entry},
        config={
            "model": model.config.model_dump(mode="json"),
            "mel": model.mel.model_dump(mode="json"),
            "train": model.train.model_dump(mode="json"),
        },
        inputs=inputs,
        extra={
            "package": package_of(model.config),
            "n_outputs": model.n_outputs,
            "target": model.config.target,
            "output_norm": model.output_norm,
            "output_scale": model.output_scale,
            "space": model.space,
            "agreement": model.agreement,
            "smoothing": model.smoothing._asdict(),
            "warning": model.warning,
        },
    )


def package_of(config: ModelConfig) -> str:
    """Package of an encoder's published weights, with its digest; empty where there is none."""
    return f"{REQUIREMENT} sha256:{SHA256}" if config.pretrained else ""


def load_model(directory: Path) -> ContentModel:
    """Read a model written by `save_model`; pretrained weights are loaded on first use.

    Raises
    ------
    ArtifactError
        If it is missing, damaged, of another version, or its weights do not fit its shape.
    """
    manifest = artifacts.load_manifest(directory, kind=KIND)
    if damaged := artifacts.damaged(directory, manifest):
        raise ArtifactError(f"{directory / damaged[0]} is damaged (its digest differs); {REMEDY}")
    try:
        return _assemble(directory, manifest)
    except (KeyError, TypeError, ParameterError, SafetensorError) as error:
        reason = first_line(error)
        raise ArtifactError(
            f"model in {directory} is not of this version ({reason}); {REMEDY}"
        ) from None
    except RuntimeError:  # torch's own message lists every tensor, over many lines
        raise ArtifactError(
            f"weights of the model in {directory} do not fit its shape; {REMEDY}"
        ) from None


def _assemble(directory: Path, manifest: artifacts.Manifest) -> ContentModel:
    tensors = load_file(directory / manifest.files[WEIGHTS].file)
    extra, kept = manifest.extra, artifacts.current_settings(manifest.config)
    config, mel = ModelConfig(**kept["model"]), MelConfig(**kept["mel"])
    if extra["package"] != package_of(config):
        raise ParameterError(f"it needs {extra['package']}, which is not known here")
    n_outputs: int = extra["n_outputs"]
    scale = no_scale(len(tensors["mean"]))
    with torch.random.fork_rng(devices=[]):  # random weights, then overwritten
        if config.frozen:
            first = "head.weight" if "head.weight" in tensors else "head.layers.0.weight"
            head = build_head(config, tensors[first].shape[-1], n_outputs)
            network = ContentNetwork(config, None, head, scale=scale)
        else:
            network = build_network(
                config, mel=mel, n_outputs=n_outputs, scale=scale, published=False
            )
    network.load_state_dict(tensors)
    return ContentModel(
        network.eval(),
        config,
        mel,
        TrainConfig(**kept["train"]),
        n_outputs=n_outputs,
        output_norm=extra["output_norm"],
        output_scale=extra["output_scale"],
        space=extra["space"],
        agreement=extra["agreement"],
        smoothing=artist_smoothing_from(extra["smoothing"]),
        warning=extra.get("warning", ""),
    )
