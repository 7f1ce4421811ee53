"""Spectrograms computed during a scan of the clips it decodes, stored until the mel stage.

Decoding takes most of the time of a recording, and a scan decodes the very clip that the default
recipe needs. Its spectrogram costs little more there, and `compute_mels` reads it instead of
decoding again. Where it is missing or damaged, the mel stage computes the same bytes.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import zlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from audiorec import artifacts
from audiorec.audio import DecodedClips, MelConfig, make_fingerprint, resampled
from audiorec.audio.fingerprint import FINGERPRINT_VERSION
from audiorec.exceptions import AudiorecError

CRC_BYTES = 4
OWN_FOLDER = re.compile("[0-9a-f]{32}")  # `artifacts.fingerprint` of the settings
CLIP_SETTINGS = ("clip_seconds", "n_clips")  # part of a file that is decoded


class TrackMels(NamedTuple):
    """Spectrograms and starts of a track's clips, and the fingerprint of the middle clip."""

    mels: list[np.ndarray]
    fingerprint: np.ndarray
    starts: list[float]


def compute_clips(decoded: DecodedClips, *, config: MelConfig) -> TrackMels:
    """Spectrograms of a recording's clips."""
    from audiorec.mel.transform import log_mel  # here: it loads scipy, in workers alone

    mels = [log_mel(y, config=config).astype(np.float16) for y in resampled(decoded, config=config)]
    middle = make_fingerprint(mels[len(mels) // 2], config=config)
    return TrackMels(mels, middle, decoded.starts)


@dataclass(frozen=True)
class ScannedMels:
    """A folder of spectrograms, one file for each clip that a scan decoded.

    Parameters
    ----------
    directory : Path
    config : MelConfig
        Settings of the spectrograms; those of other settings are not found.
    """

    directory: Path
    config: MelConfig

    @classmethod
    def if_same_clip(
        cls, directory: Path, config: MelConfig, *, decoded: MelConfig
    ) -> ScannedMels | None:
        """Folder for `config`; None if its clip is not `decoded`, the one read by a scan."""
        is_same = all(getattr(config, key) == getattr(decoded, key) for key in CLIP_SETTINGS)
        return cls(directory, config) if is_same else None

    def store(self, clips: DecodedClips, clip_hash: str) -> None:
        """Compute the spectrogram of a recording's one clip, and write it if the disk has room."""
        with suppress(OSError, AudiorecError):
            computed = compute_clips(clips, config=self.config)
            file = self._file(clip_hash)
            file.parent.mkdir(parents=True, exist_ok=True)
            new = file.with_suffix(f".{os.getpid()}")
            new.write_bytes(_to_bytes(computed))
            new.replace(file)

    def __contains__(self, clip_hash: str) -> bool:
        return self._file(clip_hash).is_file()

    def load(self, clip_hash: str) -> TrackMels | None:
        """The spectrogram of a clip; None where there is none, or a damaged one."""
        try:
            return _from_bytes(self._file(clip_hash).read_bytes())
        except (OSError, ValueError):
            return None

    def remove(self, clip_hashes: Iterable[str]) -> None:
        """Delete the spectrograms of some clips."""
        for clip_hash in clip_hashes:
            with suppress(OSError):
                self._file(clip_hash).unlink()

    def clear(self) -> None:
        """Delete all of them, those of other settings included."""
        if self.directory.is_symlink() or not self.directory.is_dir():
            return
        for settings in self.directory.iterdir():
            if OWN_FOLDER.fullmatch(settings.name):
                shutil.rmtree(settings, ignore_errors=True)
        with suppress(OSError):  # other files there are not ours
            self.directory.rmdir()

    def _file(self, clip_hash: str) -> Path:
        settings = artifacts.fingerprint([self.config.model_dump(), FINGERPRINT_VERSION, "starts"])
        return self.directory / settings / clip_hash[:2] / clip_hash


def _to_bytes(computed: TrackMels) -> bytes:
    stream = io.BytesIO()
    for array in (*computed.mels, computed.fingerprint, np.array(computed.starts)):
        np.save(stream, array, allow_pickle=False)
    data = stream.getvalue()
    return data + zlib.crc32(data).to_bytes(CRC_BYTES, "little")


def _from_bytes(data: bytes) -> TrackMels:
    """Undo `_to_bytes`; `ValueError` where the bytes are not whole."""
    body, check = data[:-CRC_BYTES], data[-CRC_BYTES:]
    if zlib.crc32(body).to_bytes(CRC_BYTES, "little") != check:
        raise ValueError("torn")
    stream = io.BytesIO(body)
    mel, middle, starts = (np.load(stream, allow_pickle=False) for _ in range(3))
    return TrackMels([mel], middle, starts.tolist())
