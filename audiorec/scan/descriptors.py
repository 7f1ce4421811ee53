"""Measure the descriptors of every track that has none yet."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from audiorec.audio.descriptors import describe_file
from audiorec.data.catalog import Catalog
from audiorec.data.descriptors import load_descriptors, save_descriptors
from audiorec.progress import Progress, silent
from audiorec.workers import run_isolated
from audiorec.workspace import Workspace

STAGE = "descriptors"
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
    stored = load_descriptors(workspace.descriptors)
    rows = zip(stored.ids.tolist(), stored.clips.tolist(), stored.table, strict=True)
    known = {track_id: (clip, values) for track_id, clip, values in rows}
    with Catalog(workspace.catalog) as catalog:
        tracks = [t for t in catalog.tracks() if t.clip_hash and t.path != t.track_id]
        current = {t.track_id: t.clip_hash for t in tracks}
        kept = {i: v for i, v in known.items() if current.get(i) == v[0]}
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
    if todo or len(kept) != len(known):
        save_descriptors(workspace.descriptors, kept)
    return DescribeReport(len(todo) - failed, len(tracks) - len(todo), failed)
