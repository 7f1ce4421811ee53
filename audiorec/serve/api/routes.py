"""Routes of the API, and the error responses of each."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from audiorec.serve.api import (
    exclusions,
    files,
    jobs,
    listening,
    playlists,
    recommendations,
    tracks,
    workspace,
)
from audiorec.serve.problems import MEDIA_TYPE, TITLES, Problem

PREFIX = "/api/v1"
EVERYWHERE = (400, 401, 403, 404, 405, 409, 413, 415, 421, 422, 429, 503)


def add_api(app: FastAPI) -> None:
    """Add the routes of the API, with the error responses of each."""
    schema = {"$ref": "#/components/schemas/Problem"}
    problems: dict[int | str, dict[str, Any]] = {
        status: {"description": TITLES[status], "content": {MEDIA_TYPE: {"schema": schema}}}
        for status in EVERYWHERE
    }
    for module in (
        tracks,
        recommendations,
        playlists,
        listening,
        workspace,
        exclusions,
        jobs,
        files,
    ):
        app.include_router(module.router, prefix=PREFIX, responses=problems)
    made = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            table = made()
            schemas = table.setdefault("components", {}).setdefault("schemas", {})
            schemas["Problem"] = Problem.model_json_schema()
            table["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
            table["security"] = [{"key": []}, {}]  # on 127.0.0.1 without users, no key is required
            for name in ("HTTPValidationError", "ValidationError"):
                schemas.pop(name, None)
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI documents
