"""The server: an HTTP API, pages and OpenSubsonic over the library, playlists and plays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audiorec.lazy import lazy_attributes
from audiorec.serve.app import create_app, is_loopback
from audiorec.serve.config import ServeSettings
from audiorec.serve.state import ServerState
from audiorec.serve.users import (
    add_key,
    add_user,
    load_users,
    remove_user,
    revoke_keys,
    save_users,
    users_file,
)

if TYPE_CHECKING:
    from audiorec.serve.run import run_server

__all__ = [
    "ServeSettings",
    "ServerState",
    "add_key",
    "add_user",
    "create_app",
    "is_loopback",
    "load_users",
    "remove_user",
    "revoke_keys",
    "run_server",
    "save_users",
    "users_file",
]

# It loads uvicorn.
__getattr__ = lazy_attributes(
    __name__,
    {
        "run": ("run_server",),
    },
)
