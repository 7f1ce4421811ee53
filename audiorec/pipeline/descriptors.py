"""Measurement of descriptors for tracks that have none yet.

A scan with ``--descriptors``, or of a workspace that has some already, measures them on the clip
that it decodes anyway; they are stored beside the catalogue until the scan has matched files to
tracks.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from audiorec import artifacts
from audiorec.audio import describe_file
from audiorec.data.catalog import Catalog, Track, load_descriptors, save_descriptors
from audiorec.exceptions import ArtifactError
from audiorec.progress import Progress, silent
from audiorec.scan import ScannedDescriptors
from audiorec.worker_pool import run_isolated
from audiorec.workspace import Workspace

STAGE = "descriptors"
Measured = dict[str, tuple[str, np.ndarray]]
"""Audio digest of each track, and its columns as for `save_descriptors`, by track."""
SAVE_EVERY = 200  # tracks measured between two saves


class DescribeReport(NamedTuple):
    """Result of measuring descriptors.

    Attributes
    ----------
    measured, kept, failed : int
        Tracks measured now, measured before, and that could not be measured.
    """

    measured: int
    kept: int
    failed: int


def describe_catalog(
    workspace: Workspace, *, n_jobs: int | None = None, progress: Progress = silent
) -> DescribeReport:
    """Measure the descriptors of tracks; see `audiorec.audio.descriptors`.

    If killed, it continues later: results are saved every `SAVE_EVERY` tracks.

    Parameters
    ----------
    workspace : Workspace
        Locked for writing.
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
    """Load descriptors measured before with the current settings; none if damaged."""
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
    """Return the measurable tracks, and those measured already, including by a scan."""
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
    """Store the descriptors that a scan measured, and remove its temporary file."""
    if not workspace.scanned_descriptors.is_dir():
        return
    known = _stored(workspace)
    _, kept = _measured(workspace, catalog, known)
    if kept.keys() != known.keys() or not artifacts.exists(workspace.descriptors):
        save_descriptors(workspace.descriptors, kept)
    ScannedDescriptors(workspace.scanned_descriptors).clear()
