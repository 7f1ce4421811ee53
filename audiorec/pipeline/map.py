"""Map stage: layout of the tracks in the plane."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

import numpy as np

from audiorec import artifacts
from audiorec.data.catalog import Catalog
from audiorec.exceptions import ArtifactError
from audiorec.index import Index
from audiorec.pipeline.staleness import names_fingerprint
from audiorec.progress import Progress, silent
from audiorec.track_map import (
    Layout,
    can_lay_out,
    extend_layout,
    find_regions,
    fit_layout,
    load_map,
    name_regions,
    nearest_region,
    save_map,
)
from audiorec.track_map.store import KIND
from audiorec.workspace import Workspace


def missing_map(workspace: Workspace) -> str:
    """Return the reason why no map can be made; empty if it can."""
    if not can_lay_out():
        return "the map is for 'audiorec serve' and needs the extra 'serve'"
    return "" if artifacts.exists(workspace.index) else "there is no index"


def run_map(
    workspace: Workspace, *, n_jobs: int | None = None, progress: Progress = silent
) -> str | None:
    """Lay the tracks out, or add new ones to the existing layout.

    Tracks keep their positions while the space of the vectors stays the same, until more were added
    than were laid out together. A new layout starts from the previous one.

    Parameters
    ----------
    workspace : Workspace
    n_jobs : int, optional
        Threads; by default one per core.
    progress : Progress

    Returns
    -------
    summary : str or None
        None if the map is up to date.

    Raises
    ------
    ArtifactError
        If there is no index.
    """
    made = artifacts.load_manifest(workspace.index, kind="index")
    with Catalog(workspace.catalog, read_only=True) as catalog:
        inputs = {"index": made.fingerprint, "names": names_fingerprint(catalog)}
        if artifacts.is_fresh(workspace.map, kind=KIND, inputs=inputs, config={}):
            return None
        index = Index.load(workspace.index)
        if not len(index):
            raise ArtifactError("the index holds no tracks; scan some, and run 'audiorec run'")
        progress("map", 0, None)
        space = _space(workspace)
        before = _map_before(workspace, space=space)
        laid = _lay_out(index, before, n_jobs=n_jobs or -1, progress=progress)
        members = nearest_region(laid.layout.positions, laid.centres)
        regions = name_regions(catalog, laid.layout.ids, members, laid.centres)
    save_map(
        workspace.map,
        laid.layout,
        regions=regions,
        members=members,
        config={},
        inputs=inputs,
        space=space,
    )
    return f"{len(laid.layout.ids)} tracks, {laid.n_placed} placed, {len(regions)} regions"


class _StoredMap(NamedTuple):
    """The stored map, and whether its positions are kept."""

    layout: Layout
    centres: np.ndarray
    stays: bool


class _LaidOut(NamedTuple):
    """A layout, the centres of its regions, and the number of tracks newly placed."""

    layout: Layout
    centres: np.ndarray
    n_placed: int


def _lay_out(
    index: Index, before: _StoredMap | None, *, n_jobs: int, progress: Progress
) -> _LaidOut:
    if before is not None and before.stays:
        fitted = set(np.array(before.layout.ids)[before.layout.fitted].tolist())
        if 2 * sum(id_ in fitted for id_ in index.ids) >= len(index):
            layout = extend_layout(before.layout, index, n_jobs=n_jobs)
            known = set(before.layout.ids)
            n_new = sum(id_ not in known for id_ in index.ids)
            return _LaidOut(layout, before.centres, n_new)
    start = before and dict(zip(before.layout.ids, before.layout.positions, strict=True))
    layout = fit_layout(index, n_jobs=n_jobs, start=start, progress=progress)
    return _LaidOut(layout, find_regions(layout.positions), len(index))


def _map_before(workspace: Workspace, *, space: str) -> _StoredMap | None:
    """Load the stored map; None if there is no readable one."""
    with suppress(ArtifactError):
        manifest = artifacts.load_manifest(workspace.map, kind=KIND, check="digests")
        stored = load_map(workspace.map)
        centres = np.array([(region.x, region.y) for region in stored.regions], dtype=np.float32)
        stays = (
            not artifacts.current_settings(manifest.config) and manifest.extra.get("space") == space
        )
        return _StoredMap(stored.layout, centres, stays)
    return None


def _space(workspace: Workspace) -> str:
    """Return a key of the vector space: while it is unchanged, old positions are kept."""
    embeddings = artifacts.load_manifest(workspace.embeddings, kind="embeddings")
    return artifacts.fingerprint(embeddings.inputs or embeddings.fingerprint)
