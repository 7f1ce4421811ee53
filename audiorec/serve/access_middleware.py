"""Access control of every request: host name, login, CSRF protection, size limits.

Plain ASGI middleware in front of the routes; it also logs a line for each request.
"""

from __future__ import annotations

import ipaddress
import logging
import secrets
import time
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from audiorec.exceptions import AudiorecError
from audiorec.printable_text import one_line
from audiorec.serve.problems import problem, problem_from_error
from audiorec.serve.state import ServerState

logger = logging.getLogger("audiorec.serve")
COOKIE = "audiorec_session"
CSRF_HEADER = "x-csrf-token"
SAFE = ("GET", "HEAD", "OPTIONS")
OPEN = ("/login", "/healthz", "/favicon.ico")
UPLOAD = "/api/v1/similar/upload"
MOST_FORM_BYTES = 65_536
HEADERS = {
    "content-security-policy": "default-src 'self'; img-src 'self' data: blob:; style-src 'self'; "
    "script-src 'self'; media-src 'self' blob:; connect-src 'self'; object-src 'none'; "
    "base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class AccessMiddleware:
    """Middleware that authorizes requests.

    Parameters
    ----------
    app : ASGIApp
    state : ServerState
    """

    def __init__(self, app: ASGIApp, *, state: ServerState) -> None:
        self.app, self.state = app, state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return  # no websockets here: the server closes them
        request = _Request(scope, receive, send)
        try:
            refused = await self._refused(request)
            if refused is not None:
                await refused(scope, receive, request.send)
            else:
                await self.app(scope, request.receive, request.send)
        except Exception as error:
            # Errors raised here were logged, answered, or both; a stream that was cut is ended.
            if not request.status:
                raise
            cause = error.__cause__ or error  # Starlette wraps an error after the response began
            if isinstance(cause, AudiorecError):
                logger.warning("%s", one_line(str(cause)))
        finally:
            request.log()

    async def _refused(self, request: _Request) -> Response | None:
        """Return the answer to a request that is refused; None for one that is allowed."""
        if not is_known_host(request.headers.get("host", ""), self.state.settings.names):
            return problem(
                421, "this host name is not allowed; allow it with 'audiorec serve --name NAME'"
            )
        too_large = self._limit(request)
        if too_large is not None:
            return too_large
        path = request.scope["path"]
        if path == "/rest" or path.startswith("/rest/"):
            request.known(None, "")
            return None
        try:
            return await self._stranger(request, path)
        except AudiorecError as error:
            return problem_from_error(error)

    async def _stranger(self, request: _Request, path: str) -> Response | None:
        auth, settings = self.state.auth, self.state.settings
        cookie, key = request.cookie(COOKIE), request.api_key()
        user: str | None
        if key is not None:
            address = f"address {request.address}"
            if auth.throttle.blocked(address):
                return problem(429, "too many failed logins; wait a minute")
            user = auth.user_of_key(key)
            if user is None:
                auth.throttle.failed(address)
                return problem(401, "unknown API key; make one with 'audiorec serve user key'")
        elif auth.has_users:
            user = auth.user_of_login(cookie)
        else:
            user = settings.local_user
        if not cookie and key is None and request.scope["method"] in SAFE:
            cookie = secrets.token_urlsafe(32)  # from which a form's token is derived
            request.new_cookie = cookie
        request.known(user, auth.csrf_token(cookie))
        is_open = path in OPEN or path.startswith("/static/")
        if user is None and not is_open:
            if path.startswith("/api/") or request.scope["method"] not in SAFE:
                return problem(401, "log in first, or send 'Authorization: Bearer KEY'")
            return RedirectResponse(f"/login?next={quote(path)}", 303)
        if key is None and request.scope["method"] not in SAFE:
            return await self._forgery_refusal(request, cookie)
        return None

    async def _forgery_refusal(self, request: _Request, cookie: str) -> Response | None:
        """Return the answer to a change that another site may have forged; None for others."""
        origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
        own = request.headers.get("host", "")
        if origin is not None and urlsplit(origin).netloc != own:
            return problem(403, "another site sent this request; open the server's own page")
        if site not in (None, "same-origin", "none"):
            return problem(403, "another site sent this request; open the server's own page")
        from_browser = bool(request.cookie(COOKIE)) or origin is not None or site is not None
        if not from_browser and not self.state.auth.has_users:
            return None  # a program on this machine
        if request.scope["path"] == "/login" and not request.cookie(COOKIE) and not from_browser:
            return None  # a program that logs in
        token = request.headers.get(CSRF_HEADER) or await request.form_field("csrf")
        if self.state.auth.check_csrf(cookie, token):
            return None
        return problem(403, "no valid CSRF token; reload the page (header X-CSRF-Token)")

    def _limit(self, request: _Request) -> Response | None:
        settings = self.state.settings
        upload = request.scope["path"] == UPLOAD
        request.most = settings.max_upload_bytes if upload else settings.max_body_bytes
        length = request.headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()):
            return problem(400, "the content length is no number")
        if len(length) > 18 or int(length) > request.most:
            return problem(413, f"more than {request.most} bytes; send less")
        return None


class _Request:
    """One request in progress: its user, its body and its response."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope, self._receive, self._send = scope, receive, send
        self.headers = Headers(scope=scope)
        self.new_cookie = ""
        self.most = 0
        self._came = 0
        self._body: list[Message] = []
        self._began = time.perf_counter()
        self.status, self._bytes = 0, 0

    @property
    def address(self) -> str:
        """Address of the client."""
        client = self.scope.get("client")
        return str(client[0]) if client else "?"

    def known(self, user: str | None, csrf: str) -> None:
        """Tell the routes which user asks."""
        self.scope["state"] = {**self.scope.get("state", {}), "user": user, "csrf": csrf}

    def cookie(self, name: str) -> str:
        """Return a cookie's value; empty if it is not set."""
        return cookie_parser(self.headers.get("cookie", "")[:4096]).get(name, "")[:200]

    def api_key(self) -> str | None:
        """Return the key of an ``Authorization: Bearer`` header."""
        kind, _, key = self.headers.get("authorization", "").partition(" ")
        return key.strip()[:200] if kind.lower() == "bearer" else None

    async def form_field(self, name: str) -> str:
        """Return a field of a plain form, whose body the routes can still read."""
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/x-www-form-urlencoded":
            return ""
        body, messages, more = b"", [], True
        while more and len(body) <= MOST_FORM_BYTES:
            message = await self._next()
            messages.append(message)
            body += message.get("body", b"")
            more = message.get("more_body", False)
        self._body = messages
        if len(body) > MOST_FORM_BYTES:
            return ""
        return parse_qs(body.decode("utf-8", "replace")).get(name, [""])[0]

    async def receive(self) -> Message:
        """Receive the next part of the body, within the size limit."""
        if self._body:  # read already, for the token in a form
            return self._body.pop(0)
        return await self._next()

    async def _next(self) -> Message:
        message = await self._receive()
        self._came += len(message.get("body", b""))
        if self._came > self.most:
            raise HTTPException(413, f"more than {self.most} bytes; send less")
        return message

    async def send(self, message: Message) -> None:
        """Send a message, with the headers common to all answers."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            if self.new_cookie and self._is_page(headers):
                secure = "; Secure" if self.scope.get("scheme") == "https" else ""
                headers.append(
                    "set-cookie",
                    f"{COOKIE}={self.new_cookie}; Path=/; HttpOnly; SameSite=Strict{secure}",
                )
        else:
            self._bytes += len(message.get("body", b""))
        await self._send(message)

    def _is_page(self, headers: MutableHeaders) -> bool:
        return headers.get("content-type", "").startswith("text/html") and not any(
            value.startswith(f"{COOKIE}=") for value in headers.getlist("set-cookie")
        )

    def log(self) -> None:
        """Log a line: method, path, status, bytes, time, address, user."""
        # Never the query: it holds passwords and tokens of Subsonic players.
        path = quote(self.scope["path"], safe="/:@!$&'()*+,;=~-._")[:300]
        user = self.scope.get("state", {}).get("user") or "-"
        seconds = time.perf_counter() - self._began
        logger.info(
            "%s %s %s %d B %.1f ms %s %s",
            self.scope["method"], path, self.status or "-", self._bytes, 1000 * seconds,
            self.address, quote(str(user), safe=""),
        )  # fmt: skip


def is_known_host(host: str, names: Iterable[str]) -> bool:
    """Whether a Host header names this server: an address, localhost, or one of its names.

    A page of another site can make its own name resolve to this server (DNS rebinding), but not an
    address.
    """
    if not host or any(c in host for c in "/\\@?#"):
        return False
    try:
        name = urlsplit(f"//{host}").hostname or ""
        _ = urlsplit(f"//{host}").port
    except ValueError:
        return False
    if name == "localhost" or name in {each.lower() for each in names}:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def set_cookie(response: Any, token: str, *, secure: bool, seconds: int) -> None:
    """Set the login cookie of a browser."""
    response.set_cookie(
        COOKIE, token, max_age=seconds, path="/", httponly=True, samesite="strict", secure=secure
    )
