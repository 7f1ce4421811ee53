"""The server: an HTTP API, pages and OpenSubsonic over the library, playlists and plays."""

from __future__ import annotations

from audiorec.serve.app import create_app
from audiorec.serve.config import ServeSettings
from audiorec.serve.state import ServerState

__all__ = ["ServeSettings", "ServerState", "create_app"]
