"""The server: an HTTP API, pages and OpenSubsonic over the library, playlists and plays."""

from __future__ import annotations

from audiorec.serve.app import create_app
from audiorec.serve.state import ServeSettings, State

__all__ = ["ServeSettings", "State", "create_app"]
