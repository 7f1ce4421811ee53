"""Words for tracks: what a pretrained network predicts, and a probe of the library's genres.

Reading the words that are stored is `audiorec.data.catalog.tags`, and needs none of this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from audiorec.tagging.autotag import AutotagReport, autotag_catalog, autotag_file
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

_HOMES = {
    "AutotagReport": "autotag",
    "Probe": "probe",
    "TagReport": "stage",
    "autotag_catalog": "autotag",
    "autotag_file": "autotag",
    "learn_probe": "probe",
    "tag_catalog": "stage",
    "tag_file": "stage",
}


def __getattr__(name: str) -> Any:
    """Import what needs torch or scikit-learn when it is first asked for."""
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(f"audiorec.tagging.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
