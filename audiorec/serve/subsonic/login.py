"""Login of players by password, token or API key."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from audiorec.serve.subsonic.envelope import (
    API_VERSION,
    CLIENT_TOO_OLD,
    CONFLICTING_LOGINS,
    MECHANISM_UNSUPPORTED,
    MISSING_PARAMETER,
    SERVER_TOO_OLD,
    WRONG_KEY,
    WRONG_LOGIN,
    SubsonicError,
)
from audiorec.serve.subsonic.parameters import Parameters

if TYPE_CHECKING:
    from audiorec.serve.auth import Auth

HEXADECIMAL = "enc:"
WRONG = "wrong name or password"
TOO_MANY = "too many failed logins; wait a minute"


def check_version(parameters: Parameters) -> None:
    """Raise `SubsonicError` for a client of another protocol version; a missing one passes."""
    version = parameters.get("v") or API_VERSION
    major = version.partition(".")[0]
    if not major.isascii() or not major.isdigit():
        return
    own = int(API_VERSION.partition(".")[0])
    if int(major[:9]) < own:
        raise SubsonicError(CLIENT_TOO_OLD, f"v={version[:40]!r} is too old; upgrade the client")
    if int(major[:9]) > own:
        message = f"v={version[:40]!r} is newer than {API_VERSION}; upgrade the server"
        raise SubsonicError(SERVER_TOO_OLD, message)


def log_in(parameters: Parameters, auth: Auth, *, address: str) -> str:
    """Authenticate a request and return its user.

    Parameters
    ----------
    parameters : Parameters
    auth : Auth
    address : str
        Client address; after too many failed logins it is blocked for a while.

    Raises
    ------
    SubsonicError
        If credentials are missing, ambiguous or wrong.
    """
    given = {name for name in ("apiKey", "u", "p", "t", "s") if name in parameters}
    if "apiKey" in given:
        if given != {"apiKey"}:
            raise SubsonicError(CONFLICTING_LOGINS, "apiKey excludes u, p, t and s; leave them out")
        return _by_key(parameters.text("apiKey"), auth, address=address)
    name = parameters.text("u")
    if "p" in given and given & {"t", "s"}:
        raise SubsonicError(CONFLICTING_LOGINS, "p and t contradict each other; give one of them")
    whose = (f"address {address}", f"name {name}")
    if auth.throttle.blocked(*whose):
        raise SubsonicError(WRONG_LOGIN, TOO_MANY)
    if "p" in given:
        known = auth.check(name, _plain(parameters.text("p")))
    elif given & {"t", "s"}:
        known = _is_token(parameters.text("t"), parameters.text("s"), auth.password(name))
    else:
        raise SubsonicError(MISSING_PARAMETER, "parameter 'p', or 't' and 's', is missing; give it")
    if not known:
        auth.throttle.failed(*whose)
        raise SubsonicError(WRONG_LOGIN, WRONG)
    return name


def _by_key(key: str, auth: Auth, *, address: str) -> str:
    whose = f"address {address}"
    if auth.throttle.blocked(whose):
        raise SubsonicError(WRONG_KEY, TOO_MANY)
    user = auth.user_of_key(key)
    if user is None:
        auth.throttle.failed(whose)
        raise SubsonicError(WRONG_KEY, "unknown API key")
    return user


def _plain(given: str) -> str:
    """Decode a password: plain, or hexadecimal UTF-8 after ``enc:``."""
    if not given.startswith(HEXADECIMAL):
        return given
    try:
        return bytes.fromhex(given.removeprefix(HEXADECIMAL)).decode()
    except ValueError:
        message = "p=enc:... must be the password in hexadecimal UTF-8"
        raise SubsonicError(MECHANISM_UNSUPPORTED, message) from None


def _is_token(token: str, salt: str, password: str | None) -> bool:
    """Whether a token is ``md5(password + salt)``, compared in constant time."""
    secret = (password or "").encode() + salt.encode("utf-8", "replace")
    # MD5 is the protocol's choice: it proves knowledge of the password, and is not stored.
    expected = hashlib.md5(secret, usedforsecurity=False).hexdigest()
    right = hmac.compare_digest(expected, token.lower().encode("ascii", "replace").decode())
    return right and password is not None
