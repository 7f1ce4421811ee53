"""Scan of audio files into the catalogue: find, read if new, match with known tracks."""

from __future__ import annotations

from audiorec.scan.files import supported_suffixes
from audiorec.scan.scanner import ScanReport, check_paths, scan, scan_manifest
from audiorec.scan.track_manifest import read_manifest

__all__ = [
    "ScanReport",
    "check_paths",
    "read_manifest",
    "scan",
    "scan_manifest",
    "supported_suffixes",
]
