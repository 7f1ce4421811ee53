"""From a model and spectrograms to `Embeddings`; plain torch, no training loop."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from audiorec import artifacts
from audiorec.audio.config import MelConfig
from audiorec.embeddings import Embeddings
from audiorec.engines import Engine, run_on
from audiorec.exceptions import ArtifactError, EngineError, ParameterError
from audiorec.mel.store import opened_store, unlike
from audiorec.models.checkpoint import Checkpoint, load_checkpoint
from audiorec.models.predict import (
    average,
    believed,
    clips_of,
    cut,
    pick_device,
    predict,
    say,
    window_starts,
)
from audiorec.models.pruned import pruned
from audiorec.models.transferred import Finetuned
from audiorec.pretrained.heard import Heard
from audiorec.pretrained.transfer import Model, Transfer, load_transfer
from audiorec.progress import Progress, silent

if TYPE_CHECKING:
    from torch import Tensor, nn

    from audiorec.mel.store import MelStore

BATCH = 64  # windows at a time


def load_model(directory: Path) -> Model:
    """Read a model, whichever it is: a checkpoint, or the head of a frozen network.

    Raises
    ------
    ArtifactError
        If there is none, or it is damaged.
    """
    manifest = artifacts.load_manifest(directory, kind="model")
    return load_transfer(directory) if "head" in manifest.extra else load_checkpoint(directory)


def embed(
    model: Model,
    mels: Iterable[tuple[str, Sequence[np.ndarray]]],
    *,
    device: str = "auto",
    batch_size: int = BATCH,
    progress: Progress = silent,
    total: int | None = None,
) -> Embeddings:
    """Predict where tracks lie in the listeners' space.

    Parameters
    ----------
    model : Checkpoint or Transfer
    mels : iterable of (str, sequence of np.ndarray [shape=(n_mels, n_frames)])
        Each track's id and the log-mels of its clips, made with ``model.mel``. They are taken
        one by one, so that a generator keeps memory small.
    device : {"auto", "cpu", "cuda", "mps"}
    batch_size : int
        Windows at a time.
    progress : Progress
    total : int, optional
        How many tracks there are, for `progress`.

    Returns
    -------
    embeddings : Embeddings
        In the order of `mels`. By a network trained here a track's vector is the mean over the
        consecutive windows of all its clips, each as long as a training crop; of length 1 where
        its ``output_norm`` is "unit", but for what its ``common`` sets alike, else as the network
        gives them. By a head, of length 1.

    Raises
    ------
    ParameterError
        If a track has no clip, or a clip another number of bands or values that are not finite.
    """
    checked = _checked(mels, n_mels=model.mel.n_mels)
    if isinstance(model, Transfer):
        return model.embed(checked)
    if model.model.frozen:
        checked = _windows(checked, encoder=model.model.encoder)
    return _predict(
        model, checked, device=device, batch_size=batch_size, progress=progress, total=total
    )


def _predict(
    model: Checkpoint,
    given: Iterable[tuple[str, Sequence[np.ndarray]]],
    *,
    device: str,
    batch_size: int,
    progress: Progress,
    total: int | None,
) -> Embeddings:
    """What a checkpoint says of what its network takes."""
    where = pick_device(device)
    found = predict(
        _network_of(model, where),
        given,
        scale=model.scale,
        window=model.window,
        norm=model.output_norm,
        batch_size=batch_size,
        device=where,
    )
    ids: list[str] = []
    rows: list[np.ndarray] = []
    for track_id, vector in found:
        ids.append(track_id)
        rows.append(vector)
        if len(ids) % batch_size == 0:
            progress("embed", len(ids), total)
    progress("embed", len(ids), total if total is not None else len(ids))
    return _together(model, ids, rows)


def _together(model: Checkpoint, ids: Sequence[str], rows: Sequence[np.ndarray]) -> Embeddings:
    matrix = np.stack(rows) if rows else np.empty((0, model.n_outputs), dtype=np.float32)
    return Embeddings(ids, believed(matrix, shrinkage=model.shrinkage, common=model.common))


def embed_store(
    model: Model,
    store: MelStore,
    *,
    ids: Sequence[str] | None = None,
    heard: Heard | None = None,
    device: str = "auto",
    batch_size: int = BATCH,
    progress: Progress = silent,
) -> Embeddings:
    """Predict for the tracks of a mel store: those of `ids`, or all of them.

    Parameters
    ----------
    model : Checkpoint or Transfer
    store : MelStore
    ids : sequence of str, optional
    heard : Heard, optional
        What a frozen encoder heard of the store, so that it need not hear again.
    device, batch_size, progress
        See `embed`.

    Raises
    ------
    ArtifactError
        If the store was made with other mel settings than the model.
    NotFoundError
        If an id of `ids` is not in the store.
    """
    check_mels(model, store.config if heard is None else heard.config)
    wanted = store.ids if ids is None else ids
    if isinstance(model, Transfer) and heard is not None:
        return model.place(heard, wanted)
    if isinstance(model, Checkpoint) and model.model.frozen and heard is not None:
        return _predict(
            model,
            ((track_id, heard.mels(track_id)) for track_id in wanted),
            device=device,
            batch_size=batch_size,
            progress=progress,
            total=len(wanted),
        )
    return embed(
        model,
        ((track_id, clips_of(store, track_id)) for track_id in wanted),
        device=device,
        batch_size=batch_size,
        progress=progress,
        total=len(wanted),
    )


class Windows(NamedTuple):
    """A batch of windows of a mel store: for each, its track, clip and first frame."""

    places: tuple[tuple[str, int, int], ...]

    def __str__(self) -> str:
        return f"the sound from track {self.places[0][0]} to track {self.places[-1][0]}"


def embed_elsewhere(
    directory: Path,
    store: MelStore,
    *,
    engine: Engine,
    ids: Sequence[str] | None = None,
    n_jobs: int | None = None,
    device: str = "auto",
    progress: Progress = silent,
) -> Embeddings:
    """Predict as `embed_store` does with a network that was trained here, by other processes.

    Parameters
    ----------
    directory : Path
        Of the model; read by every process, as the store is.
    store : MelStore
    engine : {"local", "ray"}
    ids : sequence of str, optional
    n_jobs : int or None
        Processes at a time.
    device : {"auto", "cpu", "cuda", "mps"}
        Of each process.
    progress : Progress

    Returns
    -------
    embeddings : Embeddings
        Batches are those of `embed_store`, so that vectors are equal where processes have as many
        threads and the same processor.

    Raises
    ------
    ArtifactError
        If the store was made with other mel settings than the model.
    EngineError
        If a process cannot read the store or the model.
    """
    model = load_model(directory)
    assert isinstance(model, Checkpoint)
    check_mels(model, store.config)
    wanted = store.ids if ids is None else tuple(ids)
    work = partial(say_windows, model=directory, mels=store.directory, device=device)
    said: list[Tensor] = []
    rows: list[np.ndarray] = []
    counts = [len(_windows_of(store, track_id, window=model.window)) for track_id in wanted]
    batches = _batches(store, wanted, window=model.window)
    for batch, answer, error in run_on(engine, work, batches, n_jobs=n_jobs, chunk=4):
        if answer is None:
            raise EngineError(f"{batch} was not embedded: {error}")
        said.extend(torch.from_numpy(answer))
        while len(rows) < len(wanted) and len(said) >= counts[len(rows)]:
            count = counts[len(rows)]
            rows.append(average(said[:count], norm=model.output_norm))
            del said[:count]
        progress("embed", len(rows), len(wanted))
    return _together(model, wanted, rows)


def say_windows(batch: Windows, *, model: Path, mels: Path, device: str) -> np.ndarray:
    """What a process does with a batch : np.ndarray [shape=(n_windows, n_outputs)], float32."""
    one = _opened_model(model, artifacts.load_manifest(model, kind="model").fingerprint, device)
    store = opened_store(mels)
    checkpoint, network = one
    asked = {(track_id, clip) for track_id, clip, _ in batch.places}
    clips = {which: np.asarray(store.get(*which)) for which in sorted(asked)}
    list(_checked(((i, [mel]) for (i, _), mel in clips.items()), n_mels=checkpoint.mel.n_mels))
    windows = [
        cut(clips[track_id, clip], start, window=checkpoint.window)
        for track_id, clip, start in batch.places
    ]
    return say(
        network,
        windows,
        scale=checkpoint.scale,
        norm=checkpoint.output_norm,
        device=pick_device(device),
    ).numpy()


@lru_cache(maxsize=1)
def _opened_model(directory: Path, _fingerprint: str, device: str) -> tuple[Checkpoint, nn.Module]:
    checkpoint = load_checkpoint(directory)
    return checkpoint, _network_of(checkpoint, pick_device(device))


def _network_of(checkpoint: Checkpoint, device: torch.device) -> nn.Module:
    """A checkpoint's network, on the device and in its fastest form there."""
    network = checkpoint.network().to(device).eval()
    if device.type == "cpu" and isinstance(network, Finetuned):
        network.add_module("musicnn", pruned(network.musicnn))
    return network


def _windows_of(store: MelStore, track_id: str, *, window: int) -> list[tuple[str, int, int]]:
    return [
        (track_id, clip, int(start))
        for clip in range(store.n_clips(track_id))
        for start in window_starts(store.n_frames(track_id, clip), window=window)
    ]


def _batches(store: MelStore, ids: Sequence[str], *, window: int) -> Iterator[Windows]:
    """The windows of tracks, as many at a time as `embed_store` asks about."""
    batch: list[tuple[str, int, int]] = []
    for track_id in ids:
        for place in _windows_of(store, track_id, window=window):
            batch.append(place)
            if len(batch) == BATCH:
                yield Windows(tuple(batch))
                batch = []
    if batch:
        yield Windows(tuple(batch))


def check_mels(model: Model, config: MelConfig) -> None:
    """Raise `ArtifactError` unless spectrograms of these settings are what the model learned on."""
    if line := unlike(model.mel, config):
        raise ArtifactError(line)


def _windows(
    mels: Iterable[tuple[str, Sequence[np.ndarray]]], *, encoder: str
) -> Iterator[tuple[str, Sequence[np.ndarray]]]:
    """What a frozen encoder says of clips, in the form that a dense head takes."""
    from audiorec.pretrained.encoder import load

    network = load(encoder)
    for track_id, clips in mels:
        heard = [network.hear(network.filled(np.asarray(mel))) for mel in clips]
        yield track_id, [np.concatenate([w.penultimate, w.logits], axis=1).T for w in heard]


def _checked(
    mels: Iterable[tuple[str, Sequence[np.ndarray]]], *, n_mels: int
) -> Iterator[tuple[str, Sequence[np.ndarray]]]:
    for track_id, clips in mels:
        if not clips:
            raise ParameterError(f"track {track_id!r} has no clip; run 'audiorec mel' first")
        for mel in clips:
            if mel.ndim != 2 or mel.shape[0] != n_mels or not mel.shape[1]:
                raise ParameterError(
                    f"mel of {track_id!r} has shape {mel.shape} and the model needs "
                    f"({n_mels}, n_frames); make it with the model's mel settings"
                )
            if not np.isfinite(mel).all():
                raise ParameterError(f"mel of {track_id!r} holds NaN or infinity; make it again")
        yield track_id, clips
