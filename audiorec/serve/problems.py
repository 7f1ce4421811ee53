"""Errors as RFC 9457 problem details: ``application/problem+json``."""

from __future__ import annotations

import json
import logging
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from audiorec.exceptions import (
    AmbiguousNameError,
    ArtifactError,
    AudioError,
    AudiorecError,
    BusyError,
    DataError,
    JobRunningError,
    NotFoundError,
    ParameterError,
    WorkspaceError,
    WriteError,
)
from audiorec.printable_text import one_line
from audiorec.serve.auth import ForbiddenError

logger = logging.getLogger("audiorec.serve")
MEDIA_TYPE = "application/problem+json"
TITLES = {
    400: "Bad request", 401: "Login needed", 403: "Forbidden", 404: "Not found",
    405: "Method not allowed", 409: "Conflict", 410: "Gone", 411: "Length needed",
    413: "Too large", 415: "Wrong type", 416: "Range not satisfiable", 421: "Wrong host",
    422: "Wrong value", 429: "Too many requests", 500: "Error in audiorec",
    503: "Not available now",
}  # fmt: skip
STATUS: tuple[tuple[type[AudiorecError], int], ...] = (
    (AmbiguousNameError, 409),
    (NotFoundError, 404),
    (ForbiddenError, 403),
    (JobRunningError, 409),
    (BusyError, 429),
    (ParameterError, 422),
    (DataError, 422),
    (AudioError, 422),
    (WorkspaceError, 503),
    (WriteError, 503),
    (ArtifactError, 409),  # a stage has not run yet, or has to run again
)


class Problem(BaseModel):
    """Problem details: a title by the status, and one line with thing, value and remedy."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    candidates: list[str] | None = None


def problem(status: int, detail: str, **more: Any) -> Response:
    """Make a response of problem details.

    Parameters
    ----------
    status : int
    detail : str
    **more
        Other members, such as candidates; and ``headers``.
    """
    headers = more.pop("headers", None)
    text = one_line(detail).encode("utf-8", "replace").decode()
    table = {"type": "about:blank", "title": TITLES.get(status, "Error"), "status": status,
             "detail": text, **more}  # fmt: skip
    return Response(json.dumps(table), status, headers=headers, media_type=MEDIA_TYPE)


def problem_from_error(error: AudiorecError) -> Response:
    """Make the response to an error of audiorec."""
    status = next((code for kind, code in STATUS if isinstance(error, kind)), 503)
    if isinstance(error, AmbiguousNameError):
        candidates = [one_line(str(name)) for name in error.candidates[:20]]
        return problem(status, str(error), candidates=candidates)
    return problem(status, str(error))


def add_handlers(app: FastAPI) -> None:
    """Make an app answer every error with problem details."""

    async def known(_: Request, error: Exception) -> Response:
        assert isinstance(error, AudiorecError)
        return problem_from_error(error)

    async def http(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        headers = dict(error.headers or {})
        return problem(error.status_code, str(error.detail), headers=headers)

    async def invalid(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part not in ("body", "query"))
        return problem(422, f"{where or 'body'}: {first['msg'][:500]}")

    async def system(_: Request, error: Exception) -> Response:
        assert isinstance(error, OSError)
        logger.error("%s", one_line(str(error)))
        return problem(503, f"the workspace cannot be used: {error.strerror or error}")

    async def gone(_: Request, __: Exception) -> Response:
        return problem(400, "the request is incomplete; send it again")  # nobody reads it

    async def unknown(request: Request, error: Exception) -> Response:
        logger.exception("error in %s", request.scope["path"], exc_info=error)
        return problem(500, "an error in audiorec; see the server's log")

    app.add_exception_handler(AudiorecError, known)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(ClientDisconnect, gone)
    app.add_exception_handler(OSError, system)
    app.add_exception_handler(Exception, unknown)
