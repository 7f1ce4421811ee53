"""The server: an HTTP API, pages and OpenSubsonic over the library, playlists and plays."""

from __future__ import annotations

from audiorec.serve.app import create_app
from audiorec.serve.config import ServeSettings
from audiorec.serve.state import State

__all__ = ["ServeSettings", "State", "create_app"]
