"""Writing of artifacts: a kill at any moment leaves the old one, or the new one.

Each file has a digest of its content in its name. The manifest is written last, in one rename, and
defines the artifact. Files that it no longer lists are removed afterwards.
"""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from audiorec.artifacts.atomic import atomic_writer, write_atomic, write_error
from audiorec.artifacts.digests import DIGESTS, DIGITS, digest_file, fingerprint
from audiorec.artifacts.manifest import MANIFEST, ArtifactFile, Manifest
from audiorec.artifacts.reading import load_manifest
from audiorec.exceptions import ArtifactError

DIGITS_IN_NAME = 12
# Names of files of this module: ``name.DIGEST.suffix``, and the temporary ones of `temp_path`.
OWN_NAME = re.compile(
    rf"[\w-]+\.(?P<digest>[0-9a-f]{{{DIGITS_IN_NAME}}})(\.\w+)?|\..+\.\d+\.part", re.ASCII
)


def put_array(directory: Path, name: str, array: np.ndarray) -> ArtifactFile:
    """Write one array of an artifact, to be listed by `commit`.

    Parameters
    ----------
    directory : Path
    name : str
        Logical name: the file is ``name.DIGEST.npy``.
    array : np.ndarray
        Of any dtype but object.
    """
    array = np.ascontiguousarray(array)
    header = io.BytesIO()
    about = np.lib.format.header_data_from_array_1_0(array)
    np.lib.format.write_array_header_1_0(header, about)
    parts = (header.getvalue(), array.reshape(-1).view(np.uint8).data)
    hashed = DIGESTS[DIGITS]()
    for part in parts:
        hashed.update(part)
    digest = hashed.hexdigest()
    path = directory / f"{name}.{digest[:DIGITS_IN_NAME]}.npy"
    with atomic_writer(path) as stream:
        stream.writelines(parts)
    return ArtifactFile(path.name, sum(map(len, parts)), digest)


def put_file(directory: Path, name: str, source: Path) -> ArtifactFile:
    """Move a finished file into an artifact, to be listed by `commit`.

    Parameters
    ----------
    directory : Path
    name : str
        Logical name: ``vectors.faiss`` becomes ``vectors.DIGEST.faiss``.
    source : Path
        The file, on the same file system; it is renamed, not copied.
    """
    digest = digest_file(source)
    stem, dot, suffix = name.partition(".")
    target = directory / f"{stem}.{digest[:DIGITS_IN_NAME]}{dot}{suffix}"
    with source.open("rb+") as stream:
        os.fsync(stream.fileno())
    source.replace(target)
    return ArtifactFile(target.name, target.stat().st_size, digest)


def commit(
    directory: Path,
    *,
    kind: str,
    files: Mapping[str, ArtifactFile],
    config: Mapping[str, Any],
    inputs: Mapping[str, str],
    extra: Mapping[str, Any] | None = None,
) -> Manifest:
    """Define the files of an artifact, in one rename; then remove those no longer listed."""
    manifest = Manifest(kind, dict(config), dict(inputs), dict(files), dict(extra or {}))
    before = _files_before(directory, kind)
    body = manifest.as_json()
    text = json.dumps({**body, "fingerprint": fingerprint(body)}, indent=1, ensure_ascii=False)
    write_atomic(directory / MANIFEST, text.encode())
    _sweep(directory, manifest, before)
    return manifest


def move_into_place(source: Path, directory: Path, *, kind: str) -> Manifest:
    """Move a finished artifact into place, by renames alone.

    Parameters
    ----------
    source, directory : Path
        On the same file system; afterwards `source` is no longer an artifact.
    kind : str
    """
    manifest = load_manifest(source, kind=kind)
    before = _files_before(directory, kind)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name in (*(entry.file for entry in manifest.files.values()), MANIFEST):
            (source / name).replace(directory / name)
    except OSError as error:
        raise write_error(directory, error) from None
    _sweep(directory, manifest, before)
    return manifest


def remove(directory: Path, manifest: Manifest) -> None:
    """Delete an artifact; files that it did not write are kept."""
    (directory / MANIFEST).unlink(missing_ok=True)
    _sweep(directory, Manifest(manifest.kind), {entry.file for entry in manifest.files.values()})


def save(
    directory: Path,
    *,
    kind: str,
    arrays: Mapping[str, np.ndarray],
    config: Mapping[str, Any],
    inputs: Mapping[str, str],
    extra: Mapping[str, Any] | None = None,
) -> Manifest:
    """Write an artifact of arrays.

    Parameters
    ----------
    directory : Path
        Folder of the artifact; an existing one is replaced.
    kind : str
        Its kind, checked by `load_manifest`.
    arrays : mapping of str to np.ndarray
    config, inputs, extra
        See `Manifest`; plain JSON values.
    """
    files = {name: put_array(directory, name, array) for name, array in arrays.items()}
    return commit(directory, kind=kind, files=files, config=config, inputs=inputs, extra=extra)


def _files_before(directory: Path, kind: str) -> set[str]:
    """Names of the files of an existing artifact; none if it cannot be read."""
    with suppress(ArtifactError):
        manifest = load_manifest(directory, kind=kind, check="manifest")
        return {entry.file for entry in manifest.files.values()}
    return set()


def _sweep(directory: Path, manifest: Manifest, before: Collection[str]) -> None:
    """Remove files of the artifact that its manifest does not list.

    These are the files `before`, and leftovers of a killed run: their content has the digest in
    their name. Other files there belong to somebody else and are kept, and so is everything
    in a folder reached by a link.
    """
    if directory.is_symlink():
        return
    named = {entry.file for entry in manifest.files.values()} | {MANIFEST}
    for path in directory.iterdir():
        if path.name in named or not path.is_file() or path.is_symlink():
            continue
        own = OWN_NAME.fullmatch(path.name)
        if own and (path.name in before or _is_own_file(path, own["digest"])):
            path.unlink(missing_ok=True)


def _is_own_file(path: Path, digest: str | None) -> bool:
    """Whether a file whose name matches is ours: a temporary one, or with its digest as named."""
    return digest is None or any(
        digest_file(path, digits=digits).startswith(digest) for digits in DIGESTS
    )
