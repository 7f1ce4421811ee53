"""Pretrained encoders: musicnn and its VGG sibling, with their tags."""

from __future__ import annotations

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from audiorec import artifacts
from audiorec.audio import MelConfig
from audiorec.exceptions import ArtifactError, ParameterError
from audiorec.models.devices import pick_device
from audiorec.models.encoders.base import Encoder
from audiorec.models.encoders.musicnn import MEL, NETWORKS, WINDOW, Musicnn, Vgg
from audiorec.models.pretrained import FETCH_REMEDY, Pretrained, find, weights_directory
from audiorec.models.pretrained.download import KIND


class PretrainedEncoder(Encoder):
    """A tagging network as an encoder of whole clips.

    A clip is cut into consecutive windows of 187 frames (3 s); the remainder is dropped, as in the
    original. The blocks of its features are

    - ``mean``, ``std``: of the penultimate units over the windows;
    - ``logits``, ``tags``: means over the windows of each tag's logit and of its probability;
    - ``maps``: the last feature maps' mean over time.

    Parameters
    ----------
    pretrained : Pretrained
    network : Musicnn or Vgg

    Attributes
    ----------
    name : str
    tags : tuple of str
    window : int
        Frames of the network's input window.
    mel : MelConfig
        Settings that its input must have; the position of the clip is free.
    """

    mel = MEL
    window = WINDOW
    min_frames = WINDOW

    def __init__(self, pretrained: Pretrained, network: Musicnn | Vgg) -> None:
        super().__init__()
        self.name, self.tags = pretrained.name, pretrained.tags
        self.network = network
        n_tags = len(self.tags)
        self.blocks = {
            "mean": network.d,
            "std": network.d,
            "logits": n_tags,
            "tags": n_tags,
            "maps": network.n_maps,
        }

    def forward(self, mel: Tensor) -> Tensor:
        """See `Encoder`; log10(1 + 10000 * power) of at least `window` frames."""
        count = mel.shape[2] // self.window
        windows = mel[:, :, : count * self.window].unflatten(2, (count, self.window))
        out = self.network(windows.transpose(1, 2).flatten(0, 1))

        def by_clip(x: Tensor) -> Tensor:
            return x.unflatten(0, (len(mel), count))

        penultimate, logits = by_clip(out.penultimate), by_clip(out.logits)
        return torch.cat(
            [
                penultimate.mean(dim=1),
                penultimate.std(dim=1, correction=0),
                logits.mean(dim=1),
                logits.sigmoid().mean(dim=1),
                by_clip(out.mean_pool).mean(dim=1),
            ],
            dim=1,
        )

    def unfreeze(self, n: int) -> None:
        """Unfreeze the last `n` layers, and no others; normalisation stays as published."""
        self.requires_grad_(False)
        for layer in self.network.layers()[:n]:
            for name, parameter in layer.named_parameters():
                parameter.requires_grad_("norm." not in name)


def load_pretrained(name: str = "musicnn") -> PretrainedEncoder:
    """Load a pretrained encoder from the cache, in evaluation mode, on the CPU.

    Parameters
    ----------
    name : str
        Of `audiorec.models.pretrained.PRETRAINED`; "musicnn" is the variant of the Million Song
        Dataset.

    Raises
    ------
    NotFoundError
        If there is no network of that name.
    ArtifactError
        If it is missing in the cache, or damaged.
    """
    encoder, directory = empty_pretrained(name), weights_directory()
    if not artifacts.exists(directory):
        raise ArtifactError(f"{encoder.name} is not in the cache; {FETCH_REMEDY}")
    manifest = artifacts.load_manifest(directory, kind=KIND)
    entry = manifest.files[f"{encoder.name}.safetensors"]
    file = directory / entry.file
    if not artifacts.matches_digest(file, entry.digest):
        raise ArtifactError(f"{file} is damaged (its digest differs); {FETCH_REMEDY}")
    try:
        encoder.network.load_state_dict(load_file(file))
    except (RuntimeError, SafetensorError, OSError):
        raise ArtifactError(f"{file} does not fit {encoder.name}; {FETCH_REMEDY}") from None
    return encoder.eval()


def ready_pretrained(name: str = "musicnn", *, device: str = "auto") -> PretrainedEncoder:
    """Load a pretrained encoder to a device; see `load_pretrained`."""
    return load_pretrained(name).to(pick_device(device))


def empty_pretrained(name: str) -> PretrainedEncoder:
    """Build the same with random weights, to be overwritten."""
    one = find(name)
    return PretrainedEncoder(one, NETWORKS[one.architecture](len(one.tags)))


# Settings of a spectrogram's values; the rest of MelConfig selects its clip.
FRONT_END = ("sr", "n_fft", "hop_length", "n_mels", "compression")


def check_front_end(encoder: nn.Module, mel: MelConfig) -> None:
    """Raise `ParameterError` unless the encoder accepts spectrograms of these settings."""
    if not isinstance(encoder, PretrainedEncoder):
        return
    for key in FRONT_END:
        need, have = getattr(encoder.mel, key), getattr(mel, key)
        if need != have:
            raise ParameterError(
                f"the mels have {key}={have!r} and {encoder.name} takes {key}={need!r}; "
                f"set {key} = {need!r} under [mel] in the recipe and run 'audiorec mel' again"
            )
