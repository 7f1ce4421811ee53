"""Activations of the network's filters by track."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from audiorec.exceptions import NotFoundError
from audiorec.index.exact import spread_rows
from audiorec.progress import Progress, silent
from audiorec.workspace import Workspace

if TYPE_CHECKING:
    from torch import Tensor, nn

    from audiorec.models import ContentModel
    from audiorec.models.encoders import Encoder

# Imports in functions: torch, which takes seconds and is needed nowhere else here.


class Activations(NamedTuple):
    """Activations of filters by track.

    Attributes
    ----------
    encoder : str
    ids : list of str
    filters : list of (str, int)
        Layer and number within it.
    means, maxima : np.ndarray [shape=(n_tracks, n_filters)], float32
        Over all clips of a track; for filters with a band axis, the maximum over the bands.
    clips : np.ndarray [shape=(n_tracks, n_filters)], int32
        The clip with the maximum.
    seconds : np.ndarray [shape=(n_tracks, n_filters)], float32
        Time of the maximum within that clip.
    """

    encoder: str
    ids: list[str]
    filters: list[tuple[str, int]]
    means: np.ndarray
    maxima: np.ndarray
    clips: np.ndarray
    seconds: np.ndarray


def filter_activations(
    workspace: Workspace,
    *,
    n_tracks: int,
    layer: str | None = None,
    skip: Collection[str] = (),
    progress: Progress = silent,
) -> Activations:
    """Run the encoder over stored spectrograms, and record its filters' activations.

    Parameters
    ----------
    workspace : Workspace
    n_tracks : int
        Most tracks, drawn evenly from all.
    layer : str, optional
        Only this layer.
    skip : collection of str
        Tracks to leave out.
    progress : Progress
    """
    import torch

    from audiorec.inference import check_mels, load_model
    from audiorec.mel import MelStore
    from audiorec.models.encoders import build_encoder

    model = load_model(workspace.model)
    store = MelStore(workspace.mels)
    check_mels(model, store.config)
    encoder = model.network.encoder or build_encoder(model.config, mel=model.mel)
    layers = filter_layers(encoder.eval())
    if layer is not None:
        if layer not in layers:
            raise NotFoundError(f"there is no layer {layer!r}; name one of {', '.join(layers)}")
        layers = {layer: layers[layer]}
    known = [id_ for id_ in store.ids if id_ not in skip]
    chosen = spread_rows(len(known), n_tracks)
    ids = [known[row] for row in chosen]
    rows = []
    with torch.inference_mode(), recording(layers) as recorded:
        for number, id_ in enumerate(ids):
            progress("filters", number, len(ids))
            clips = [_of_clip(model, encoder, np.asarray(mel), recorded) for mel in store.mels(id_)]
            rows.append(_of_track(clips))
    progress("filters", len(ids), len(ids))
    widths = {} if not rows else dict(rows[0].widths)
    filters = [(name, number) for name, count in widths.items() for number in range(count)]
    parts = [np.array([getattr(row, name) for row in rows]) for name in _Track._fields[1:]]
    return Activations(model.config.encoder, ids, filters, *parts)


def filter_layers(encoder: Encoder) -> dict[str, nn.Module]:
    """Return the layers whose outputs are filter activations, by name, in order.

    Raises
    ------
    NotFoundError
        If the encoder has none: its features are fixed.
    """
    from torch import nn

    from audiorec.models.encoders.musicnn import BandMaxConv, ConvLayer, Vgg
    from audiorec.models.encoders.shortchunk import Residual

    kinds: tuple[type[nn.Module], ...] = (nn.ReLU, Residual, ConvLayer, BandMaxConv)
    network = getattr(encoder, "network", None)
    if isinstance(network, Vgg):
        found = {f"layer {n}": norm for n, norm in enumerate(network.norms, start=1)}
    else:
        inside = [name for name, module in encoder.named_modules() if isinstance(module, Residual)]
        named = [
            (name, module)
            for name, module in encoder.named_modules()
            if isinstance(module, kinds) and not any(name.startswith(f"{o}.") for o in inside)
        ]
        found = {_name(name, number): module for number, (name, module) in enumerate(named, 1)}
    if not found:
        raise NotFoundError(
            "the encoder of the model has no filters, its features are fixed; take a recipe with "
            "a network, such as default or scratch"
        )
    return found


def _name(path: str, number: int) -> str:
    """Name a layer: ``"timbre 1"`` of musicnn's parts, ``"layer 3"`` of others."""
    part, _, rest = path.removeprefix("network.").partition(".")
    known = part in ("timbre", "rhythm", "middle")
    return f"{part} {int(rest.partition('.')[0]) + 1}" if known else f"layer {number}"


@contextmanager
def recording(layers: dict[str, nn.Module]) -> Iterator[dict[str, Tensor]]:
    """Record the last outputs of layers by name, within the block."""
    recorded: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[[nn.Module, object, Tensor], None]:
        def hook(module: nn.Module, given: object, out: Tensor) -> None:
            del module, given
            recorded[name] = out

        return hook

    handles = [module.register_forward_hook(keep(name)) for name, module in layers.items()]
    try:
        yield recorded
    finally:
        for handle in handles:
            handle.remove()


class _Clip(NamedTuple):
    widths: list[tuple[str, int]]
    means: np.ndarray
    maxima: np.ndarray
    seconds: np.ndarray


class _Track(NamedTuple):
    widths: list[tuple[str, int]]
    means: np.ndarray
    maxima: np.ndarray
    clips: np.ndarray
    seconds: np.ndarray


def _of_clip(
    model: ContentModel, encoder: Encoder, mel: np.ndarray, recorded: dict[str, Tensor]
) -> _Clip:
    import torch

    from audiorec.models import crops_of

    (crop,) = crops_of(mel, crop=None, min_frames=encoder.min_frames)
    encoder(model.network.standardize(torch.tensor(crop[None])))
    window = getattr(encoder, "window", crop.shape[1])
    widths, means, maxima, seconds = [], [], [], []
    for name, out in recorded.items():
        values = out.amax(dim=2) if out.ndim == 4 else out  # bands
        _, n_filters, n_steps = values.shape
        flat = values.transpose(0, 1).reshape(n_filters, -1)
        top, place = flat.max(dim=1)
        widths.append((name, n_filters))
        means.append(flat.mean(dim=1).numpy())
        maxima.append(top.numpy())
        frames = (place + 0.5).numpy() * window / n_steps
        seconds.append(frames * model.mel.hop_length / model.mel.sr)
    return _Clip(widths, *(np.concatenate(part) for part in (means, maxima, seconds)))


def _of_track(clips: Sequence[_Clip]) -> _Track:
    maxima = np.stack([clip.maxima for clip in clips])
    best = maxima.argmax(axis=0)
    columns = np.arange(maxima.shape[1])
    return _Track(
        clips[0].widths,
        np.mean([clip.means for clip in clips], axis=0),
        maxima[best, columns],
        best.astype(np.int32),
        np.stack([clip.seconds for clip in clips])[best, columns],
    )
