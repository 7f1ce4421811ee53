"""Server state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

    from audiorec.data.server import ServerStore
    from audiorec.playlist import SavedPlaylists
    from audiorec.serve.auth import Auth
    from audiorec.serve.config import ServeSettings
    from audiorec.serve.decode_worker import DecodeWorker
    from audiorec.serve.jobs import Jobs
    from audiorec.serve.library import SharedLibrary
    from audiorec.serve.listening import Listening
    from audiorec.serve.media import Media
    from audiorec.serve.similar_batch import SimilarBatch
    from audiorec.workspace import Workspace


@dataclass(frozen=True)
class ServerState:
    """Shared objects of a running server."""

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


def state_of(request: HTTPConnection) -> ServerState:
    """Return the state of the server that handles a request."""
    state: ServerState = request.app.state.serve
    return state
