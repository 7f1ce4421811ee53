"""Routes of the pages, their scripts and styles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from audiorec.serve.pages import map_data, playlist_form, track_rows, views
from audiorec.serve.pages.render import Renderer
from audiorec.serve.state import ServerState, state_of

STATIC = Path(__file__).parent / "static"
VIEWS = {
    "/": ("home", views.home),
    "/track": ("track", views.track),
    "/why": ("why", views.why),
    "/playlist": ("playlist", playlist_form.made_playlist),
    "/listener": ("listener", views.listener),
    "/map": ("map", map_data.map_page),
    "/library": ("library", views.library),
    "/evaluation": ("evaluation", views.evaluation),
    "/rows": ("rows", track_rows.rows_part),
}


class RevalidatedStaticFiles(StaticFiles):
    """Static files that a browser caches and revalidates at each use."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """See `StaticFiles`."""
        response = super().file_response(*args, **kwargs)
        response.headers["cache-control"] = "no-cache"
        return response


def page_routes(state: ServerState) -> list[BaseRoute]:
    """Return the routes of the pages, their scripts and styles."""
    renderer = Renderer(state)
    maps = map_data.MapEndpoints(state)
    pages = [Route(path, renderer.page(name, view)) for path, (name, view) in VIEWS.items()]
    return [
        *pages,
        Route("/login", renderer.login),
        Route("/map/points", maps.points),
        Route("/map/ids", maps.ids),
        Route("/map/colours", maps.colours),
        Route("/evaluation/report", report),
        Route("/favicon.ico", lambda request: RedirectResponse("/static/icon.svg", 301)),
        Mount("/static", RevalidatedStaticFiles(directory=STATIC)),
    ]


async def report(request: Request) -> Response:
    """Send the page that ``evaluate`` wrote, with its own styles."""
    file = state_of(request).workspace.reports / "evaluation.html"
    if not file.is_file():
        return RedirectResponse("/evaluation", 303)
    return FileResponse(file, media_type="text/html", filename="evaluation.html")
