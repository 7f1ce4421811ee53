"""Track map: every track as a point in the plane, near similar-sounding ones."""

from __future__ import annotations

from audiorec.track_map.layout import Layout, can_lay_out, extend_layout, fit_layout
from audiorec.track_map.regions import Region, find_regions, name_regions, nearest_region
from audiorec.track_map.store import TrackMap, load_map, save_map

__all__ = [
    "Layout",
    "Region",
    "TrackMap",
    "can_lay_out",
    "extend_layout",
    "find_regions",
    "fit_layout",
    "load_map",
    "name_regions",
    "nearest_region",
    "save_map",
]
