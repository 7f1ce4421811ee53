"""The user's cache, for downloaded files, which can be downloaded again."""

from __future__ import annotations

import os
from pathlib import Path


def cache_directory() -> Path:
    """Folder of downloaded files: ``AUDIOREC_CACHE``, or the platform's cache folder."""
    import platformdirs  # here: only once a file is needed

    named = os.environ.get("AUDIOREC_CACHE")
    return Path(named) if named else platformdirs.user_cache_path("audiorec", appauthor=False)
