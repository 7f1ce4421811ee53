"""The envelope of every OpenSubsonic answer, as XML, JSON or JSONP."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

from starlette.responses import Response

from audiorec import __version__

API_VERSION = "1.16.1"
NAMESPACE = "http://subsonic.org/restapi"
FORMATS = ("xml", "json", "jsonp")
# Valid JSONP callbacks: names of JavaScript objects; anything else could be a script.
CALLBACK = re.compile(r"[A-Za-z_$][\w$]*(\.[A-Za-z_$][\w$]*)*", re.ASCII)
UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
QUOTED = {'"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}
# Keys whose value is the text of its element in XML.
TEXT = "value"

GENERIC, MISSING_PARAMETER = 0, 10
CLIENT_TOO_OLD, SERVER_TOO_OLD = 20, 30
WRONG_LOGIN, MECHANISM_UNSUPPORTED, CONFLICTING_LOGINS, WRONG_KEY = 40, 42, 43, 44
FORBIDDEN, NOT_FOUND = 50, 70


class SubsonicError(Exception):
    """A request that is answered with a failure.

    Parameters
    ----------
    code : int
        Error code of the specification.
    message : str
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class ResponseFormat:
    """Format of an answer.

    Parameters
    ----------
    name : str
        One of `FORMATS`.
    callback : str
        Callback of JSONP, in the requesting page.
    """

    def __init__(self, name: str = "xml", *, callback: str = "") -> None:
        self.name, self.callback = name, callback

    @classmethod
    def of(cls, name: str | None, callback: str | None) -> ResponseFormat:
        """Return the format of a request, XML by default.

        Raises
        ------
        SubsonicError
            If there is no such format, or JSONP has no valid callback.
        """
        name = name or "xml"
        if name not in FORMATS:
            raise SubsonicError(GENERIC, f"f={name!r} must be one of {', '.join(FORMATS)}")
        if name != "jsonp":
            return cls(name)
        if not callback:
            raise SubsonicError(MISSING_PARAMETER, "f=jsonp needs a callback; give its name")
        if not CALLBACK.fullmatch(callback):
            raise SubsonicError(GENERIC, "callback must be the name of a JavaScript function")
        return cls(name, callback=callback)

    def success(self, payload: Mapping[str, Any] | None = None) -> Response:
        """Make the answer to a successful request."""
        return self._response({"status": "ok", **_head(), **(payload or {})})

    def failure(self, code: int, message: str) -> Response:
        """Make the answer to a failed request; its HTTP status is 200, as clients expect."""
        error = {"code": code, "message": message}
        return self._response({"status": "failed", **_head(), "error": error})

    def _response(self, content: Mapping[str, Any]) -> Response:
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        if self.name == "xml":
            return Response(to_xml(content), media_type="text/xml", headers=headers)
        # Escaped, since a text may contain anything: lone surrogates, line ends.
        text = json.dumps({"subsonic-response": content}, ensure_ascii=True, separators=(",", ":"))
        if self.name == "json":
            return Response(text, media_type="application/json", headers=headers)
        script = f"/**/{self.callback}({text});"
        return Response(script, media_type="application/javascript", headers=headers)


def _head() -> dict[str, Any]:
    return {
        "version": API_VERSION,
        "type": "audiorec",
        "serverVersion": __version__,
        "openSubsonic": True,
    }


def to_xml(content: Mapping[str, Any]) -> str:
    """Format an answer as an XML document.

    Scalars become attributes, a list one element per entry, and anything else an element; see
    `TEXT`.
    """
    root = {"xmlns": NAMESPACE, **content}
    return f'<?xml version="1.0" encoding="UTF-8"?>{_element("subsonic-response", root)}'


def _element(name: str, value: object) -> str:
    if not isinstance(value, Mapping):
        return f"<{name}>{_text(value)}</{name}>"
    attributes, inside = [], []
    for key, each in value.items():
        if each is None:
            continue
        if isinstance(each, Mapping):
            inside.append(_element(key, each))
        elif isinstance(each, Sequence) and not isinstance(each, str):
            inside += [_element(key, one) for one in each]
        elif key == TEXT:
            inside.append(_text(each))
        else:
            attributes.append(f' {key}="{_text(each)}"')
    return f"<{name}{''.join(attributes)}>{''.join(inside)}</{name}>"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return escape(UNWRITABLE.sub(" ", str(value)), QUOTED)
