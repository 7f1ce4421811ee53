"""Tags of tracks: predicted by a pretrained network, and by a probe of the library's genres.

Stored tags are read by `audiorec.data.catalog.tags`, without this package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audiorec.lazy import lazy_attributes

if TYPE_CHECKING:
    from audiorec.tagging.pretrained_tags import AutotagReport, autotag_catalog, autotag_file
    from audiorec.tagging.probe import Probe, ProbeReport, learn_probe
    from audiorec.tagging.stage import TagReport, load_probe, tag_catalog, tag_file

__all__ = [
    "AutotagReport",
    "Probe",
    "ProbeReport",
    "TagReport",
    "autotag_catalog",
    "autotag_file",
    "learn_probe",
    "load_probe",
    "tag_catalog",
    "tag_file",
]

# They need torch or scikit-learn.
__getattr__ = lazy_attributes(
    __name__,
    {
        "pretrained_tags": ("AutotagReport", "autotag_catalog", "autotag_file"),
        "probe": ("Probe", "ProbeReport", "learn_probe"),
        "stage": ("TagReport", "load_probe", "tag_catalog", "tag_file"),
    },
)
