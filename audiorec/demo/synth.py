"""Find the synthesizer, and fetch it where pip cannot install it as a dependency.

tinysoundfont asks for PyAudio, which only its live playback uses and which is built from source
where portaudio's headers lie. So it is no dependency of the ``demo`` extra: it is taken without
its own, into the user's cache.
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

from audiorec.cache import cache_directory
from audiorec.exceptions import AudiorecError

TINYSOUNDFONT = "tinysoundfont==0.3.7"
REMEDY = f"install it with: pip install --no-deps {TINYSOUNDFONT}"


def import_tinysoundfont() -> ModuleType:
    """The synthesizer's module, installed or from the cache.

    Raises
    ------
    AudiorecError
        If it is in neither; see `ensure_tinysoundfont`.
    """
    folder = _cached()
    if importlib.util.find_spec("tinysoundfont") is None and folder.is_dir():
        sys.path.append(str(folder))
        importlib.invalidate_caches()
    try:
        return importlib.import_module("tinysoundfont")
    except ImportError as error:
        raise AudiorecError(f"tinysoundfont cannot be imported ({error}); {REMEDY}") from None


def ensure_tinysoundfont() -> None:
    """Fetch the synthesizer with pip into the cache, unless it is installed or there already.

    Raises
    ------
    AudiorecError
        If pip cannot fetch it.
    """
    folder = _cached()
    if importlib.util.find_spec("tinysoundfont") is not None or folder.is_dir():
        return
    aside = folder.with_name(f"{folder.name}.{os.getpid()}.part")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps",
               "--target", str(aside), TINYSOUNDFONT]  # fmt: skip
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(command, check=True, capture_output=True, text=True)
        aside.replace(folder)
    except (subprocess.CalledProcessError, OSError) as error:
        if not folder.is_dir():  # else another process was there first
            raise AudiorecError(f"tinysoundfont could not be fetched; {REMEDY}") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _cached() -> Path:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return cache_directory() / f"{TINYSOUNDFONT.replace('==', '-')}-py{version}"
