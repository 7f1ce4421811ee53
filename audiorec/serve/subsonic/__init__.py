"""OpenSubsonic API, for existing music players."""

from __future__ import annotations

from audiorec.serve.subsonic.dispatch import routes

__all__ = ["routes"]
