"""Scan of audio files into the catalogue: find, read if new, match with known tracks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audiorec.lazy import lazy_attributes
from audiorec.scan.cue import read_cue
from audiorec.scan.files import find_audio_files, supported_suffixes
from audiorec.scan.scanner import ScanReport, check_paths, scan, scan_manifest
from audiorec.scan.track_manifest import read_manifest

if TYPE_CHECKING:
    from audiorec.scan.file_tags import read_recording_id, read_tags
    from audiorec.scan.scan_roots import record_scan
    from audiorec.scan.scanned_descriptors import ScannedDescriptors

__all__ = [
    "ScanReport",
    "ScannedDescriptors",
    "check_paths",
    "find_audio_files",
    "read_cue",
    "read_manifest",
    "read_recording_id",
    "read_tags",
    "record_scan",
    "scan",
    "scan_manifest",
    "supported_suffixes",
]

# A scan imports these where it needs them.
__getattr__ = lazy_attributes(
    __name__,
    {
        "file_tags": ("read_recording_id", "read_tags"),
        "scan_roots": ("record_scan",),
        "scanned_descriptors": ("ScannedDescriptors",),
    },
)
