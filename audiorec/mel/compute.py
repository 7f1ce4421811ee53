"""The stage that computes the catalogue's spectrograms, a shard at a time.

A shard holds the next tracks in the order of their ids, and also counts those that failed. So a
run that was killed resumes at the shard it was in, and ends with the same files as one that ran
through.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from audiorec import artifacts
from audiorec.audio import IDENTITY_CLIP, MelConfig, clip_hash, decode_clips, fingerprint_shard
from audiorec.audio.fingerprint import FINGERPRINT_VERSION
from audiorec.data import file_of
from audiorec.data.catalog import Catalog
from audiorec.data.magic_bytes import SPECTROGRAM
from audiorec.exceptions import AudioError, DamagedArtifactError
from audiorec.local_or_ray import Engine, run_on
from audiorec.mel.external_spectrograms import read_array
from audiorec.mel.scanned_mels import ScannedMels, TrackMels, compute_clips
from audiorec.mel.store import KIND, with_current_names
from audiorec.progress import Progress, silent
from audiorec.worker_pool import Outcome

STAGE = "mel"
SHARD_TRACKS = 64
# Storing a shard lists all earlier ones: in large catalogues later shards are larger, so that
# there are fewer. The largest take 170 MB on disk, and as much memory while they are written.
GROW_AFTER = 1024  # shards
GROW_TIMES = 3  # to twice the size each time
PADDING = -100.0  # dB, the floor of log_mel


class MelReport(NamedTuple):
    """Number of tracks computed, kept from earlier runs, and failed to decode."""

    computed: int
    kept: int
    failed: int


class ShardRow(NamedTuple):
    """One clip in a shard; a track that failed has one with ``row=-1`` and ``n_frames=0``.

    `start` is its position in the recording, s; NaN where that was not stored yet.
    """

    track_id: str
    clip_hash: str
    clip: int
    row: int
    n_frames: int
    start: float = float("nan")


class MelJob(NamedTuple):
    """A track to compute, displayed as its path; `state` is that of its file when scanned."""

    track_id: str
    path: str
    clip_hash: str
    state: tuple[int, int] = (0, 0)

    def __str__(self) -> str:
        return self.path


def compute_mels(
    directory: Path,
    catalog: Catalog,
    *,
    config: MelConfig,
    n_jobs: int | None = None,
    engine: Engine = "local",
    check: Literal["sizes", "digests"] = "sizes",
    scanned: ScannedMels | None = None,
    progress: Progress = silent,
) -> MelReport:
    """Compute missing spectrograms, and drop those of tracks that are gone.

    Damaged shards count as missing; the others are kept.

    Parameters
    ----------
    directory : Path
        Of the artifact, kind "mels"; read it by `MelStore`. Other settings start it anew.
    catalog : Catalog
        Failures are recorded in it.
    config : MelConfig
    n_jobs : int or None
        Worker processes; None is one per CPU.
    engine : {"local", "ray"}
        Local processes, or a Ray cluster's; see `audiorec.local_or_ray`.
    check : {"sizes", "digests"}
        How damaged shards are detected: by the sizes of their files, or by every byte.
    scanned : ScannedMels or None
        Spectrograms computed by a scan, which are used as they are. It is empty afterwards.
    progress : Progress

    Raises
    ------
    ArtifactError
        If `directory` holds something else, or an artifact of a newer version.
    """
    directory = Path(directory)
    shards = Shards(directory, config, check=check)
    tracks = catalog.tracks(include_missing=True)
    shards.keep_only({track.track_id: track.clip_hash for track in tracks})
    good, bad = shards.attempted()
    present = [track for track in tracks if not track.missing]
    states = catalog.file_states()
    jobs = [MelJob(t.track_id, t.path, t.clip_hash, states[t.track_id]) for t in present]
    fresh = [job for job in jobs if job.track_id not in good | bad]
    again = [job for job in jobs if job.track_id in bad]
    kept = sum(track.track_id in good for track in present)
    computed = 0
    done, total = kept, len(present)
    progress(STAGE, done, total)
    work = partial(run_on, engine, partial(compute_track, config=config), n_jobs=n_jobs)
    outcomes = _outcomes([*fresh, *again], work, scanned=scanned)
    left = Counter(job.clip_hash for job in [*fresh, *again])  # copies of a file share one
    batch: list[Outcome[MelJob, TrackMels]] = []
    for number, outcome in enumerate(outcomes, 1):
        batch.append(outcome)
        progress(STAGE, done + number, total)
        # Earlier failures are retried in shards of their own, so that the others stay the same.
        if len(batch) == shards.room or number in (len(fresh), len(fresh) + len(again)):
            computed += shards.add(batch, is_retry=number > len(fresh))
            _record(catalog, batch)
            if scanned is not None:
                left.subtract(outcome.item.clip_hash for outcome in batch)
                done_with = {outcome.item.clip_hash for outcome in batch}
                scanned.remove(clip_hash for clip_hash in done_with if not left[clip_hash])
            batch = []
    absent = sorted({track.track_id for track in tracks if track.missing})
    shards.finish({"catalog": catalog.fingerprint()}, absent=absent)
    if scanned is not None:
        scanned.clear()
    progress(STAGE, total, total)
    return MelReport(computed=computed, kept=kept, failed=total - kept - computed)


def compute_track(job: MelJob, *, config: MelConfig) -> TrackMels:
    """Compute one track's spectrograms, in a worker process."""
    if job.path.endswith(SPECTROGRAM):
        if _is_touched(job):
            raise AudioError(f"{job.path} has changed; run 'audiorec dataset' on its set again")
        return read_array(Path(job.path), config=config)
    _check_unchanged(job)
    decoded = decode_clips(Path(job.path), config=config)
    return compute_clips(decoded, config=config)


def _outcomes(
    jobs: Sequence[MelJob],
    work: Callable[[Iterable[MelJob]], Iterator[Outcome[MelJob, TrackMels]]],
    *,
    scanned: ScannedMels | None,
) -> Iterator[Outcome[MelJob, TrackMels]]:
    """Outcome of every job, in order; worker processes do those that no scan has done.

    So no process is started where a scan has done them all.
    """
    done = [
        scanned is not None
        and job.clip_hash in scanned
        and Path(file_of(job.path)).is_file()
        and not _is_touched(job)
        for job in jobs
    ]
    others = work(job for job, is_done in zip(jobs, done, strict=True) if not is_done)
    for job, is_done in zip(jobs, done, strict=True):
        if not is_done:
            yield next(others)
        elif scanned is not None and (computed := scanned.load(job.clip_hash)) is not None:
            yield Outcome(job, computed, None)
        else:  # damaged since the scan
            yield from work([job])


def _is_touched(job: MelJob) -> bool:
    """Whether a file exists but has changed since it was scanned."""
    path = Path(file_of(job.path))
    if job.state == (0, 0) or not path.is_file():  # not scanned, or a case for the decoder
        return False
    now = path.stat()
    return (now.st_size, now.st_mtime_ns) != job.state


def _check_unchanged(job: MelJob) -> None:
    """Raise `AudioError` if a file holds another recording than when it was scanned."""
    path = Path(job.path)
    if (
        _is_touched(job)
        and clip_hash(decode_clips(path, config=IDENTITY_CLIP).clips[0]) != job.clip_hash
    ):
        raise AudioError(
            f"{path} is another recording than at the last scan; run 'audiorec scan' on it again"
        )


def _record(catalog: Catalog, batch: Iterable[Outcome[MelJob, TrackMels]]) -> None:
    with catalog.transaction():
        for outcome in batch:
            if outcome.error is None:
                catalog.clear_failure(outcome.item.path, stage=STAGE)
            else:
                catalog.record_failure(outcome.item.path, stage=STAGE, reason=outcome.error)


def shard_tracks(number: int) -> int:
    """Tracks in the shard of a number, unless it is the last of a run."""
    return int(SHARD_TRACKS << min(number // GROW_AFTER, GROW_TIMES))


class Shards:
    """The artifact while it grows: its files, and the contents of every shard."""

    def __init__(
        self, directory: Path, config: MelConfig, *, check: Literal["sizes", "digests"] = "sizes"
    ) -> None:
        self._directory = directory
        self._config = config
        self._files: dict[str, artifacts.ArtifactFile] = {}
        self._metas: dict[str, list[ShardRow]] = {}
        self._fingerprints: dict[str, dict[str, np.ndarray]] = {}
        self._free = 0  # no number below it is free
        manifest = _manifest_or_none(directory)
        if manifest is None or artifacts.current_settings(manifest.config) != config.model_dump():
            return
        for name in _whole_shards(directory, manifest, check=check):
            meta = artifacts.load_array(directory, manifest, f"meta-{name}", mmap=False)
            self._metas[name] = [ShardRow(*row) for row in meta.tolist()]
            self._files |= {part: manifest.files[part] for part in _parts(name)}
            if manifest.extra.get("fingerprints") == FINGERPRINT_VERSION:
                known = artifacts.load_array(
                    directory, manifest, f"fingerprints-{name}", mmap=False
                )
                ids = _computed_ids(self._metas[name])
                self._fingerprints[name] = dict(zip(ids, known, strict=True))
            else:
                mels = artifacts.load_array(directory, manifest, f"shard-{name}")
                made = fingerprint_shard(mels, self._metas[name], config=config)
                self._put_fingerprints(name, made)

    def attempted(self) -> tuple[set[str], set[str]]:
        """Tracks that were computed, and tracks that failed."""
        rows = [row for meta in self._metas.values() for row in meta]
        good = {row.track_id for row in rows if row.n_frames}
        return good, {row.track_id for row in rows} - good

    @property
    def room(self) -> int:
        """Tracks that the next shard holds."""
        return shard_tracks(self._next)

    @property
    def _next(self) -> int:
        """The first free number: a damaged shard is computed again under its own number."""
        self._free = next(i for i in count(self._free) if f"{i:05d}" not in self._metas)
        return self._free

    def keep_only(self, wanted: dict[str, str]) -> None:
        """Drop tracks that are not wanted, or whose audio changed. `wanted`: clip hash by id."""
        for name, meta in list(self._metas.items()):
            rows = [row for row in meta if wanted.get(row.track_id) == row.clip_hash]
            if len(rows) != len(meta):
                self._rewrite(name, rows)

    def add(self, batch: Sequence[Outcome[MelJob, TrackMels]], *, is_retry: bool) -> int:
        """Write a shard and commit it; return how many of its tracks did not fail."""
        good = [outcome for outcome in batch if outcome.value is not None]
        if is_retry:
            self._forget_failed({outcome.item.track_id for outcome in good})
            batch = good
        if not batch:
            return 0
        name = f"{self._next:05d}"
        meta: list[ShardRow] = []
        mels: list[np.ndarray] = []
        for (track_id, _, hash_, _), value, _ in batch:
            if value is None:
                meta.append(ShardRow(track_id, hash_, 0, -1, 0))
                continue
            for clip, (mel, start) in enumerate(zip(value.mels, value.starts, strict=True)):
                meta.append(ShardRow(track_id, hash_, clip, len(mels), mel.shape[1], start))
                mels.append(mel)
        shape = (len(mels), self._config.n_mels, self._config.n_frames)
        shard = np.full(shape, PADDING, dtype=np.float16)
        for row, mel in enumerate(mels):
            shard[row, :, : mel.shape[1]] = mel
        self._fingerprints[name] = {
            outcome.item.track_id: outcome.value.fingerprint for outcome in good if outcome.value
        }
        self._put_array(f"shard-{name}", shard)
        self._rewrite(name, meta)
        self._commit(inputs={}, extra={"complete": False})
        return len(good)

    def finish(self, inputs: dict[str, str], *, absent: Sequence[str]) -> None:
        """Commit the artifact as complete."""
        self._commit(inputs=inputs, extra={"complete": True, "absent": list(absent)})

    def _forget_failed(self, track_ids: set[str]) -> None:
        for name, meta in list(self._metas.items()):
            rows = [row for row in meta if row.n_frames or row.track_id not in track_ids]
            if len(rows) != len(meta):
                self._rewrite(name, rows)

    def _rewrite(self, name: str, meta: list[ShardRow]) -> None:
        """Rewrite the contents of a shard; an empty shard is deleted."""
        if not meta:
            for part in _parts(name):
                del self._files[part]
            del self._metas[name], self._fingerprints[name]
            self._free = 0
            return
        self._metas[name] = meta
        known = self._fingerprints[name]
        self._fingerprints[name] = {id_: known[id_] for id_ in _computed_ids(meta)}
        length = max(1, *(len(row.track_id) for row in meta))
        hash_length = max(1, *(len(row.clip_hash) for row in meta))
        kind = np.dtype(
            [
                ("track_id", f"<U{length}"),
                ("clip_hash", f"<U{hash_length}"),
                ("clip", "<i4"),
                ("row", "<i4"),
                ("n_frames", "<i4"),
                ("start", "<f8"),
            ]
        )
        self._put_array(f"meta-{name}", np.array([tuple(row) for row in meta], dtype=kind))
        self._put_fingerprints(name, self._fingerprints[name])

    def _put_fingerprints(self, name: str, made: dict[str, np.ndarray]) -> None:
        self._fingerprints[name] = made
        self._put_array(f"fingerprints-{name}", np.array(list(made.values()), dtype=np.uint32))

    def _put_array(self, name: str, array: np.ndarray) -> None:
        self._files[name] = artifacts.put_array(self._directory, name, array)

    def _commit(self, *, inputs: dict[str, str], extra: dict[str, object]) -> None:
        artifacts.commit(
            self._directory,
            kind=KIND,
            files=self._files,
            config=self._config.model_dump(),
            inputs=inputs,
            extra={**extra, "fingerprints": FINGERPRINT_VERSION},
        )


def _computed_ids(meta: Sequence[ShardRow]) -> list[str]:
    """Ids of the tracks that did not fail, in order, once each."""
    return list(dict.fromkeys(row.track_id for row in meta if row.n_frames))


def _parts(name: str) -> list[str]:
    """The files of a shard."""
    return [f"{part}-{name}" for part in ("shard", "meta", "fingerprints")]


def _whole_shards(
    directory: Path, manifest: artifacts.Manifest, *, check: Literal["sizes", "digests"]
) -> list[str]:
    """Numbers of the shards that are complete."""

    def is_whole(part: str) -> bool:
        entry = manifest.files.get(part)
        if entry is None:
            return False
        file = directory / entry.file
        if not file.is_file() or file.stat().st_size != entry.size:
            return False
        return check == "sizes" or artifacts.matches_digest(file, entry.digest)

    names = sorted(name[6:] for name in manifest.files if name.startswith("shard-"))
    return [name for name in names if all(map(is_whole, _parts(name)))]


def _manifest_or_none(directory: Path) -> artifacts.Manifest | None:
    """The manifest of an existing artifact; None where it has to be computed anew."""
    if not artifacts.exists(directory):
        return None
    try:
        return with_current_names(artifacts.load_manifest(directory, kind=KIND, check="manifest"))
    except DamagedArtifactError:
        return None
