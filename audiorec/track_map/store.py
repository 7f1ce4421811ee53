"""The artifact of kind "map": positions, regions and their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from audiorec import artifacts
from audiorec.exceptions import ArtifactError
from audiorec.track_map.layout import Layout
from audiorec.track_map.regions import Region

KIND = "map"


class TrackMap(NamedTuple):
    """A stored map.

    Attributes
    ----------
    layout : Layout
    regions : tuple of Region
    members : np.ndarray [shape=(n,)], int32
        Region of each track.
    fingerprint : str
        Changes with anything displayed.
    """

    layout: Layout
    regions: tuple[Region, ...]
    members: np.ndarray
    fingerprint: str


def save_map(
    directory: Path,
    layout: Layout,
    *,
    regions: Sequence[Region],
    members: np.ndarray,
    config: Mapping[str, Any],
    inputs: Mapping[str, str],
    space: str,
) -> None:
    """Store a map, replacing the previous one.

    Parameters
    ----------
    directory : Path
    layout : Layout
    regions : sequence of Region
    members : np.ndarray [shape=(n,)], int
    config, inputs
        See `audiorec.artifacts.save`.
    space : str
        Key of the vector space; with another one, the map is laid out anew.
    """
    arrays = {
        "ids": np.array(layout.ids, dtype=np.str_),
        "positions": layout.positions.astype(np.float32),
        "fitted": layout.fitted,
        "members": np.asarray(members, dtype=np.int32),
    }
    extra = {"space": space, "regions": [list(region) for region in regions]}
    artifacts.save(directory, kind=KIND, arrays=arrays, config=config, inputs=inputs, extra=extra)


def load_map(directory: Path) -> TrackMap:
    """Load a stored map.

    Raises
    ------
    ArtifactError
        If it is missing or damaged.
    """
    manifest = artifacts.load_manifest(directory, kind=KIND)
    try:
        ids, positions, fitted, members = (
            artifacts.load_array(directory, manifest, name, mmap=False)
            for name in ("ids", "positions", "fitted", "members")
        )
        regions = tuple(Region(*region) for region in manifest.extra["regions"])
    except (KeyError, TypeError) as error:
        hint = artifacts.rebuild_hint(KIND)
        raise ArtifactError(f"the map in {directory} lacks {error}; {hint}") from None
    layout = Layout(tuple(ids.tolist()), positions, fitted)
    return TrackMap(layout, regions, members, manifest.fingerprint)
