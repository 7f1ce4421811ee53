"""Dispatch of requests under ``/rest``: the answer is always an envelope, or media."""

from __future__ import annotations

import inspect
import logging
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from audiorec.exceptions import AudiorecError, NotFoundError
from audiorec.serve.subsonic import (  # noqa: F401 - each registers its methods
    annotation,
    bookmarks,
    browsing,
    lists,
    media,
    play_queue,
    playlists,
    searching,
    similar,
    system,
)
from audiorec.serve.subsonic.envelope import (
    FORBIDDEN,
    GENERIC,
    NOT_FOUND,
    ResponseFormat,
    SubsonicError,
)
from audiorec.serve.subsonic.login import check_version, log_in
from audiorec.serve.subsonic.parameters import Parameters, read_parameters
from audiorec.serve.subsonic.service import METHODS, MethodCall, Service

if TYPE_CHECKING:
    from audiorec.recommend import Library
    from audiorec.serve.state import ServerState

logger = logging.getLogger("audiorec.serve")
SUFFIX = ".view"
OPEN = "getOpenSubsonicExtensions"  # needs no login
OFF = "there is no user yet; add one with 'audiorec serve user add NAME'"


def routes(state: ServerState) -> list[BaseRoute]:
    """Return the routes of the protocol, for the server of a workspace."""
    state.store.ensure(play_queue.SCHEMA + bookmarks.SCHEMA)
    service = Service(state)
    answer = partial(respond, service)
    with suppress(AudiorecError):  # reported by requests
        if state.auth.has_users:
            service.prepare()
    methods = ["GET", "POST"]
    return [Route(path, answer, methods=methods) for path in ("/rest", "/rest/{method:path}")]


async def respond(service: Service, request: Request) -> Response:
    """Answer a request."""
    written = ResponseFormat()
    try:
        parameters = await read_parameters(request)
        written = ResponseFormat.of(parameters.get("f"), parameters.get("callback"))
        payload = await _answer(service, request, parameters)
        return payload if isinstance(payload, Response) else written.success(payload)
    except SubsonicError as error:
        return written.failure(error.code, str(error))
    except NotFoundError as error:
        return written.failure(NOT_FOUND, str(error))
    except AudiorecError as error:
        return written.failure(GENERIC, str(error))
    except (HTTPException, ClientDisconnect) as error:  # a form too large, or cut off
        return written.failure(GENERIC, str(getattr(error, "detail", "the request broke off")))
    except Exception:
        # A bug; but players understand nothing but the envelope.
        logger.exception("%s failed", request.url.path)
        return written.failure(GENERIC, "internal server error; see its log")


async def _answer(service: Service, request: Request, parameters: Parameters) -> Any:
    state = service.state
    name = request.path_params.get("method", "").removesuffix(SUFFIX)
    if not state.auth.has_users:
        raise SubsonicError(FORBIDDEN, OFF)
    check_version(parameters)
    user = "" if name == OPEN else await _user(service, request, parameters)
    request.state.user = user or None  # for the log
    if name not in METHODS:
        raise SubsonicError(GENERIC, f"there is no method {name[:80]!r} here")
    method = METHODS[name]
    call = MethodCall(service, request, parameters, user)
    if inspect.iscoroutinefunction(method.answer):
        return await method.answer(call)
    if method.waits:
        return await state.library.in_thread(method.answer, call)

    def answer(library: Library) -> Any:
        call.library = library
        return method.answer(call)

    return await state.library.call(answer)


async def _user(service: Service, request: Request, parameters: Parameters) -> str:
    address = request.client.host if request.client else "?"
    return log_in(parameters, service.state.auth, address=address)
