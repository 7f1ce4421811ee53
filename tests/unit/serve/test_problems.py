"""Every error of a route is a problem: a status, and a line that says what to do."""

from __future__ import annotations

import errno

import pytest
from fastapi import FastAPI
from starlette.requests import ClientDisconnect
from starlette.testclient import TestClient

from audiorec.exceptions import (
    AmbiguousNameError,
    ArtifactError,
    BusyError,
    NotFoundError,
    WorkspaceError,
)
from audiorec.serve.problems import add_handlers


@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        (AmbiguousNameError("song", candidates=["a\nb", "c"]), 409, "song"),
        (NotFoundError("no track"), 404, "no track"),
        (ArtifactError("run 'audiorec run'"), 409, "run 'audiorec run'"),
        (BusyError("in a moment"), 429, "in a moment"),
        (WorkspaceError("is gone"), 503, "is gone"),
        (OSError(errno.EIO, "Input/output error"), 503,
         "the workspace cannot be used: Input/output error"),
        (ClientDisconnect(), 400, "the request is incomplete; send it again"),
        (RuntimeError("secret"), 500, "an error in audiorec; see the server's log"),
    ],
)  # fmt: skip
def test_what_an_error_is_answered_by(error, status, detail, caplog):
    app = FastAPI()
    add_handlers(app)

    @app.get("/")
    async def fails():
        raise error

    answer = TestClient(app, raise_server_exceptions=False).get("/")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert detail in answer.json()["detail"] and "\n" not in answer.json()["detail"]
    if isinstance(error, AmbiguousNameError):
        assert answer.json()["candidates"] == [r"a\nb", "c"]
    if status == 500:
        assert "error in /" in caplog.text and "secret" in caplog.text
