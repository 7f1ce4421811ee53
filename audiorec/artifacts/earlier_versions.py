"""Upgrade of artifacts of earlier versions: old formats, and settings that are constants now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from audiorec.artifacts.manifest import FORMAT_VERSION, Manifest
from audiorec.artifacts.remedies import rebuild_hint
from audiorec.exceptions import ArtifactError

# Kinds of format 1 that are still read, since nothing here can make them, or not without decoding
# everything; and the settings that have an older name in their manifests.
RENAMED_SETTINGS: dict[str, dict[str, str]] = {
    "plays": {},
    "mels": {"clip": "clip_position"},
    "pretrained": {},
}
# Settings of 0.2.0 that are constants now, with their values: manifests of that version have them.
CONSTANTS: dict[str, Any] = {
    "fmin": 0.0, "fmax": None, "rating_plays": 10.0, "epsilon": 1e-6, "dislike_alpha": 1.0,
    "min_support": 2, "plays_per_day": 1000, "n_neighbors": 15,
    "clip_position": "middle", "iterations": 15,
}  # fmt: skip
PAD_MODES = {"db": "constant", "log10": "reflect"}
# Values that have another name by now, by setting and old name.
RENAMED_VALUES = {("encoder", "descriptors"): "spectrogram-statistics"}
# Sections that had a seed, by one of their settings.
SEEDLESS = {"session_gap_minutes", "n_neighbors", "hop_length", "regularization"}


def upgrade_manifest(directory: Path, manifest: Manifest, version: int) -> Manifest:
    """Upgrade a manifest of an earlier format to the current names of settings.

    Raises
    ------
    ArtifactError
        If artifacts of its kind have to be made again.
    """
    if version == FORMAT_VERSION:
        return manifest
    if manifest.kind not in RENAMED_SETTINGS:
        imported = "imported" in manifest.extra
        again = rebuild_hint(manifest.kind, manifest) if imported else "run 'audiorec run'"
        raise ArtifactError(
            f"{directory} was made by an earlier version; {again} to make it again: "
            "the catalogue, plays and spectrograms are kept"
        )
    names = RENAMED_SETTINGS[manifest.kind]
    config = {names.get(key, key): value for key, value in manifest.config.items()}
    return replace(manifest, config=config)


def current_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Stored settings by today's names of values, without those that are constants by now.

    A constant that had another value stays, so that no stage takes what it made for its own.
    """
    kept = {
        name: current_settings(value)
        if isinstance(value, dict)
        else RENAMED_VALUES.get((name, str(value)), value)
        for name, value in settings.items()
        if name not in CONSTANTS or CONSTANTS[name] != value
    }
    if "hop_length" in kept and kept.get("pad_mode") == PAD_MODES.get(str(kept.get("compression"))):
        kept.pop("pad_mode", None)  # spectrograms
    if kept.get("seed") == 0 and SEEDLESS & set(settings):
        del kept["seed"]
    return kept
