"""Settings of the server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ServeSettings:
    """How to serve.

    Parameters
    ----------
    host : str
        Address to listen on.
    port : int
    music : tuple of Path
        Folders that may be scanned by a job, beside those that hold catalogued tracks.
    names : tuple of str
        Names by which the server may be called, beside addresses and localhost: a page elsewhere
        that calls it by another is refused (DNS rebinding).
    max_upload_bytes : int
        Of a file that is sent to be listened to.
    max_body_bytes : int
        Of any other request.
    local_user : str
        The listener where there are no users.
    """

    host: str = "127.0.0.1"
    port: int = 8337
    music: tuple[Path, ...] = ()
    names: tuple[str, ...] = ()
    max_upload_bytes: int = 200 << 20
    max_body_bytes: int = 2 << 20
    local_user: str = "me"
