"""The map: every track as a point of the plane, near those that sound like it."""

from audiorec.track_map.layout import Layout, extend_layout, fit_layout
from audiorec.track_map.regions import Region, find_regions, name_regions
from audiorec.track_map.store import TrackMap, load_map, save_map

__all__ = [
    "Layout",
    "Region",
    "TrackMap",
    "extend_layout",
    "find_regions",
    "fit_layout",
    "load_map",
    "name_regions",
    "save_map",
]
