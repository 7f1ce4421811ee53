"""The application: the parts of the server, its routes, and the access check before them."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from audiorec import __version__
from audiorec.data.server import listening_store
from audiorec.playlist import SavedPlaylists
from audiorec.serve import pages, subsonic
from audiorec.serve.access_middleware import COOKIE, AccessMiddleware, set_cookie
from audiorec.serve.api import add_api
from audiorec.serve.auth import LOGIN_SECONDS, Auth, AuthError
from audiorec.serve.config import ServeSettings
from audiorec.serve.decode_worker import DecodeWorker
from audiorec.serve.jobs import Jobs
from audiorec.serve.library import SharedLibrary
from audiorec.serve.listening import Listening
from audiorec.serve.media import Media
from audiorec.serve.problems import add_handlers, problem
from audiorec.serve.similar_batch import SimilarBatch
from audiorec.serve.state import ServerState, state_of
from audiorec.serve.workspace_counts import count_ahead
from audiorec.workspace import Workspace


def create_app(workspace: Workspace, *, settings: ServeSettings | None = None) -> FastAPI:
    """Create the server of a workspace, an ASGI application.

    Parameters
    ----------
    workspace : Workspace
    settings : ServeSettings, optional

    Raises
    ------
    WorkspaceError
        If there is no workspace.

    Examples
    --------
    >>> from pathlib import Path
    >>> from audiorec.workspace import Workspace
    >>> workspace = Workspace(Path("my-workspace"))
    >>> workspace.create()
    True
    >>> create_app(workspace).title
    'audiorec'
    """
    settings = settings or ServeSettings()
    workspace.check()
    state = make_state(workspace, settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        state.listening.start()
        await state.library.in_thread(state.library.warm_up)
        counting = asyncio.create_task(state.library.in_thread(count_ahead, state))
        yield
        await counting
        await state.jobs.stop()
        await state.library.in_thread(state.listening.stop)
        await state.library.in_thread(state.worker.close)
        state.library.close()
        state.store.close()

    app = FastAPI(
        title="audiorec",
        version=__version__,
        summary="Recommend music nobody has played yet, by listening to it.",
        docs_url=None,  # its scripts would come from another host
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        lifespan=lifespan,
    )
    app.state.serve = state
    add_handlers(app)
    add_api(app)
    app.router.routes += [
        Route("/healthz", healthz),
        Route("/login", login, methods=["POST"]),
        Route("/logout", logout, methods=["POST"]),
        *subsonic.routes(state),
        *pages.page_routes(state),
    ]
    app.add_middleware(AccessMiddleware, state=state)
    return app


def make_state(workspace: Workspace, settings: ServeSettings) -> ServerState:
    """Make the state of a server."""
    store = listening_store(workspace)
    library = SharedLibrary(workspace)
    listening = Listening(workspace, store)
    worker = DecodeWorker()
    return ServerState(
        workspace=workspace,
        settings=settings,
        library=library,
        listening=listening,
        store=store,
        saved=SavedPlaylists(store),
        auth=Auth(workspace, required=not is_loopback(settings.host)),
        media=Media(library, worker),
        jobs=Jobs(workspace, settings=settings, library=library, listening=listening),
        worker=worker,
        batch=SimilarBatch(library),
    )


def is_loopback(host: str) -> bool:
    """Whether an address is reachable from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def healthz(request: Request) -> Response:
    """Check that the workspace can be read."""
    state = state_of(request)
    await state.library.call_quick(lambda library: library.workspace.check())
    return JSONResponse({"status": "ok", "version": __version__})


async def login(request: Request) -> Response:
    """Log a browser in, by the fields ``name`` and ``password`` of a form."""
    state = state_of(request)
    form = await request.form()
    name, password, then = (str(form.get(key, "")) for key in ("name", "password", "next"))
    address = request.client.host if request.client else "?"
    try:
        token = state.auth.login(name, password, address=address)
    except AuthError as error:
        if "text/html" not in request.headers.get("accept", ""):
            return problem(429 if error.too_many else 401, str(error))
        return RedirectResponse(f"/login?error={'many' if error.too_many else 'wrong'}", 303)
    response = RedirectResponse(local_path(then), 303)
    secure = request.url.scheme == "https"
    set_cookie(response, token, secure=secure, seconds=int(LOGIN_SECONDS))
    return response


async def logout(request: Request) -> Response:
    """Log a browser out."""
    state_of(request).auth.logout(request.cookies.get(COOKIE, ""))
    response = RedirectResponse("/login", 303)
    response.delete_cookie(COOKIE, path="/")
    return response


def local_path(path: str) -> str:
    """Return a path if it is local to this server, else ``/``."""
    plain = path.startswith("/") and not path.startswith("//") and path.isprintable()
    return path if plain and "\\" not in path else "/"
