"""Measure the descriptors of every track that has none yet.

A scan that is asked to, or of a workspace that has them already, measures them on the clip that it
decodes anyway; they lie beside the catalogue until the scan has settled which track each is.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from audiorec import artifacts
from audiorec.audio import DecodedClips, resample
from audiorec.audio.descriptors import CLIP, describe_file, measure_descriptors
from audiorec.data.catalog.catalog import Catalog, Track
from audiorec.data.catalog.descriptors import COLUMNS, load_descriptors, save_descriptors
from audiorec.exceptions import ArtifactError
from audiorec.progress import Progress, silent
from audiorec.worker_pool import run_isolated
from audiorec.workspace import Workspace

STAGE = "descriptors"
Measured = dict[str, tuple[str, np.ndarray]]
"""By track the identity of its sound, and its `COLUMNS`."""
SAVE_EVERY = 200  # tracks after which what was measured is stored


class DescribeReport(NamedTuple):
    """What measuring did.

    Attributes
    ----------
    measured, kept, failed : int
        Tracks that were measured now, that were before, and that could not be.
    """

    measured: int
    kept: int
    failed: int


def describe_catalog(
    workspace: Workspace, *, n_jobs: int | None = None, progress: Progress = silent
) -> DescribeReport:
    """Measure the descriptors of tracks; see `audiorec.audio.descriptors`.

    Killed, it goes on where it was: what was measured is stored every so many tracks.

    Parameters
    ----------
    workspace : Workspace
        Held for writing.
    n_jobs : int or None
        Worker processes; None is one per CPU.
    progress : callable
    """
    known = _stored(workspace)
    with Catalog(workspace.catalog) as catalog:
        tracks, kept = _measured(workspace, catalog, known)
        todo = [t for t in tracks if t.track_id not in kept]
        of_path = {t.path: t for t in todo}
        failed = 0
        paths = (Path(t.path) for t in todo)
        for n, outcome in enumerate(run_isolated(describe_file, paths, n_jobs=n_jobs), start=1):
            track = of_path[str(outcome.item)]
            if outcome.value is None:
                failed += 1
                catalog.record_failure(
                    track.path, stage=STAGE, reason=outcome.error or "cannot be measured"
                )
            else:
                kept[track.track_id] = (track.clip_hash, outcome.value)
                catalog.clear_failure(track.path, stage=STAGE)
            progress(STAGE, n, len(todo))
            if n % SAVE_EVERY == 0:
                save_descriptors(workspace.descriptors, kept)
    if todo or kept.keys() != known.keys():
        save_descriptors(workspace.descriptors, kept)
    ScannedDescriptors(workspace.scanned_descriptors).clear()
    return DescribeReport(len(todo) - failed, len(tracks) - len(todo), failed)


def _stored(workspace: Workspace) -> Measured:
    """What was measured before, as it would be measured now; nothing where that is damaged."""
    try:
        stored = load_descriptors(workspace.descriptors)
    except ArtifactError:
        return {}
    if not stored.is_current:
        return {}
    rows = zip(stored.ids.tolist(), stored.clips.tolist(), stored.table, strict=True)
    return {track_id: (clip, values) for track_id, clip, values in rows}


def _measured(
    workspace: Workspace, catalog: Catalog, known: Measured
) -> tuple[list[Track], Measured]:
    """Tracks that can be measured, and those of them that are, by a scan too."""
    tracks = [t for t in catalog.tracks() if t.clip_hash and t.path != t.track_id]
    scanned = ScannedDescriptors(workspace.scanned_descriptors)
    kept: Measured = {}
    for track in tracks:
        before = known.get(track.track_id)
        values = scanned.load(track.clip_hash)
        if before is not None and before[0] == track.clip_hash:
            kept[track.track_id] = before
        elif values is not None:
            kept[track.track_id] = (track.clip_hash, values)
    return tracks, kept


def take_scanned(workspace: Workspace, catalog: Catalog) -> None:
    """Store what a scan has measured, and remove what it had laid aside."""
    if not workspace.scanned_descriptors.is_dir():
        return
    known = _stored(workspace)
    _, kept = _measured(workspace, catalog, known)
    if kept.keys() != known.keys() or not artifacts.exists(workspace.descriptors):
        save_descriptors(workspace.descriptors, kept)
    ScannedDescriptors(workspace.scanned_descriptors).clear()


@dataclass(frozen=True)
class ScannedDescriptors:
    """Descriptors of the clips that a scan decodes, a file each.

    Parameters
    ----------
    directory : Path
    """

    directory: Path

    def store(self, decoded: DecodedClips, clip_hash: str) -> None:
        """Measure a recording's one clip; what cannot be is left to `describe_catalog` to name."""
        (y,) = decoded.clips
        y = resample(y, sr=decoded.info.sr, target_sr=CLIP.sr, n=CLIP.n_samples)
        with suppress(OSError, ValueError):
            values = measure_descriptors(y, sr=CLIP.sr)
            self.directory.mkdir(parents=True, exist_ok=True)
            new = self.directory / f"{clip_hash}.{os.getpid()}"
            new.write_bytes(values.tobytes())
            new.replace(self.directory / clip_hash)

    def load(self, clip_hash: str) -> np.ndarray | None:
        """What was measured : np.ndarray [shape=(6,)], float32; None where nothing whole is."""
        try:
            values = np.frombuffer((self.directory / clip_hash).read_bytes(), dtype=np.float32)
        except (OSError, ValueError):
            return None
        return values if len(values) == len(COLUMNS) else None

    def clear(self) -> None:
        """Remove all of them."""
        if not self.directory.is_symlink():
            shutil.rmtree(self.directory, ignore_errors=True)
