"""Inference: predict `Embeddings` of clips by a model, in plain torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from audiorec import artifacts
from audiorec.audio import MelConfig
from audiorec.embeddings import Embeddings
from audiorec.exceptions import ArtifactError, EngineError, ParameterError
from audiorec.local_or_ray import Engine, run_on
from audiorec.mel import opened_store
from audiorec.mel.store import unlike
from audiorec.models import (
    ContentModel,
    FeatureStore,
    blocks_of,
    clips_of,
    load_model,
    pick_device,
    track_vector,
)
from audiorec.models.parallel_forward import ordered_map
from audiorec.progress import Progress, silent

if TYPE_CHECKING:
    from audiorec.mel import MelStore

__all__ = ["check_mels", "embed", "embed_store", "load_model"]


def embed(
    model: ContentModel,
    mels: Iterable[tuple[str, Sequence[np.ndarray]]],
    *,
    device: str = "auto",
    progress: Progress = silent,
    total: int | None = None,
) -> Embeddings:
    """Predict tracks' vectors from their spectrograms.

    Parameters
    ----------
    model : ContentModel
    mels : iterable of (str, sequence of np.ndarray [shape=(n_mels, n_frames)])
        Each track's id and the log-mels of its clips, computed with ``model.mel``. They are
        consumed one by one, so that a generator keeps memory small.
    device : {"auto", "cpu", "cuda", "mps"}
    progress : Progress
    total : int, optional
        Number of tracks, for `progress`.

    Returns
    -------
    embeddings : Embeddings
        In the order of `mels`; see `audiorec.models.content_model`.

    Raises
    ------
    ArtifactError
        If the encoder's pretrained weights are missing in the cache, or damaged.
    ParameterError
        If a track has no clip, or a clip has another number of bands or values that are not finite.

    Examples
    --------
    >>> from audiorec.models import ModelConfig
    >>> from audiorec.models.content_model import build_network, no_scale
    >>> from audiorec.models import TrainConfig
    >>> shape, mel = ModelConfig(channels=4, hidden=4), MelConfig(n_mels=16)
    >>> scale = no_scale(n_mels=16)
    >>> network = build_network(shape, mel=mel, n_outputs=8, scale=scale, published=False).eval()
    >>> model = ContentModel(network, shape, mel, TrainConfig(), n_outputs=8, output_norm="unit")
    >>> embed(model, [("a", [np.zeros((16, 440), np.float32)])], device="cpu").vectors.shape
    (1, 8)
    """
    where = pick_device(device)
    network = model.on(where)

    def vector(track: tuple[str, Sequence[np.ndarray]]) -> tuple[str, np.ndarray]:
        track_id, clips = track
        vectors = track_vector(
            network, clips, crop=model.crop, norm=model.output_norm, device=where
        )
        return track_id, vectors

    checked = _checked(mels, n_mels=model.mel.n_mels)
    vectors = ordered_map(vector, checked, device=where)
    return _gathered(model, vectors, progress=progress, total=total)


def embed_store(
    model: ContentModel,
    store: MelStore,
    *,
    ids: Sequence[str] | None = None,
    features: FeatureStore | None = None,
    device: str = "auto",
    progress: Progress = silent,
) -> Embeddings:
    """Predict vectors for the tracks of a mel store: those of `ids`, or all of them.

    Parameters
    ----------
    model : ContentModel
    store : MelStore
    ids : sequence of str, optional
    features : FeatureStore, optional
        Features of the store by a frozen encoder, which are then not computed again.
    device, progress
        See `embed`.

    Raises
    ------
    ArtifactError
        If the mel settings of the store differ from the model's.
    NotFoundError
        If an id of `ids` is not in the store.
    """
    check_mels(model, store.config if features is None else features.config)
    wanted = store.ids if ids is None else tuple(ids)
    if features is None or not model.config.frozen:
        mels = ((track_id, clips_of(store, track_id)) for track_id in wanted)
        return embed(model, mels, device=device, progress=progress, total=len(wanted))
    rows = features.take(blocks_of(model.config))
    head, cpu = model.network.cpu().eval(), torch.device("cpu")
    vectors = (
        (i, track_vector(head, rows.mels(i), crop=None, norm=model.output_norm, device=cpu))
        for i in wanted
    )
    return _gathered(model, vectors, progress=progress, total=len(wanted))


def embed_elsewhere(
    directory: Path,
    store: MelStore,
    *,
    engine: Engine,
    ids: Sequence[str],
    n_jobs: int | None = None,
    device: str = "auto",
    progress: Progress = silent,
) -> Embeddings:
    """Predict as `embed_store` does, in other processes.

    Parameters
    ----------
    directory : Path
        Folder of the model; read by every process, like the store.
    store : MelStore
    engine : {"local", "ray"}
    ids : sequence of str
    n_jobs : int or None
        Processes at a time.
    device : {"auto", "cpu", "cuda", "mps"}
        Of each process.
    progress : Progress

    Raises
    ------
    ArtifactError
        If the mel settings of the store differ from the model's.
    EngineError
        If a process cannot read the store or the model.
    """
    model = load_model(directory)
    check_mels(model, store.config)
    work = partial(embed_track, model=directory, mels=store.directory, device=device)

    def vectors() -> Iterator[tuple[str, np.ndarray]]:
        for track_id, vector, error in run_on(engine, work, ids, n_jobs=n_jobs):
            if vector is None:
                raise EngineError(f"track {track_id!r} was not embedded: {error}")
            yield track_id, vector

    return _gathered(model, vectors(), progress=progress, total=len(ids))


def embed_track(track_id: str, *, model: Path, mels: Path, device: str) -> np.ndarray:
    """Predict one track, in a worker process : np.ndarray [shape=(n_outputs,)], float32."""
    opened = _opened_model(model, artifacts.load_manifest(model, kind="model").fingerprint)
    clips = clips_of(opened_store(mels), track_id)
    return embed(opened, [(track_id, clips)], device=device).vectors[0]


@lru_cache(maxsize=1)
def _opened_model(directory: Path, _fingerprint: str) -> ContentModel:
    return load_model(directory)


def _gathered(
    model: ContentModel,
    vectors: Iterable[tuple[str, np.ndarray]],
    *,
    progress: Progress,
    total: int | None,
) -> Embeddings:
    ids: list[str] = []
    rows: list[np.ndarray] = []
    for track_id, vector in vectors:
        ids.append(track_id)
        rows.append(vector)
        progress("embed", len(ids), total)
    matrix = np.stack(rows) if rows else np.empty((0, model.n_outputs), dtype=np.float32)
    return Embeddings(ids, matrix)


def check_mels(model: ContentModel, config: MelConfig) -> None:
    """Raise `ArtifactError` unless the model accepts spectrograms of these settings."""
    if line := unlike(model.mel, config):
        raise ArtifactError(line)


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
