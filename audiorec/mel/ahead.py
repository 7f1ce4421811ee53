"""Spectrograms that are computed while a clip is decoded for another end, and wait for their stage.

Decoding takes most of the time that a recording needs. A scan decodes the very clip that the
default recipe hears, so that its spectrogram can be had for little more, and `compute_mels` takes
it instead of decoding once more. What waits is a favour: without it the same bytes are computed.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import zlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from audiorec import artifacts
from audiorec.audio import Heard, resample
from audiorec.audio.fingerprint import PRINTS_VERSION, make_print
from audiorec.config import MelConfig
from audiorec.exceptions import AudiorecError

CRC_BYTES = 4
OWN_FOLDER = re.compile("[0-9a-f]{32}")  # `artifacts.fingerprint` of the settings
CHOICE = ("clip", "clip_seconds", "n_clips")  # settings that say which part of a file is heard


class Computed(NamedTuple):
    """Spectrograms of a track's clips, and the print of the middle one."""

    mels: list[np.ndarray]
    print: np.ndarray


def compute_clips(clips: Sequence[np.ndarray], *, config: MelConfig) -> Computed:
    """Spectrograms of clips : np.ndarray [shape=(n,)], float32, at ``config.sr``."""
    from audiorec.mel.transform import log_mel

    mels = [log_mel(y, config=config).astype(np.float16) for y in clips]
    return Computed(mels, make_print(mels[len(mels) // 2], config=config))


@dataclass(frozen=True)
class Ahead:
    """Where spectrograms of single clips wait.

    Parameters
    ----------
    directory : Path
    config : MelConfig
        That they are computed with.
    """

    directory: Path
    config: MelConfig

    @classmethod
    def where_alike(cls, directory: Path, config: MelConfig, *, clip: MelConfig) -> Ahead | None:
        """One for `config`, if it hears the very clip that `clip` says is decoded."""
        alike = all(getattr(config, key) == getattr(clip, key) for key in CHOICE)
        return cls(directory, config) if alike else None

    def __call__(self, heard: Heard, clip_hash: str) -> None:
        """Compute and keep the spectrogram of a recording's one clip, if there is room for it."""
        (y,) = heard.clips
        y = resample(y, sr=heard.info.sr, target_sr=self.config.sr, n=self.config.n_samples)
        with suppress(OSError, AudiorecError):
            computed = compute_clips([y], config=self.config)
            file = self._file(clip_hash)
            file.parent.mkdir(parents=True, exist_ok=True)
            new = file.with_suffix(f".{os.getpid()}")
            new.write_bytes(_written(computed))
            new.replace(file)

    def take(self, clip_hash: str) -> Computed | None:
        """The spectrogram of a clip, if it waits and is whole."""
        try:
            return _read(self._file(clip_hash).read_bytes())
        except (OSError, ValueError):
            return None

    def drop(self, clip_hashes: Iterable[str]) -> None:
        """Let go of what has been stored."""
        for clip_hash in clip_hashes:
            with suppress(OSError):
                self._file(clip_hash).unlink()

    def clear(self) -> None:
        """Let go of everything, what other settings left behind included."""
        if self.directory.is_symlink() or not self.directory.is_dir():
            return
        for settings in self.directory.iterdir():
            if OWN_FOLDER.fullmatch(settings.name):
                shutil.rmtree(settings, ignore_errors=True)
        with suppress(OSError):  # what else lies there is somebody else's
            self.directory.rmdir()

    def _file(self, clip_hash: str) -> Path:
        settings = artifacts.fingerprint([self.config.model_dump(), PRINTS_VERSION])
        return self.directory / settings / clip_hash[:2] / clip_hash


def _written(computed: Computed) -> bytes:
    stream = io.BytesIO()
    for array in (*computed.mels, computed.print):
        np.save(stream, array, allow_pickle=False)
    data = stream.getvalue()
    return data + zlib.crc32(data).to_bytes(CRC_BYTES, "little")


def _read(data: bytes) -> Computed:
    """Undo `_written`; `ValueError` where the bytes are not whole."""
    body, check = data[:-CRC_BYTES], data[-CRC_BYTES:]
    if zlib.crc32(body).to_bytes(CRC_BYTES, "little") != check:
        raise ValueError("torn")
    stream = io.BytesIO(body)
    mel, middle = (np.load(stream, allow_pickle=False) for _ in range(2))
    return Computed([mel], middle)
