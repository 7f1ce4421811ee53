"""Cache of frozen encoder features, so that no clip is encoded twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from audiorec import artifacts
from audiorec.audio import MelConfig
from audiorec.embeddings import Embeddings
from audiorec.exceptions import EngineError, NotFoundError
from audiorec.local_or_ray import Engine, run_on
from audiorec.mel import opened_store
from audiorec.models.config import ModelConfig
from audiorec.models.content_model import crops_of
from audiorec.models.devices import pick_device
from audiorec.models.encoder_names import FIXED_ENCODER
from audiorec.models.encoders import Encoder, build_encoder, check_front_end
from audiorec.models.parallel_forward import ordered_map
from audiorec.models.pretrained import find
from audiorec.progress import Progress, silent

if TYPE_CHECKING:
    from audiorec.mel import MelStore

KIND = "features"
CHUNK = 64  # tracks between commits


class FeatureStore:
    """Rows of features of tracks, one for each clip.

    Attributes
    ----------
    encoder : str
    config : MelConfig
        Settings of the spectrograms.
    blocks : dict of str to int
        Names and widths of the blocks of a row; see `Encoder`.
    fingerprint : str
        Digest of the spectrograms and the encoder.
    """

    def __init__(
        self,
        encoder: str,
        config: MelConfig,
        *,
        rows: Mapping[str, np.ndarray],
        blocks: Mapping[str, int],
        fingerprint: str = "",
    ) -> None:
        self.encoder, self.config, self.fingerprint = encoder, config, fingerprint
        self.blocks = dict(blocks)
        self._rows = dict(sorted(rows.items()))

    @property
    def ids(self) -> tuple[str, ...]:
        """Tracks with features, ascending."""
        return tuple(self._rows)

    def rows(self, track_id: str) -> np.ndarray:
        """Features of a track's clips : np.ndarray [shape=(n_clips, n_features)], float32.

        Raises
        ------
        NotFoundError
            If the track has none.
        """
        try:
            return self._rows[track_id]
        except KeyError:
            raise NotFoundError(
                f"track {track_id!r} has no features of {self.encoder}; run 'audiorec mel' first"
            ) from None

    def take(self, blocks: Sequence[str] | None) -> FeatureStore:
        """Select some of the blocks; None is all of them."""
        if blocks is None:
            return self
        ends = dict(zip(self.blocks, np.cumsum([*self.blocks.values()]), strict=True))
        columns = [slice(ends[name] - self.blocks[name], ends[name]) for name in blocks]
        rows = {
            i: np.concatenate([one[:, part] for part in columns], axis=1)
            for i, one in self._rows.items()
        }
        widths = {name: self.blocks[name] for name in blocks}
        return FeatureStore(
            self.encoder, self.config, rows=rows, blocks=widths, fingerprint=self.fingerprint
        )

    def mels(self, track_id: str) -> list[np.ndarray]:
        """Features of a track's clips, in the place of log-mels; see `ClipSource`."""
        return list(self.rows(track_id))

    def features(self, ids: Sequence[str] | None = None) -> Embeddings:
        """One row per track, the mean over its clips: of `ids`, or of all tracks."""
        wanted = self.ids if ids is None else tuple(ids)
        matrix = [self.rows(i).mean(axis=0) for i in wanted]
        empty = np.empty((0, sum(self.blocks.values())), dtype=np.float32)
        return Embeddings(wanted, np.stack(matrix) if matrix else empty)


def encode_clips(
    encoder: Encoder, clips: Iterable[np.ndarray], *, device: torch.device
) -> np.ndarray:
    """Encode a track's clips : np.ndarray [shape=(n_clips, n_features)], float32.

    Parameters
    ----------
    encoder : Encoder
        An encoder of whole clips, on `device`.
    clips : iterable of np.ndarray [shape=(n_mels, n_frames)]
    device : torch.device
    """
    with torch.inference_mode():
        rows = [
            encoder(
                torch.tensor(
                    crops_of(np.asarray(mel), crop=None, min_frames=encoder.min_frames),
                    dtype=torch.float32,
                    device=device,
                )
            ).cpu()
            for mel in clips
        ]
    return torch.cat(rows).numpy()


def ready_encoder(encoder: str, *, mel: MelConfig, device: torch.device) -> Encoder:
    """Load a frozen encoder to a device.

    Raises
    ------
    ArtifactError
        If its weights are missing in the cache, or damaged.
    ParameterError
        If it requires spectrograms of other settings.
    """
    ready = build_encoder(ModelConfig(encoder=encoder), mel=mel)
    check_front_end(ready, mel)
    return ready.to(device).eval()


def compute_features(
    store: MelStore,
    *,
    encoder: str,
    directory: Path | None = None,
    n_jobs: int | None = None,
    device: str = "auto",
    engine: Engine = "local",
    progress: Progress = silent,
) -> FeatureStore:
    """Encode every track of a mel store that is not cached.

    Parameters
    ----------
    store : MelStore
    encoder : str
        A frozen encoder; see `ModelConfig`. It is loaded only if there are tracks to encode.
    directory : Path or None
        Cache of the features, written as they are computed, so that a killed run resumes. Another
        encoder, or other mel settings, start it anew.
    n_jobs : int or None
        Tracks at a time; None is one per CPU.
    device : {"auto", "cpu", "cuda", "mps"}
    engine : {"local", "ray"}
        Ray encodes in other processes, which read pretrained weights from the user's cache.
    progress : Progress

    Returns
    -------
    features : FeatureStore
        Of the store's tracks.
    """
    name = _full_name(encoder)
    config = {"encoder": name, "mel": store.config.model_dump()}
    sounds = {track_id: store.clip_hash(track_id) for track_id in store.ids}
    files: dict[str, artifacts.ArtifactFile] = {}
    rows: dict[str, np.ndarray] = {}
    blocks: dict[str, int] = {}
    kept = (
        None if directory is None else artifacts.load_valid(directory, kind=KIND, check="digests")
    )
    if directory and kept and artifacts.current_settings(kept.config) == config:
        files, blocks = dict(kept.files), kept.extra["blocks"]
        rows = _kept_rows(directory, kept, sounds)
    fresh = [track_id for track_id in store.ids if track_id not in rows]
    if fresh:
        progress("encode", len(rows), len(sounds))
        stream = _encode(store, fresh, name, n_jobs=n_jobs, device=device, engine=engine)
        batch: dict[str, np.ndarray] = {}
        for track_id, (features, blocks) in zip(fresh, stream, strict=True):
            batch[track_id] = rows[track_id] = features
            progress("encode", len(rows), len(sounds))
            if directory and (len(batch) == CHUNK or len(rows) == len(sounds)):
                files |= _put_chunk(directory, batch, sounds, number=len(files) // 2)
                extra = {"blocks": blocks}
                artifacts.commit(
                    directory, kind=KIND, files=files, config=config, inputs={}, extra=extra
                )
                batch = {}
    digest = artifacts.fingerprint([name, store.fingerprint])
    return FeatureStore(name, store.config, rows=rows, blocks=blocks, fingerprint=digest)


def kept_features(directory: Path, *, encoder: str, sounds: Mapping[str, str]) -> FeatureStore:
    """Read cached features of tracks whose audio is unchanged; nothing is encoded.

    Parameters
    ----------
    directory : Path
    encoder : str
    sounds : mapping of str to str
        Clip hash of each track's current audio.

    Returns
    -------
    features : FeatureStore
        Empty if nothing is cached, or features of another encoder.
    """
    name = _full_name(encoder)
    kept = artifacts.load_valid(directory, kind=KIND, check="digests")
    if kept is None or artifacts.current_settings(kept.config)["encoder"] != name:
        return FeatureStore(name, MelConfig(), rows={}, blocks={})
    rows = _kept_rows(directory, kept, sounds)
    mel = MelConfig(**kept.config["mel"])
    return FeatureStore(name, mel, rows=rows, blocks=kept.extra["blocks"])


def _kept_rows(
    directory: Path, manifest: artifacts.Manifest, sounds: Mapping[str, str]
) -> dict[str, np.ndarray]:
    """Cached rows of the tracks whose audio matches `sounds`, by id."""
    found: dict[str, np.ndarray] = {}
    for name in sorted(n for n in manifest.files if n.startswith("tracks-")):
        table = artifacts.load_array(directory, manifest, name)
        rows = artifacts.load_array(directory, manifest, name.replace("tracks", "rows"))
        for one, part in zip(table, np.split(rows, np.cumsum(table["n_clips"])[:-1]), strict=True):
            if sounds.get(str(one["track_id"])) == str(one["clip_hash"]):
                found[str(one["track_id"])] = part
    return found


def _put_chunk(
    directory: Path, batch: Mapping[str, np.ndarray], sounds: Mapping[str, str], *, number: int
) -> dict[str, artifacts.ArtifactFile]:
    """Write a table of tracks and an array of their rows."""
    kind = [
        ("track_id", f"<U{max(map(len, batch))}"),
        ("clip_hash", f"<U{max(1, *(len(sounds[i]) for i in batch))}"),
        ("n_clips", "<i4"),
    ]
    table = np.array([(i, sounds[i], len(rows)) for i, rows in batch.items()], dtype=kind)
    arrays = {"tracks": table, "rows": np.concatenate(list(batch.values()))}
    return {
        f"{name}-{number:05d}": artifacts.put_array(directory, f"{name}-{number:05d}", array)
        for name, array in arrays.items()
    }


def _full_name(encoder: str) -> str:
    return find(encoder).name if encoder != FIXED_ENCODER else encoder


def _encode(
    store: MelStore,
    ids: Sequence[str],
    encoder: str,
    *,
    n_jobs: int | None,
    device: str,
    engine: Engine,
) -> Iterator[tuple[np.ndarray, dict[str, int]]]:
    """Rows of each track, in the order of `ids`, and the names and widths of their blocks."""
    if engine == "local":
        where = pick_device(device)
        ready = ready_encoder(encoder, mel=store.config, device=where)

        def work(track_id: str) -> tuple[np.ndarray, dict[str, int]]:
            return encode_clips(ready, store.mels(track_id), device=where), ready.blocks

        yield from ordered_map(work, ids, device=where, n=n_jobs)
        return
    elsewhere = partial(encode_track, mels=store.directory, encoder=encoder, device=device)
    for track_id, features, error in run_on(engine, elsewhere, ids, n_jobs=n_jobs):
        if features is None:
            raise EngineError(f"track {track_id!r} was not encoded: {error}")
        yield features


def encode_track(
    track_id: str, *, mels: Path, encoder: str, device: str
) -> tuple[np.ndarray, dict[str, int]]:
    """Encode one track, in a worker process."""
    store, where = opened_store(mels), pick_device(device)
    ready = _opened_encoder(encoder, store.config, where)
    return encode_clips(ready, store.mels(track_id), device=where), ready.blocks


@lru_cache(maxsize=1)
def _opened_encoder(encoder: str, mel: MelConfig, device: torch.device) -> Encoder:
    return ready_encoder(encoder, mel=mel, device=device)
