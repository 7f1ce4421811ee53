"""Reading of artifacts, checked: the manifest by its own digest, files by sizes or digests."""

from __future__ import annotations

import json
import tokenize
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from audiorec.artifacts.digests import fingerprint, matches_digest
from audiorec.artifacts.earlier_versions import (
    RENAMED_SETTINGS,
    current_settings,
    upgrade_manifest,
)
from audiorec.artifacts.manifest import FORMAT_VERSION, MANIFEST, ArtifactFile, Manifest
from audiorec.artifacts.remedies import MISSING, describe_damage, making_hint, rebuild_hint
from audiorec.exceptions import (
    ArtifactError,
    DamagedArtifactError,
    NewerError,
    first_line,
    system_reason,
)
from audiorec.manifest_schema import check_extra

MOST_MANIFEST = 1 << 28  # bytes: a larger one was not written here
# Exceptions of numpy for an array whose header, a Python literal, is torn.
UNREADABLE = (
    OSError,
    ValueError,
    TypeError,
    SyntaxError,
    OverflowError,
    MemoryError,
    tokenize.TokenError,
)


def load_manifest(
    directory: Path, *, kind: str, check: Literal["sizes", "digests", "manifest"] = "sizes"
) -> Manifest:
    """Read an artifact's manifest, checked by its own digest.

    Parameters
    ----------
    directory : Path
    kind : str
        Required kind.
    check : {"sizes", "digests", "manifest"}
        Checks of its files: their sizes, at the cost of one call for each; their digests too,
        for which every byte is read; or nothing, so that callers can sort out the damaged ones.

    Raises
    ------
    ArtifactError
        If it is missing, or of another kind.
    DamagedArtifactError
        If it is damaged.
    NewerError
        If it is of a newer version.
    """
    raw, version = _read_verified(directory, kind)
    try:
        files = {name: ArtifactFile(**entry) for name, entry in raw.pop("files").items()}
        manifest = Manifest(files=files, **raw)
        _check_extra(manifest, version)
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise _manifest_error(directory, kind, f"is damaged ({first_line(error)})") from None
    if manifest.kind != kind:
        raise ArtifactError(f"{directory} holds {manifest.kind}, not {kind}; {rebuild_hint(kind)}")
    manifest = upgrade_manifest(directory, manifest, version)
    if check != "manifest":
        for name in files:
            _check_size(directory, manifest, name)
    if check == "digests":
        for file in damaged(directory, manifest):
            raise DamagedArtifactError(describe_damage(directory, manifest, file))
    return manifest


def _read_verified(directory: Path, kind: str) -> tuple[dict[str, Any], int]:
    """Read a manifest, checked by its digest; return it and its format version."""
    path = directory / MANIFEST
    try:
        if path.stat().st_size > MOST_MANIFEST:
            raise ValueError("too large")
        raw = json.loads(path.read_bytes())
        declared = raw.pop("fingerprint")
        version = raw["format_version"]
        digest = fingerprint(raw)
        newer = version > FORMAT_VERSION
    except FileNotFoundError:
        raise _missing_error(directory, kind) from None
    except OSError as error:
        reason = system_reason(error).lower()
        raise ArtifactError(f"{path} cannot be read: {reason}; check its permissions") from None
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        raise _manifest_error(directory, kind, "is damaged") from None
    # Before its version is used: the digest is the same in every version.
    if digest != declared:
        raise _manifest_error(directory, kind, "is damaged (its digest differs)")
    del raw["format_version"]
    if newer:
        raise NewerError(
            f"{path} has format version {version}, newer than {FORMAT_VERSION}; upgrade audiorec"
        )
    return raw, version


def _missing_error(directory: Path, kind: str) -> ArtifactError:
    first = _import_hint(directory, kind) or making_hint(kind)
    without = ", or do without: 'audiorec run pipelines/library.toml'" if kind == "plays" else ""
    called = f"there {MISSING.get(kind, f'is no {kind}')} in {directory}"
    return ArtifactError(f"{called}; {first} first{without}")


def _check_extra(manifest: Manifest, version: int) -> None:
    """Raise `ValueError` for an invalid `extra`, unless its earlier format is made anew."""
    if version == FORMAT_VERSION or manifest.kind in RENAMED_SETTINGS:
        check_extra(manifest.kind, manifest.extra)


def load_valid(
    directory: Path, *, kind: str, check: Literal["sizes", "digests", "manifest"] = "sizes"
) -> Manifest | None:
    """Read the manifest of a valid artifact; None if it is missing or damaged.

    Parameters
    ----------
    directory, kind, check
        See `load_manifest`.

    Raises
    ------
    NewerError
        If it is of a newer version: it must not be replaced.
    """
    try:
        return load_manifest(directory, kind=kind, check=check)
    except NewerError:
        raise
    except ArtifactError:
        return None


def was_imported(root: Path) -> bool:
    """Whether a workspace's vectors were imported, if their manifest is not readable.

    Then there are no inputs of the vectors, and the index was made from them alone.
    """
    if exists(root / "mels") or exists(root / "model"):
        return False
    try:
        index = load_manifest(root / "index", kind="index", check="manifest")
    except ArtifactError:
        return exists(root / "embeddings")
    return set(index.inputs) == {"embeddings"}


def _import_hint(directory: Path, kind: str) -> str:
    """Remedy for imported vectors without a manifest; empty for those of a stage."""
    if kind == "embeddings" and was_imported(directory.parent):
        return "run 'audiorec import embeddings FILE --replace'"
    return ""


def _manifest_error(directory: Path, kind: str, what: str) -> DamagedArtifactError:
    again = _import_hint(directory, kind) or rebuild_hint(kind)
    return DamagedArtifactError(f"{directory / MANIFEST} {what}; {again} to make it again")


def exists(directory: Path) -> bool:
    """Whether there is an artifact (it may still be damaged)."""
    return (directory / MANIFEST).is_file()


def load_array(directory: Path, manifest: Manifest, name: str, *, mmap: bool = True) -> np.ndarray:
    """Load one array of an artifact, memory-mapped and read-only unless `mmap` is False."""
    path = directory / manifest.files[name].file
    try:
        array: np.ndarray = np.load(path, mmap_mode="r" if mmap else None, allow_pickle=False)
    except UNREADABLE as error:
        again = f"{rebuild_hint(manifest.kind, manifest, name)} to make it again"
        raise DamagedArtifactError(
            f"{path} cannot be read ({first_line(error)}); {again}"
        ) from None
    return array


def is_fresh(
    directory: Path,
    *,
    kind: str,
    inputs: Mapping[str, str],
    config: Mapping[str, Any] | None = None,
) -> bool:
    """Whether a valid artifact was made from these inputs and, if given, settings.

    Raises
    ------
    NewerError
        If it is of a newer version.
    """
    manifest = load_valid(directory, kind=kind)
    if manifest is None or manifest.inputs != dict(inputs):
        return False
    if config is not None and current_settings(manifest.config) != dict(config):
        return False
    return not damaged(directory, manifest)


def damaged(directory: Path, manifest: Manifest) -> list[str]:
    """List files whose content differs from their digest in the manifest: every byte is read."""
    return [
        entry.file
        for entry in manifest.files.values()
        if not (directory / entry.file).is_file()
        or not matches_digest(directory / entry.file, entry.digest)
    ]


def _check_size(directory: Path, manifest: Manifest, name: str) -> None:
    entry = manifest.files[name]
    path = directory / entry.file
    again = f"{rebuild_hint(manifest.kind, manifest, name)} to make it again"
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        raise DamagedArtifactError(f"{path} is missing; {again}") from None
    if size != entry.size:
        raise DamagedArtifactError(f"{path} has {size} bytes and should have {entry.size}; {again}")
