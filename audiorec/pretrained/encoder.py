"""The pretrained networks, ready to hear."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from audiorec import artifacts
from audiorec.exceptions import ArtifactError, ParameterError
from audiorec.models.encoder import check_mel
from audiorec.models.lanes import in_lanes, one_thread
from audiorec.models.musicnn import MEL, NETWORKS, WINDOW, Musicnn, Vgg
from audiorec.models.predict import cut, pick_device
from audiorec.models.pruned import pruned
from audiorec.pretrained.registry import Pretrained, find
from audiorec.pretrained.store import KIND, directory_of, fetch_remedy


class Windows(NamedTuple):
    """What a pretrained network says of a clip, one row per window.

    Attributes
    ----------
    penultimate : np.ndarray [shape=(n_windows, d)], float32
        What the tags are read from: the network's description of the sound.
    logits : np.ndarray [shape=(n_windows, n_tags)], float32
    tags : np.ndarray [shape=(n_windows, n_tags)], float32
        Probability of each tag, 0 to 1.
    mean_pool, max_pool : np.ndarray [shape=(n_windows, n_channels)], float32
        Mean and largest value of each feature map: 753 of musicnn, 128 of VGG.
    """

    penultimate: np.ndarray
    logits: np.ndarray
    tags: np.ndarray
    mean_pool: np.ndarray
    max_pool: np.ndarray


class TagEncoder:
    """A network that was taught tags, as an `audiorec.models.encoder.Encoder`.

    Parameters
    ----------
    pretrained : Pretrained
    network : Musicnn or Vgg
    device : {"auto", "cpu", "cuda", "mps"}

    Attributes
    ----------
    name : str
    mel : MelConfig
    window : int
        Frames that are heard at once: 187, 3 s. Windows lie end to end; what is left at the
        clip's end is not heard, as in the original.
    d : int
    tags : tuple of str
    """

    mel = MEL
    window = WINDOW

    def __init__(
        self, pretrained: Pretrained, network: Musicnn | Vgg, *, device: str = "auto"
    ) -> None:
        self._device = pick_device(device)
        on_device = network.to(self._device).eval()
        self._network = pruned(on_device) if self._device.type == "cpu" else on_device
        self.name = pretrained.name
        self.tags = pretrained.tags
        self.d = network.d

    def embed(self, mel: np.ndarray) -> np.ndarray:
        """Penultimate vectors [shape=(n_windows, d)], float32; see `hear`."""
        return self.hear(mel).penultimate

    def hear_all(
        self, mels: Iterable[np.ndarray], *, n_jobs: int | None = None
    ) -> Iterator[Windows]:
        """What `hear` says of one clip after the other, several heard at the same time.

        Parameters
        ----------
        mels : iterable of np.ndarray [shape=(n_mels, n_frames)]
            Taken as they are needed, a few ahead.
        n_jobs : int or None
            Clips at a time; None is one per CPU, or one on other devices.
        """
        return in_lanes(self.hear, mels, device=self._device, n=n_jobs)

    def filled(self, mel: np.ndarray) -> np.ndarray:
        """The clip, repeated until it fills a window where it is shorter than one."""
        return mel if mel.shape[1] >= self.window else cut(mel, 0, window=self.window)

    def hear(self, mel: np.ndarray) -> Windows:
        """Everything the network says of a clip.

        Parameters
        ----------
        mel : np.ndarray [shape=(n_mels, n_frames)], log10(1 + 10000 * power)
            Made with ``self.mel``'s settings, of at least ``self.window`` frames.

        Returns
        -------
        windows : Windows

        Raises
        ------
        ParameterError
            If the clip is shorter than a window, has another number of bands, or holds NaN.
        """
        mel = np.asarray(mel)
        check_mel(mel, n_mels=self.mel.n_mels, name=self.name)
        count = mel.shape[1] // self.window
        if not count:
            seconds = self.window * self.mel.hop_length / self.mel.sr
            raise ParameterError(
                f"clip of {mel.shape[1]} frames is shorter than the {self.window} that {self.name} "
                f"hears at once; take clips of at least {seconds:.1f} s"
            )
        whole = mel[:, : count * self.window].reshape(len(mel), count, self.window)
        windows = np.ascontiguousarray(whole.transpose(1, 0, 2), dtype=np.float32)
        with torch.inference_mode(), one_thread(self._device):
            heard = self._network(torch.from_numpy(windows).to(self._device))
            tags = torch.sigmoid(heard.logits).cpu().numpy()
        logits, penultimate, mean_pool, max_pool = (part.cpu().numpy() for part in heard)
        return Windows(penultimate, logits, tags, mean_pool, max_pool)


def load(name: str = "musicnn", *, device: str = "auto") -> TagEncoder:
    """A pretrained network from the cache.

    Parameters
    ----------
    name : str
        Of `audiorec.pretrained.PRETRAINED`; "musicnn" is the variant of the Million Song Dataset.
    device : {"auto", "cpu", "cuda", "mps"}

    Raises
    ------
    NotFoundError
        If there is no such network.
    ArtifactError
        If it is not in the cache, or damaged there.
    """
    return TagEncoder(find(name), load_network(name), device=device)


def load_network(name: str) -> Musicnn | Vgg:
    """A pretrained network as a module, for training on; see `load`."""
    one = find(name)
    file = weights_file(one)
    network = NETWORKS[one.architecture](len(one.tags))
    try:
        network.load_state_dict(load_file(file))
    except (RuntimeError, SafetensorError, OSError):
        raise ArtifactError(
            f"{file} does not fit {one.name}; {fetch_remedy(one.package)}"
        ) from None
    return network


def weights_file(one: Pretrained) -> Path:
    """Where a network's weights lie, every byte checked.

    Raises
    ------
    ArtifactError
        If they are not in the cache, or damaged there.
    """
    directory = directory_of(one.package)
    if not artifacts.exists(directory):
        raise ArtifactError(f"{one.name} is not in the cache; {fetch_remedy(one.package)}")
    manifest = artifacts.load_manifest(directory, kind=KIND)
    entry = manifest.files[f"{one.name}.safetensors"]
    file = directory / entry.file
    if not artifacts.matches(file, entry.digest):
        raise ArtifactError(f"{file} is damaged (its digest differs); {fetch_remedy(one.package)}")
    return file
