"""Explanations of matches of two tracks, and of the network's filters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audiorec.explain.occlusion import OccludedPart, Occlusion, occlude, occlusion_table, strongest
from audiorec.explain.pair import Explanation, explain_pair
from audiorec.lazy import lazy_attributes

if TYPE_CHECKING:
    from audiorec.explain.filter_page import write_filter_page
    from audiorec.explain.picture import draw_pair
    from audiorec.explain.units import FilterReading, NetworkReading, read_filters

__all__ = [
    "Explanation",
    "FilterReading",
    "NetworkReading",
    "OccludedPart",
    "Occlusion",
    "draw_pair",
    "explain_pair",
    "occlude",
    "occlusion_table",
    "read_filters",
    "strongest",
    "write_filter_page",
]

# Explaining a pair needs none of these.
__getattr__ = lazy_attributes(
    __name__,
    {
        "filter_page": ("write_filter_page",),
        "picture": ("draw_pair",),
        "units": ("FilterReading", "NetworkReading", "read_filters"),
    },
)
