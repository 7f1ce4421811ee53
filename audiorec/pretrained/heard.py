"""What a pretrained network heard of tracks, kept, so that nothing is heard twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from audiorec import artifacts
from audiorec.embeddings import Embeddings
from audiorec.engines import Engine, run_on
from audiorec.exceptions import EngineError, NotFoundError, ParameterError
from audiorec.mel.store import opened_store
from audiorec.pretrained.registry import find
from audiorec.progress import Progress, silent

if TYPE_CHECKING:
    from audiorec.audio.config import MelConfig
    from audiorec.mel.store import MelStore
    from audiorec.pretrained.encoder import TagEncoder, Windows

KIND = "heard"
CHUNK = 64  # tracks between commits
COLUMNS = ("penultimate", "logits", "mean_pool")  # of `Windows` that are kept
Part = Literal["mean", "std", "logits", "mean_pool"]
# Mean and spread of the penultimate units over the windows, and the mean logit of each tag.
PARTS: tuple[Part, ...] = ("mean", "std", "logits")


HeardTrack = tuple[str, np.ndarray, tuple[int, ...]]


class Row(NamedTuple):
    """One track in a chunk: how many windows of it were heard, and of which sound."""

    track_id: str
    clip_hash: str
    n_windows: int


class Heard:
    """Windows of tracks, as a pretrained network describes them.

    Attributes
    ----------
    encoder : str
        Name of the network.
    config : MelConfig
        Of the spectrograms.
    widths : tuple of int
        Of a window's penultimate vector, its logits and its pooled feature maps.
    fingerprint : str
        Digest of what was heard and by whom.
    """

    def __init__(
        self,
        encoder: str,
        config: MelConfig,
        *,
        windows: Mapping[str, np.ndarray],
        widths: Sequence[int],
        fingerprint: str = "",
    ) -> None:
        self.encoder, self.config, self.fingerprint = encoder, config, fingerprint
        self.widths = tuple(widths)
        self._windows = dict(sorted(windows.items()))

    @property
    def ids(self) -> tuple[str, ...]:
        """Tracks that were heard, ascending."""
        return tuple(self._windows)

    def __contains__(self, track_id: object) -> bool:
        return track_id in self._windows

    def __len__(self) -> int:
        return len(self._windows)

    def windows(self, track_id: str) -> np.ndarray:
        """What is kept of each window : np.ndarray [shape=(n_windows, sum(widths))], float32.

        Raises
        ------
        NotFoundError
            If the track was not heard.
        """
        try:
            return self._windows[track_id]
        except KeyError:
            raise NotFoundError(
                f"track {track_id!r} was not heard by {self.encoder}; run 'audiorec mel' first"
            ) from None

    def mels(self, track_id: str) -> list[np.ndarray]:
        """Penultimate vectors and logits as the one clip of a spectrogram, a window a frame.

        So that what learns from a `MelStore` can learn from what was heard.
        """
        return [self.windows(track_id)[:, : sum(self.widths[:2])].T]

    def features(
        self, ids: Sequence[str] | None = None, *, parts: Sequence[Part] = PARTS
    ) -> Embeddings:
        """One row per track; see `track_features`."""
        wanted = self.ids if ids is None else tuple(ids)
        rows = [track_features(self.windows(i), widths=self.widths, parts=parts) for i in wanted]
        return Embeddings(wanted, np.stack(rows) if rows else np.empty((0, 0), np.float32))


def track_features(
    windows: np.ndarray, *, widths: Sequence[int], parts: Sequence[Part] = PARTS
) -> np.ndarray:
    """One row of features from everything that was heard of a track.

    Parameters
    ----------
    windows : np.ndarray [shape=(n_windows, sum(widths))]
        See `as_rows`; the windows of all clips count alike.
    widths : sequence of int
        Of the `COLUMNS`.
    parts : sequence of {"mean", "std", "logits", "mean_pool"}
        Mean and standard deviation over windows of the penultimate units; means over windows of
        the tags' logits and of the pooled feature maps.

    Returns
    -------
    features : np.ndarray [shape=(n_features,)], float32
    """
    if not len(windows) or not parts:
        raise ParameterError("a track's features need at least one window and one part")
    penultimate, logits, pooled = np.split(windows, np.cumsum(widths)[:-1], axis=1)
    of = {
        "mean": lambda: penultimate.mean(axis=0),
        "std": lambda: penultimate.std(axis=0),
        "logits": lambda: logits.mean(axis=0),
        "mean_pool": lambda: pooled.mean(axis=0),
    }
    return np.concatenate([of[part]() for part in parts]).astype(np.float32)


def as_rows(windows: Windows) -> np.ndarray:
    """The `COLUMNS` of a clip's windows beside each other, [shape=(n_windows, sum(widths))]."""
    return np.concatenate([getattr(windows, name) for name in COLUMNS], axis=1)


def widths_of(windows: Windows) -> tuple[int, ...]:
    """Widths of the `COLUMNS`."""
    return tuple(getattr(windows, name).shape[1] for name in COLUMNS)


def hear_store(
    store: MelStore,
    *,
    encoder: str,
    directory: Path | None = None,
    n_jobs: int | None = None,
    device: str = "auto",
    engine: Engine = "local",
    progress: Progress = silent,
) -> Heard:
    """Let a pretrained network hear every track of a mel store, those known already excepted.

    Parameters
    ----------
    store : MelStore
    encoder : str
        See `audiorec.pretrained.load`. The network is loaded where something is to be heard.
    directory : Path or None
        Where to keep what is heard, as it comes: what was killed goes on from there. Another
        network, or other mel settings, start it anew.
    n_jobs : int or None
        Clips at a time; see `TagEncoder.hear_all`.
    device : {"auto", "cpu", "cuda", "mps"}
    engine : {"local", "ray"}
        Ray hears in other processes, which find the network in the user's cache.
    progress : Progress

    Returns
    -------
    heard : Heard
        Of the store's tracks. A clip shorter than a window is repeated until it fills one.

    Raises
    ------
    ParameterError
        If the store was made with other mel settings than the network hears.
    ArtifactError
        If the network is not in the cache, or damaged there.
    """
    name = find(encoder).name
    chunks = _Chunks(directory, config={"encoder": name, "mel": store.config.model_dump()})
    known = chunks.known({track_id: store.clip_hash(track_id) for track_id in store.ids})
    fresh = [track_id for track_id in store.ids if track_id not in known]
    if fresh:
        if engine == "local":
            from audiorec.pretrained.encoder import load

            stream = _hear(load(encoder, device=device), store, fresh, n_jobs=n_jobs)
        else:
            work = partial(hear_track, mels=store.directory, encoder=encoder, device=device)
            stream = _hear_elsewhere(work, fresh, engine=engine, n_jobs=n_jobs)
        done = len(known)
        progress("hear", done, len(store.ids))
        batch: dict[str, np.ndarray] = {}
        for track_id, rows, chunks.widths in stream:
            batch[track_id] = known[track_id] = rows
            done += 1
            progress("hear", done, len(store.ids))
            if len(batch) == CHUNK or done == len(store.ids):
                hashes = {i: store.clip_hash(i) for i in batch}
                chunks.add(batch, hashes=hashes)
                batch = {}
    digest = artifacts.fingerprint([name, store.fingerprint])
    return Heard(name, store.config, windows=known, widths=chunks.widths, fingerprint=digest)


def kept_of(directory: Path, *, encoder: str, sounds: Mapping[str, str]) -> Heard:
    """What `hear_store` kept of tracks that still sound as they did; nothing new is heard.

    Parameters
    ----------
    directory : Path
    encoder : str
    sounds : mapping of str to str
        Clip hash of each track as it sounds now.

    Returns
    -------
    heard : Heard
        Empty where nothing is kept, or another network heard it.
    """
    from audiorec.audio.config import MelConfig

    name = find(encoder).name
    manifest = artifacts.load_valid(directory, kind=KIND)
    config = {} if manifest is None else manifest.config
    if config.get("encoder") != name:
        return Heard(name, MelConfig(), windows={}, widths=())
    chunks = _Chunks(directory, config=config)
    known = chunks.known(sounds)
    return Heard(name, MelConfig(**config["mel"]), windows=known, widths=chunks.widths)


def _hear(
    network: TagEncoder, store: MelStore, ids: Sequence[str], *, n_jobs: int | None
) -> Iterator[HeardTrack]:
    """Each track's rows, all its clips together, and their widths; several clips at a time."""
    from audiorec.models.encoder import check_front_end

    check_front_end(network, store.config)
    counts = [store.n_clips(track_id) for track_id in ids]
    clips = (network.filled(mel) for track_id in ids for mel in store.mels(track_id))
    heard = network.hear_all(clips, n_jobs=n_jobs)
    for track_id, count in zip(ids, counts, strict=True):
        clips_heard = [next(heard) for _ in range(count)]
        yield track_id, np.concatenate([*map(as_rows, clips_heard)]), widths_of(clips_heard[0])


def _hear_elsewhere(
    work: Callable[[str], HeardTrack], ids: Sequence[str], *, engine: Engine, n_jobs: int | None
) -> Iterator[HeardTrack]:
    """As `_hear`, by other processes."""
    for track_id, heard, error in run_on(engine, work, ids, n_jobs=n_jobs):
        if heard is None:
            raise EngineError(f"track {track_id!r} was not heard: {error}")
        yield heard


def hear_track(track_id: str, *, mels: Path, encoder: str, device: str) -> HeardTrack:
    """What a process does with one track: its id, its rows, their widths."""
    return next(_hear(_opened_network(encoder, device), opened_store(mels), [track_id], n_jobs=1))


@lru_cache(maxsize=1)
def _opened_network(encoder: str, device: str) -> TagEncoder:
    from audiorec.pretrained.encoder import load

    return load(encoder, device=device)


class _Chunks:
    """The artifact as it grows."""

    def __init__(self, directory: Path | None, *, config: Mapping[str, Any]) -> None:
        self._directory, self._config = directory, dict(config)
        self._files: dict[str, artifacts.ArtifactFile] = {}
        self._rows: dict[str, list[Row]] = {}
        self._manifest: artifacts.Manifest | None = None
        self.widths: tuple[int, ...] = (0,) * len(COLUMNS)
        if directory is None:
            return
        manifest = artifacts.load_valid(directory, kind=KIND)
        if (
            manifest is None
            or manifest.config != self._config
            or artifacts.damaged(directory, manifest)
        ):
            return
        self._manifest, self._files = manifest, dict(manifest.files)
        self.widths = tuple(manifest.extra["widths"])
        for name in sorted(n[7:] for n in manifest.files if n.startswith("tracks-")):
            table = artifacts.load_array(directory, manifest, f"tracks-{name}", mmap=False)
            self._rows[name] = [Row(*row) for row in table.tolist()]

    def known(self, wanted: Mapping[str, str]) -> dict[str, np.ndarray]:
        """Rows of the tracks that are kept and sound as `wanted` says, by id."""
        found: dict[str, np.ndarray] = {}
        for name, rows in self._rows.items():
            assert self._directory is not None and self._manifest is not None
            windows = artifacts.load_array(self._directory, self._manifest, f"windows-{name}")
            ends = np.cumsum([row.n_windows for row in rows])
            for row, part in zip(rows, np.split(windows, ends[:-1]), strict=True):
                if wanted.get(row.track_id) == row.clip_hash:
                    found[row.track_id] = part
        return found

    def add(self, batch: Mapping[str, np.ndarray], *, hashes: Mapping[str, str]) -> None:
        """Write a chunk and commit it."""
        if self._directory is None:
            return
        name = f"{max(map(int, self._rows), default=-1) + 1:05d}"
        self._rows[name] = [Row(i, hashes[i], len(rows)) for i, rows in batch.items()]
        kind = [
            ("track_id", f"<U{max(map(len, batch))}"),
            ("clip_hash", f"<U{max(1, *map(len, hashes.values()))}"),
            ("n_windows", "<i4"),
        ]
        table = np.array([tuple(row) for row in self._rows[name]], dtype=kind)
        self._files |= {
            f"tracks-{name}": artifacts.put_array(self._directory, f"tracks-{name}", table),
            f"windows-{name}": artifacts.put_array(
                self._directory, f"windows-{name}", np.concatenate(list(batch.values()))
            ),
        }
        artifacts.commit(
            self._directory,
            kind=KIND,
            files=self._files,
            config=self._config,
            inputs={},
            extra={"widths": self.widths},
        )
