"""Words for tracks: what a pretrained network predicts, and a probe of the library's genres.

Reading the words that are stored is `audiorec.data.catalog.tags`, and needs none of this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audiorec.lazy import lazy_attributes

if TYPE_CHECKING:
    from audiorec.tagging.pretrained_tags import AutotagReport, autotag_catalog, autotag_file
    from audiorec.tagging.probe import Probe, learn_probe
    from audiorec.tagging.stage import TagReport, tag_catalog, tag_file

__all__ = [
    "AutotagReport",
    "Probe",
    "TagReport",
    "autotag_catalog",
    "autotag_file",
    "learn_probe",
    "tag_catalog",
    "tag_file",
]

# They need torch or scikit-learn.
__getattr__ = lazy_attributes(
    __name__,
    {
        "AutotagReport": "pretrained_tags",
        "Probe": "probe",
        "TagReport": "stage",
        "autotag_catalog": "pretrained_tags",
        "autotag_file": "pretrained_tags",
        "learn_probe": "probe",
        "tag_catalog": "stage",
        "tag_file": "stage",
    },
)
