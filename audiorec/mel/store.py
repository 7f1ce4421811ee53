"""Store of the spectrograms that `compute_mels` wrote. No torch: answers need it too."""

from __future__ import annotations

import math
import re
import threading
from contextlib import suppress
from dataclasses import replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from audiorec import artifacts
from audiorec.audio import Fingerprints, MelConfig, clip_starts, fingerprint_shard
from audiorec.audio.fingerprint import FINGERPRINT_VERSION, step_seconds
from audiorec.exceptions import ArtifactError, NotFoundError

KIND = "mels"
_opening = threading.Lock()  # threads that ask meanwhile wait for the same store
CLIP = [("clip", "i4"), ("shard", "i4"), ("row", "i4"), ("n_frames", "i4"), ("start", "f8")]


class Location(NamedTuple):
    """Position of one clip's spectrogram in the store.

    Attributes
    ----------
    track_id : str
    clip : int
        Number of the clip within its track, from 0.
    shard, row : int
        Number of the shard, see `MelStore.shard`, and row of it.
    n_frames : int
        Frames of audio; the rest is padding.
    start : float
        Its start in the recording, s; NaN in stores of earlier versions without it.
    """

    track_id: str
    clip: int
    shard: int
    row: int
    n_frames: int
    start: float


def unlike(learned: MelConfig, current: MelConfig) -> str:
    """Describe in one line how spectrograms differ from a model's; empty where they do not.

    Parameters
    ----------
    learned : MelConfig
        Of the spectrograms on which the model was trained.
    current : MelConfig
        Of those to be encoded.
    """
    was, now = learned.model_dump(), current.model_dump()
    key = next((key for key in was if was[key] != now[key]), None)
    if key is None:
        return ""
    return (
        f"the mels have {key}={now[key]!r} and the model was trained on {key}={was[key]!r}; "
        "make both by one recipe: 'audiorec run [RECIPE.toml]'"
    )


class MelStore:
    """Spectrograms of the catalogue's tracks, memory-mapped.

    Parameters
    ----------
    directory : Path
        An artifact of `audiorec.mel.compute_mels`.

    Attributes
    ----------
    ids : tuple of str
        Tracks that have spectrograms and whose files exist, ascending.
    config : MelConfig
        Settings of the spectrograms.
    fingerprint : str
        Digest of the artifact.

    Raises
    ------
    ArtifactError
        If it is missing or damaged.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = Path(directory)
        stored = artifacts.load_manifest(self.directory, kind=KIND)
        self._manifest = with_current_names(stored)
        self.config = MelConfig(**stored.config)
        self.fingerprint = stored.fingerprint
        self._names = sorted(name[6:] for name in self._manifest.files if name.startswith("shard-"))
        self._shards: dict[int, np.ndarray] = {}
        self._read_meta()

    def __len__(self) -> int:
        return len(self.ids)

    def __contains__(self, track_id: object) -> bool:
        return track_id in self._numbers

    @property
    def complete(self) -> bool:
        """Whether the stage has finished."""
        return bool(self._manifest.extra.get("complete"))

    @property
    def inputs(self) -> dict[str, str]:
        """Fingerprints of the inputs it was computed from."""
        return dict(self._manifest.inputs)

    def shard(self, number: int) -> np.ndarray:
        """One file of spectrograms [shape=(n, n_mels, n_frames)], float16, dB, memory-mapped."""
        if number not in self._shards:
            name = f"shard-{self._names[number]}"
            self._shards[number] = artifacts.load_array(self.directory, self._manifest, name)
        return self._shards[number]

    def n_clips(self, track_id: str) -> int:
        """Clips of a track."""
        return len(self._located(track_id))

    def clip_hash(self, track_id: str) -> str:
        """Identity of the clip from which a track's spectrograms were computed."""
        return self._hashes[self._number(track_id)]

    def n_frames(self, track_id: str, clip: int = 0) -> int:
        """Frames of audio in a clip."""
        return self._location_of(track_id, clip).n_frames

    def get(self, track_id: str, clip: int = 0) -> np.ndarray:
        """Spectrogram of a clip.

        Returns
        -------
        mel : np.ndarray [shape=(n_mels, n_frames)], float16, dB
            A read-only view of the file, without padding.

        Raises
        ------
        NotFoundError
            If the track, or its clip of that number, has none.
        """
        at = self._location_of(track_id, clip)
        return self.shard(at.shard)[at.row, :, : at.n_frames]

    def mels(self, track_id: str) -> list[np.ndarray]:
        """Spectrograms of all clips of a track, as `get` gives them."""
        return [self.get(track_id, at.clip) for at in self._located(track_id)]

    def starts(self, track_id: str, *, duration: float) -> list[float]:
        """Start of each clip of a track in the recording, s.

        In stores of earlier versions without them, the starts of clips not moved out of silence.

        Parameters
        ----------
        track_id : str
        duration : float
            Of the recording, s.
        """
        clips = self._located(track_id)
        if not any(math.isnan(at.start) for at in clips):
            return [at.start for at in clips]
        total = round(duration * self.config.sr)
        n = min(total, round(self.config.clip_seconds * self.config.sr))
        starts = clip_starts(total, n=n, config=self.config)[: len(clips)]
        starts += starts[-1:] * (len(clips) - len(starts))
        return [start / self.config.sr for start in starts]

    def locations(self) -> list[Location]:
        """Position of every clip, ordered by track and clip."""
        return [at for track_id in self.ids for at in self._located(track_id)]

    def fingerprints(self) -> Fingerprints:
        """Fingerprint of every track's middle clip; see `audiorec.audio.fingerprint`."""
        rows: dict[str, np.ndarray] = {}
        for number, name in enumerate(self._names):
            if self._manifest.extra.get("fingerprints") == FINGERPRINT_VERSION:
                stored = self._array(f"fingerprints-{name}")
                rows |= zip(self._computed_ids(name), stored, strict=True)
            else:  # of an earlier version; 'audiorec mel' would store them
                meta = self._array(f"meta-{name}").tolist()
                rows |= fingerprint_shard(self.shard(number), meta, config=self.config)
        width = len(next(iter(rows.values()))) if rows else 0
        words = np.zeros((len(self.ids), width), dtype=np.uint32)
        for i, track_id in enumerate(self.ids):
            words[i] = rows[track_id]
        return Fingerprints(self.ids, words, step_seconds(self.config))

    @cached_property
    def absent(self) -> frozenset[str]:
        """Stored tracks whose files were missing at the last run."""
        return frozenset(self._manifest.extra.get("absent", ()))

    def _array(self, name: str) -> np.ndarray:
        return artifacts.load_array(self.directory, self._manifest, name, mmap=False)

    def _computed_ids(self, name: str) -> list[str]:
        """Tracks of a shard that did not fail: the order of its fingerprints."""
        meta = self._array(f"meta-{name}")
        return list(dict.fromkeys(meta["track_id"][meta["n_frames"] > 0].tolist()))

    def _read_meta(self) -> None:
        """Read the clips of all shards into one table, ordered by track."""
        none = np.empty(0, dtype=np.str_)
        parts = [(none, none, np.empty(0, dtype=CLIP))]
        parts += [self._clip_rows(number) for number in range(len(self._names))]
        names, hashes, rows = (np.concatenate(column) for column in zip(*parts, strict=True))
        order = np.argsort(names, kind="stable")
        ids, first = np.unique(names[order], return_index=True)
        self.ids: tuple[str, ...] = tuple(ids.tolist())
        self._numbers = {track_id: number for number, track_id in enumerate(self.ids)}
        self._hashes: list[str] = hashes[order[first]].tolist()
        self._rows, self._bounds = rows[order], np.append(first, len(order))

    def _clip_rows(self, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Track, hash and `CLIP` of each clip of a shard, of tracks whose files exist."""
        name = f"meta-{self._names[number]}"
        try:
            meta = self._array(name)
        except KeyError:
            raise ArtifactError(
                f"{self.directory} lacks {name}; run 'audiorec mel' to make it again"
            ) from None
        good = meta["n_frames"] > 0
        if self.absent:
            good &= ~np.isin(meta["track_id"], list(self.absent))
        meta = meta[good]
        rows = np.empty(len(meta), dtype=CLIP)
        rows["shard"], rows["start"] = number, math.nan
        for column in (meta.dtype.names or ())[2:]:
            rows[column] = meta[column]
        return meta["track_id"], meta["clip_hash"], rows

    def _number(self, track_id: str) -> int:
        try:
            return self._numbers[track_id]
        except KeyError:
            raise NotFoundError(
                f"track {track_id!r} has no spectrogram; run 'audiorec mel' first"
            ) from None

    def _located(self, track_id: str) -> list[Location]:
        number = self._number(track_id)
        rows = self._rows[self._bounds[number] : self._bounds[number + 1]]
        return [Location(track_id, *row) for row in rows.tolist()]

    def _location_of(self, track_id: str, clip: int) -> Location:
        clips = self._located(track_id)
        if not 0 <= clip < len(clips):
            raise NotFoundError(f"track {track_id!r} has no clip {clip}, only {len(clips)} of them")
        return clips[clip]


def with_current_names(manifest: artifacts.Manifest) -> artifacts.Manifest:
    """A manifest of spectrograms by the names of today: until 0.2.0, fingerprints were prints."""
    names = {name: re.sub("^prints-", "fingerprints-", name) for name in manifest.files}
    files = {names[name]: file for name, file in manifest.files.items()}
    extra = dict(manifest.extra)
    if "prints" in extra:
        extra.setdefault("fingerprints", extra.pop("prints"))
    return replace(manifest, files=files, extra=extra)


def opened_store(directory: Path) -> MelStore:
    """Open the store in a folder, once until it is replaced.

    For processes that read the same store again and again.
    """
    state = None
    with suppress(OSError):  # opening it raises a better message
        found = (directory / artifacts.MANIFEST).stat()
        state = found.st_ino, found.st_mtime_ns, found.st_size
    with _opening:
        return _opened(directory, state)


@lru_cache(maxsize=1)
def _opened(directory: Path, _state: tuple[int, int, int] | None) -> MelStore:
    return MelStore(directory)
