"""Artifacts: directories of plain arrays and a manifest, replaced atomically."""

from audiorec.artifacts.atomic import atomic_writer, temp_path, write_atomic, write_error
from audiorec.artifacts.digests import DIGESTS, digest_file, fingerprint, matches_digest
from audiorec.artifacts.earlier_versions import current_settings
from audiorec.artifacts.manifest import FORMAT_VERSION, MANIFEST, ArtifactFile, Manifest
from audiorec.artifacts.reading import (
    UNREADABLE,
    damaged,
    exists,
    is_fresh,
    load_array,
    load_manifest,
    load_valid,
    was_imported,
)
from audiorec.artifacts.remedies import OF_RUN, STAGE_OF, describe_damage, rebuild_hint
from audiorec.artifacts.workspace_folders import WORKSPACE_FOLDERS
from audiorec.artifacts.writing import commit, move_into_place, put_array, put_file, remove, save

__all__ = [
    "DIGESTS",
    "FORMAT_VERSION",
    "MANIFEST",
    "OF_RUN",
    "STAGE_OF",
    "UNREADABLE",
    "WORKSPACE_FOLDERS",
    "ArtifactFile",
    "Manifest",
    "atomic_writer",
    "commit",
    "current_settings",
    "damaged",
    "describe_damage",
    "digest_file",
    "exists",
    "fingerprint",
    "is_fresh",
    "load_array",
    "load_manifest",
    "load_valid",
    "matches_digest",
    "move_into_place",
    "put_array",
    "put_file",
    "rebuild_hint",
    "remove",
    "save",
    "temp_path",
    "was_imported",
    "write_atomic",
    "write_error",
]
