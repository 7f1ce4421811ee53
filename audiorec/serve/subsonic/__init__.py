"""OpenSubsonic: the library in the players that people have already."""

from __future__ import annotations

from audiorec.serve.subsonic.dispatch import routes

__all__ = ["routes"]
