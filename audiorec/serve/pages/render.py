"""Rendering of page templates, and page requests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from math import isfinite
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from audiorec import __version__
from audiorec.data.catalog.descriptors import UNITS
from audiorec.exceptions import AudiorecError
from audiorec.printable_text import one_line
from audiorec.recommend import Library
from audiorec.serve.problems import problem_from_error
from audiorec.serve.state import ServerState, state_of

NO_STORE = {"cache-control": "no-store"}
LOGIN_ERRORS = {
    "wrong": "Wrong name or password.",
    "many": "Too many failed logins. Wait a minute.",
}


class PageRequest(NamedTuple):
    """A request for a page.

    Attributes
    ----------
    state : ServerState
    request : Request
    user : str
        The requesting listener.
    """

    state: ServerState
    request: Request
    user: str

    @property
    def params(self) -> QueryParams:
        """The query parameters."""
        return self.request.query_params

    def text(self, name: str, default: str = "") -> str:
        """Return a query parameter, stripped of white space."""
        return self.params.get(name, default).strip()[:1000]

    def texts(self, name: str) -> list[str]:
        """Return all distinct non-empty values of a query parameter."""
        found = (value.strip()[:1000] for value in self.params.getlist(name)[:200])
        return list(dict.fromkeys(value for value in found if value))

    def number(self, name: str, default: float, *, least: float, most: float) -> float:
        """Return a query parameter as a number within bounds; the default if it is not one."""
        try:
            value = float(self.text(name))
        except ValueError:
            return default
        return min(max(value, least), most) if isfinite(value) else default


View = Callable[[Library, PageRequest], dict[str, Any]]


class Renderer:
    """Renderer of pages from templates.

    Parameters
    ----------
    state : ServerState
    """

    def __init__(self, state: ServerState) -> None:
        self._state = state
        self._templates = Environment(
            loader=PackageLoader("audiorec.serve.pages"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {"minutes": minutes, "whole": whole, "measure": measure}

    def page(self, name: str, view: View) -> Callable[[Request], Awaitable[Response]]:
        """Make the endpoint that renders a view's result with the template of that name."""

        async def endpoint(request: Request) -> Response:
            page_request = PageRequest(state_of(request), request, request.state.user)

            def answer(library: Library) -> str:
                return self.html(request, name, **view(library, page_request))

            try:
                return HTMLResponse(await self._state.library.call(answer), headers=NO_STORE)
            except AudiorecError as error:
                status = problem_from_error(error).status_code
                candidates = [one_line(str(name)) for name in getattr(error, "candidates", ())]
                body = self.html(
                    request, "error", error=str(error), candidates=candidates[:20], status=status
                )
                return HTMLResponse(body, status, headers=NO_STORE)

        return endpoint

    def html(self, request: Request, name: str, /, **values: Any) -> str:
        """Render a template, with all values escaped."""
        shared = {
            "page": name,
            "path": request.url.path,
            "csrf": request.state.csrf,
            "user": request.state.user,
            "has_users": self._state.auth.has_users,
            "version": __version__,
        }
        text = self._templates.get_template(f"{name}.html").render(**shared, **values)
        return text.encode("utf-8", "replace").decode()  # file names may be undecodable

    async def login(self, request: Request) -> Response:
        """Show the login form."""
        error = LOGIN_ERRORS.get(request.query_params.get("error", ""), "")
        then = request.query_params.get("next", "/")
        return HTMLResponse(self.html(request, "login", error=error, then=then), headers=NO_STORE)


def minutes(seconds: float) -> str:
    """Format seconds as ``3:07`` or ``1:02:03``; empty for none."""
    if not seconds:
        return ""
    whole_seconds = round(seconds)
    hours, rest = divmod(whole_seconds, 3600)
    start = f"{hours}:{rest // 60:02d}" if hours else str(rest // 60)
    return f"{start}:{rest % 60:02d}"


def measure(value: float | str, name: str) -> str:
    """Format a descriptor with its unit, to a sensible precision."""
    if isinstance(value, str):
        return value
    return f"{value:.{0 if abs(value) >= 100 else 1}f} {UNITS[name]}"


def whole(number: float) -> str:
    """Format a number with thousands separators."""
    return f"{round(number):,}"
