"""The user's cache: what is fetched from outside lies there, and can be fetched again."""

from __future__ import annotations

import os
from pathlib import Path


def cache_directory() -> Path:
    """Where what is fetched is kept: ``AUDIOREC_CACHE``, or the platform's cache folder."""
    import platformdirs  # here: not before something is looked for

    named = os.environ.get("AUDIOREC_CACHE")
    return Path(named) if named else platformdirs.user_cache_path("audiorec", appauthor=False)
