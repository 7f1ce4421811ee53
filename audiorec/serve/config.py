"""Server settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ServeSettings:
    """Settings of the server.

    Parameters
    ----------
    host : str
        Address to listen on.
    port : int
    music : tuple of Path
        Folders that a job may scan, besides those of catalogued tracks.
    names : tuple of str
        Allowed host names, besides addresses and localhost: requests under any other name are
        refused (DNS rebinding).
    max_upload_bytes : int
        Most bytes of an uploaded audio file.
    max_body_bytes : int
        Most bytes of any other request.
    local_user : str
        Name of the listener on a server without users.
    """

    host: str = "127.0.0.1"
    port: int = 8337
    music: tuple[Path, ...] = ()
    names: tuple[str, ...] = ()
    max_upload_bytes: int = 200 << 20
    max_body_bytes: int = 2 << 20
    local_user: str = "me"
