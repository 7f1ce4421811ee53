"""Tag the catalogue's tracks by a pretrained network, and store the tags.

Files are decoded in worker processes, several clips are encoded at a time, and results are stored
about every second. A killed run resumes where it was.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from audiorec.data.catalog import Autotags, Catalog, Track
from audiorec.exceptions import AudioError, ParameterError
from audiorec.mel import MelJob, audio_to_mels
from audiorec.models import encode_clips, kept_features
from audiorec.models.encoders import PretrainedEncoder, check_front_end
from audiorec.models.parallel_forward import ordered_map
from audiorec.progress import Progress, silent
from audiorec.worker_pool import run_isolated

if TYPE_CHECKING:
    from audiorec.audio import MelConfig
    from audiorec.mel import MelStore

STAGE = "tags"
BATCH_SECONDS = 1.0  # between commits


class AutotagReport(NamedTuple):
    """Number of tracks tagged now, tagged before, and impossible to tag."""

    tagged: int
    kept: int
    failed: int


def autotag_catalog(
    catalog: Catalog,
    encoder: PretrainedEncoder,
    *,
    store: MelStore | None = None,
    directory: Path | None = None,
    n_jobs: int | None = None,
    progress: Progress = silent,
) -> AutotagReport:
    """Tag every track whose current audio this network has not tagged.

    Parameters
    ----------
    catalog : Catalog
        Failures are recorded in it.
    encoder : PretrainedEncoder
    store : MelStore or None
        Spectrograms to use if they match the encoder and the current catalogue; otherwise the files
        are decoded again.
    directory : Path or None
        Cache of `audiorec.models.frozen_features.compute_features` with features of this network,
        which are not computed again.
    n_jobs : int or None
        Worker processes, and clips encoded at a time; None is one per CPU.
    progress : Progress
    """
    tracks = catalog.tracks()
    total = len(tracks)
    if directory is not None:
        _take_over(catalog, encoder, tracks, directory)
    untagged = set(catalog.tags.untagged(encoder.name))
    jobs = [MelJob(t.track_id, t.path, t.clip_hash) for t in tracks if t.track_id in untagged]
    kept, done, failed = total - len(jobs), 0, 0
    progress(STAGE, kept, total)
    stored = store if store is not None and _store_is_current(store, encoder, catalog) else None
    outcomes = _tag_all(encoder, jobs, store=stored, n_jobs=n_jobs)
    batch: list[tuple[MelJob, Autotags | str]] = []
    began = time.monotonic()
    for job, outcome in outcomes:
        batch.append((job, outcome))
        done += 1
        failed += isinstance(outcome, str)
        progress(STAGE, kept + done, total)
        if time.monotonic() - began > BATCH_SECONDS:
            _commit(catalog, batch, source=encoder.name)
            batch, began = [], time.monotonic()
    _commit(catalog, batch, source=encoder.name)
    return AutotagReport(tagged=done - failed, kept=kept, failed=failed)


def _take_over(
    catalog: Catalog, encoder: PretrainedEncoder, tracks: Sequence[Track], directory: Path
) -> None:
    """Store tags from cached features; tracks that are too short have none."""
    untagged = set(catalog.tags.untagged(encoder.name))
    shortest = encoder.window * encoder.mel.hop_length / encoder.mel.sr
    wanted = [t for t in tracks if t.track_id in untagged and t.duration >= shortest]
    sounds = {track.track_id: track.clip_hash for track in wanted}
    kept = kept_features(directory, encoder=encoder.name, sounds=sounds)
    with catalog.transaction():
        for track_id in kept.ids:
            job = MelJob(track_id, "", sounds[track_id])
            catalog.tags.keep(
                [_autotags_of(job, kept.rows(track_id), encoder)], source=encoder.name
            )


def autotag_file(file: Path, encoder: PretrainedEncoder) -> Autotags:
    """Tag a file by a network, without storing the tags.

    Raises
    ------
    AudioError
        If it is silent, or shorter than the network's window.
    """
    job = MelJob(str(file), str(file), "")
    mels = job_mels(job, config=encoder.mel)
    if reason := _too_short(job.path, mels, encoder):
        raise AudioError(reason)
    return _autotags_of(job, encode_clips(encoder, mels, device=_device_of(encoder)), encoder)


def job_mels(job: MelJob, *, config: MelConfig) -> list[np.ndarray]:
    """Compute the spectrograms of one track, in a worker process."""
    return audio_to_mels(Path(job.path), config=config)


def _tag_all(
    encoder: PretrainedEncoder,
    jobs: Sequence[MelJob],
    *,
    store: MelStore | None,
    n_jobs: int | None,
) -> Iterator[tuple[MelJob, Autotags | str]]:
    """Outcome of each job: its tags, or the reason of a failure.

    Failures are reported as they occur, a few tracks before the tags of the time.
    """
    clips_of: list[MelJob] = []  # the track of each clip, in the order of encoding
    failures: list[tuple[MelJob, str]] = []

    def clips() -> Iterator[np.ndarray]:
        for job, mels, error in _mels(encoder, jobs, store=store, n_jobs=n_jobs):
            reason = error or _too_short(job.path, mels, encoder)
            if reason:
                failures.append((job, reason))
                continue
            for mel in mels:
                clips_of.append(job)
                yield mel

    device = _device_of(encoder)

    def encode(mel: np.ndarray) -> np.ndarray:
        return encode_clips(encoder, [mel], device=device)

    encoded = enumerate(ordered_map(encode, clips(), device=device, n=n_jobs))
    for job, rows in groupby(encoded, key=lambda pair: clips_of[pair[0]]):
        yield job, _autotags_of(job, np.concatenate([row for _, row in rows]), encoder)
        while failures:
            yield failures.pop(0)
    yield from failures


def _mels(
    encoder: PretrainedEncoder,
    jobs: Sequence[MelJob],
    *,
    store: MelStore | None,
    n_jobs: int | None,
) -> Iterator[tuple[MelJob, list[np.ndarray], str | None]]:
    """Spectrograms of each job, from the store or by decoding; or the reason of a failure."""
    decoded = [job for job in jobs if store is None or job.track_id not in store]
    if store is not None:
        yield from ((job, store.mels(job.track_id), None) for job in jobs if job.track_id in store)
    function = partial(job_mels, config=encoder.mel)
    for job, mels, error in run_isolated(function, decoded, n_jobs=n_jobs):
        yield job, mels or [], error


def _store_is_current(store: MelStore, encoder: PretrainedEncoder, catalog: Catalog) -> bool:
    """Whether spectrograms match the encoder, and the current audio of the catalogue."""
    try:
        check_front_end(encoder, store.config)
    except ParameterError:
        return False
    return store.complete and store.inputs.get("catalog") == catalog.fingerprint()


def _too_short(path: str, mels: Sequence[np.ndarray], encoder: PretrainedEncoder) -> str:
    """Reason why a clip is too short for the encoder; empty if none is."""
    n_frames = min((mel.shape[1] for mel in mels), default=0)
    if n_frames >= encoder.window:
        return ""
    rate = encoder.mel.sr / encoder.mel.hop_length
    return (
        f"{path} lasts {(n_frames - 1) / rate:.1f} s and {encoder.name} takes "
        f"{encoder.window / rate:.1f} s at once; too short to tag"
    )


def _device_of(encoder: PretrainedEncoder) -> torch.device:
    return next(encoder.parameters()).device


def _autotags_of(job: MelJob, rows: np.ndarray, encoder: PretrainedEncoder) -> Autotags:
    """Features and tags of a track; a tag's confidence is its mean probability over windows."""
    parts = np.split(rows.mean(axis=0), np.cumsum([*encoder.blocks.values()])[:-1])
    of = dict(zip(encoder.blocks, parts, strict=True))
    features = np.concatenate([of["mean"], of["std"], of["logits"]])
    tags = dict(zip(encoder.tags, of["tags"].tolist(), strict=True))
    return Autotags(job.track_id, job.clip_hash, features, tags)


def _commit(
    catalog: Catalog, batch: Sequence[tuple[MelJob, Autotags | str]], *, source: str
) -> None:
    with catalog.transaction():
        for job, result in batch:
            if isinstance(result, str):
                catalog.record_failure(job.path, stage=STAGE, reason=result)
            else:
                catalog.clear_failure(job.path, stage=STAGE)
        tagged = [result for _, result in batch if isinstance(result, Autotags)]
        catalog.tags.keep(tagged, source=source)
