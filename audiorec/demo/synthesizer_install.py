"""Find the synthesizer and the soundfont, and install them if missing.

tinysoundfont depends on PyAudio, which only its live playback uses and which is built from source
if portaudio's headers are installed. So it is not a dependency of the ``demo`` extra: it is
installed without its dependencies, into the user's cache. The soundfont comes with pretty_midi, the
extra's one dependency, and is installed in the same way if the extra is not.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

from audiorec.exceptions import AudiorecError
from audiorec.user_cache import cache_directory

TINYSOUNDFONT = "tinysoundfont==0.3.7"
PRETTY_MIDI = "pretty_midi==0.2.11.post0"
SOUNDFONT = "TimGM6mb.sf2"


def import_tinysoundfont() -> ModuleType:
    """Import the synthesizer's module, installed or from the cache.

    Raises
    ------
    AudiorecError
        If it is in neither; see `ensure_tinysoundfont`.
    """
    folder = _cached(TINYSOUNDFONT)
    if not _installed("tinysoundfont") and folder.is_dir():
        sys.path.append(str(folder))
        importlib.invalidate_caches()
    try:
        return importlib.import_module("tinysoundfont")
    except ImportError as error:
        raise AudiorecError(
            f"tinysoundfont cannot be imported ({error}); {_remedy(TINYSOUNDFONT)}"
        ) from None


def ensure_tinysoundfont() -> None:
    """Install the synthesizer into the cache, unless it is installed or there already.

    Raises
    ------
    AudiorecError
        If pip cannot download it.
    """
    if not _installed("tinysoundfont"):
        _fetch(TINYSOUNDFONT)


def find_soundfont() -> Path:
    """Find the General MIDI soundfont in pretty_midi, downloaded if needed.

    Raises
    ------
    AudiorecError
        If pip cannot download it.
    """
    # The package is found without importing it: the import takes a second and is not needed.
    spec = importlib.util.find_spec("pretty_midi")
    folders = [Path(folder) for folder in (spec.submodule_search_locations or ())] if spec else []
    if not folders:
        folders = [_fetch(PRETTY_MIDI) / "pretty_midi"]
    for folder in folders:
        if (folder / SOUNDFONT).is_file():
            return folder / SOUNDFONT
    raise AudiorecError(f"pretty_midi carries no {SOUNDFONT}; {_remedy(PRETTY_MIDI)}")


def _fetch(requirement: str) -> Path:
    """Folder of a package in the cache, downloaded by pip without its dependencies."""
    folder = _cached(requirement)
    if folder.is_dir():
        return folder
    aside = folder.with_name(f"{folder.name}.{os.getpid()}.part")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps",
               "--target", str(aside), requirement]  # fmt: skip
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(command, check=True, capture_output=True, text=True)
        aside.replace(folder)
    except (subprocess.CalledProcessError, OSError) as error:
        if not folder.is_dir():  # else another process was faster
            name = requirement.partition("==")[0]
            raise AudiorecError(f"{name} could not be fetched; {_remedy(requirement)}") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return folder


def _installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _cached(requirement: str) -> Path:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return cache_directory() / f"{requirement.replace('==', '-')}-py{version}"


def _remedy(requirement: str) -> str:
    return f"install it with: pip install --no-deps {requirement}"
