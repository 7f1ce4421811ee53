"""Descriptors measured during a scan on the clips it decodes, stored as files."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audiorec.audio import DecodedClips, measure_descriptors, resample
from audiorec.audio.descriptors import CLIP
from audiorec.data.catalog.descriptors import COLUMNS


@dataclass(frozen=True)
class ScannedDescriptors:
    """Descriptors of the clips decoded by a scan, a file each.

    Parameters
    ----------
    directory : Path
    """

    directory: Path

    def store(self, decoded: DecodedClips, clip_hash: str) -> None:
        """Measure a recording's one clip; failures are left for `describe_catalog` to report."""
        (y,) = decoded.clips
        y = resample(y, sr=decoded.info.sr, target_sr=CLIP.sr, n=CLIP.n_samples)
        with suppress(OSError, ValueError):
            values = measure_descriptors(y, sr=CLIP.sr)
            self.directory.mkdir(parents=True, exist_ok=True)
            new = self.directory / f"{clip_hash}.{os.getpid()}"
            new.write_bytes(values.tobytes())
            new.replace(self.directory / clip_hash)

    def load(self, clip_hash: str) -> np.ndarray | None:
        """Read stored values : np.ndarray [shape=(6,)], float32; None if missing or damaged."""
        try:
            values = np.frombuffer((self.directory / clip_hash).read_bytes(), dtype=np.float32)
        except (OSError, ValueError):
            return None
        return values if len(values) == len(COLUMNS) else None

    def clear(self) -> None:
        """Remove all of them."""
        if not self.directory.is_symlink():
            shutil.rmtree(self.directory, ignore_errors=True)
