"""What a server is made of, and how a request gets at it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

    from audiorec.data.server_store import ServerStore
    from audiorec.playlist.saved import SavedPlaylists
    from audiorec.serve.auth import Auth
    from audiorec.serve.batch import SimilarBatch
    from audiorec.serve.jobs import Jobs
    from audiorec.serve.library import SharedLibrary
    from audiorec.serve.listening import Listening
    from audiorec.serve.media import Media
    from audiorec.serve.workers import DecodeWorker
    from audiorec.workspace import Workspace


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


@dataclass(frozen=True)
class State:
    """A running server's parts."""

    workspace: Workspace
    settings: ServeSettings
    library: SharedLibrary
    listening: Listening
    store: ServerStore
    saved: SavedPlaylists
    auth: Auth
    media: Media
    jobs: Jobs
    worker: DecodeWorker
    batch: SimilarBatch


def state_of(request: HTTPConnection) -> State:
    """The parts of the server that a request came to."""
    state: State = request.app.state.serve
    return state
