"""From a checkpoint and spectrograms to `Embeddings`; plain torch, no training loop."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from audiorec.config import MelConfig
from audiorec.embeddings import Embeddings
from audiorec.exceptions import ArtifactError, ParameterError
from audiorec.models.checkpoint import Checkpoint
from audiorec.models.predict import clips_of, pick_device, predict
from audiorec.progress import Progress, silent

if TYPE_CHECKING:
    from audiorec.mel.store import MelStore


def embed(
    checkpoint: Checkpoint,
    mels: Iterable[tuple[str, Sequence[np.ndarray]]],
    *,
    device: str = "auto",
    batch_size: int = 64,
    progress: Progress = silent,
    total: int | None = None,
) -> Embeddings:
    """Predict where tracks lie in the listeners' space.

    Parameters
    ----------
    checkpoint : Checkpoint
    mels : iterable of (str, sequence of np.ndarray [shape=(n_mels, n_frames)], dB)
        Each track's id and the log-mels of its clips, made with ``checkpoint.mel``. They are taken
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
        In the order of `mels`. A track's vector is the mean over the consecutive windows of all
        its clips, each as long as a training crop. Of length 1 where ``checkpoint.output_norm``
        is "unit", else as the network gives them.

    Raises
    ------
    ParameterError
        If a track has no clip, or a clip another number of bands or values that are not finite.
    """
    where = pick_device(device)
    found = predict(
        checkpoint.network().to(where),
        _checked(mels, n_mels=checkpoint.mel.n_mels),
        scale=checkpoint.scale,
        window=checkpoint.window,
        norm=checkpoint.output_norm,
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
    matrix = np.stack(rows) if rows else np.empty((0, checkpoint.n_outputs), dtype=np.float32)
    return Embeddings(ids, matrix)


def embed_store(
    checkpoint: Checkpoint,
    store: MelStore,
    *,
    ids: Sequence[str] | None = None,
    device: str = "auto",
    batch_size: int = 64,
    progress: Progress = silent,
) -> Embeddings:
    """Predict for the tracks of a mel store: those of `ids`, or all of them.

    Raises
    ------
    ArtifactError
        If the store was made with other mel settings than the checkpoint.
    NotFoundError
        If an id of `ids` is not in the store.
    """
    check_mels(checkpoint, store.config)
    wanted = store.ids if ids is None else ids
    return embed(
        checkpoint,
        ((track_id, clips_of(store, track_id)) for track_id in wanted),
        device=device,
        batch_size=batch_size,
        progress=progress,
        total=len(wanted),
    )


def check_mels(checkpoint: Checkpoint, config: MelConfig) -> None:
    """Raise `ArtifactError` unless spectrograms of these settings are what the model learned on."""
    model, given = checkpoint.mel.model_dump(), config.model_dump()
    key = next((key for key in model if model[key] != given[key]), None)
    if key is not None:
        raise ArtifactError(
            f"the mels have {key}={given[key]!r} and the model was trained on {key}={model[key]!r};"
            f" run 'audiorec train' again, or 'audiorec mel' with {key}={model[key]!r}"
        )


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
