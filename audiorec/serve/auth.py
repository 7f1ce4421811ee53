"""Authentication: users, logins of browsers, API keys, and throttling of failed logins."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict
from pathlib import Path
from typing import NamedTuple

from audiorec.exceptions import AudiorecError
from audiorec.serve.users import User, digest, load_users, users_file
from audiorec.workspace import Workspace

LOGIN_SECONDS = 30 * 86_400.0
MOST_LOGINS = 10_000
MOST_FAILURES = 5  # of one address or one name, within
FAILURE_SECONDS = 60.0
MOST_ADDRESSES = 10_000


class AuthError(AudiorecError):
    """A login that was refused: wrong name or password, or too many attempts."""

    def __init__(self, message: str, *, too_many: bool = False) -> None:
        super().__init__(message)
        self.too_many = too_many


class ForbiddenError(AudiorecError):
    """A user requested another user's data."""


class Login(NamedTuple):
    """A browser's login: user, password at the time, and expiry."""

    user: str
    proof: str
    ends: float


class LoginThrottle:
    """Failed logins by address and by name, to limit password guessing."""

    def __init__(self, *, most: int = MOST_FAILURES, seconds: float = FAILURE_SECONDS) -> None:
        self._most, self._seconds = most, seconds
        self._failed: OrderedDict[str, list[float]] = OrderedDict()
        self._lock = threading.Lock()

    def blocked(self, *whose: str) -> bool:
        """Whether an address or a name has failed too often recently."""
        since = time.monotonic() - self._seconds
        with self._lock:
            return any(
                sum(when > since for when in self._failed.get(key, ())) >= self._most
                for key in whose
            )

    def failed(self, *whose: str) -> None:
        """Record a failed login."""
        now = time.monotonic()
        with self._lock:
            for key in whose:
                recent = self._failed.pop(key, [])[-self._most + 1 :]
                self._failed[key] = [*recent, now]
            while len(self._failed) > MOST_ADDRESSES:
                self._failed.popitem(last=False)


class Auth:
    """Users of a workspace and their logins.

    Parameters
    ----------
    workspace : Workspace
    required : bool
        Whether a login is required even before any user exists. Once there was a user, a login is
        always required: deleting the file does not open the server.
    """

    def __init__(self, workspace: Workspace, *, required: bool = False) -> None:
        self._required = required
        self._file = users_file(workspace)
        self._lock = threading.Lock()
        self._secret = secrets.token_bytes(32)
        self._logins: OrderedDict[str, Login] = OrderedDict()
        self._read: tuple[object, dict[str, User]] = (None, {})
        self.throttle = LoginThrottle()

    @property
    def has_users(self) -> bool:
        """Whether a login is required."""
        self._required = self._required or bool(self._users())
        return self._required

    def users(self) -> list[str]:
        """Return the names of the users."""
        return sorted(self._users())

    def password(self, name: str) -> str | None:
        """Return a user's password, from which tokens of Subsonic players are made."""
        user = self._users().get(name)
        return None if user is None else user.password

    def check(self, name: str, password: str) -> bool:
        """Whether a password is the user's, compared in constant time."""
        user = self._users().get(name)
        right = hmac.compare_digest(digest(user.password if user else ""), digest(password))
        return right and user is not None

    def user_of_key(self, key: str) -> str | None:
        """Return the user of an API key."""
        wanted = digest(key)
        found = None
        for user in self._users().values():
            for known in user.keys:
                if hmac.compare_digest(known, wanted):
                    found = user.name
        return found

    def login(self, name: str, password: str, *, address: str) -> str:
        """Log a browser in.

        Returns
        -------
        token : str
            What the browser's cookie holds.

        Raises
        ------
        AuthError
        """
        whose = (f"address {address}", f"name {name}")
        if self.throttle.blocked(*whose):
            raise AuthError("too many failed logins; wait a minute", too_many=True)
        if not self.check(name, password):
            self.throttle.failed(*whose)
            raise AuthError("wrong name or password")
        token = secrets.token_urlsafe(32)
        ends = time.time() + LOGIN_SECONDS
        with self._lock:
            self._logins[digest(token)] = Login(name, self._password_mac(password), ends)
            while len(self._logins) > MOST_LOGINS:
                self._logins.popitem(last=False)
        return token

    def logout(self, token: str) -> None:
        """End a login."""
        with self._lock:
            self._logins.pop(digest(token), None)

    def user_of_login(self, token: str) -> str | None:
        """Return the user of a login; None once their password has changed."""
        login = self._logins.get(digest(token)) if token else None
        if login is None or login.ends < time.time():
            return None
        password = self.password(login.user)
        valid = password is not None and hmac.compare_digest(
            self._password_mac(password), login.proof
        )
        return login.user if valid else None

    def csrf_token(self, cookie: str) -> str:
        """Return the CSRF token of a browser's cookie, which changes made by pages must carry."""
        return hmac.new(self._secret, cookie.encode(), hashlib.sha256).hexdigest()

    def check_csrf(self, cookie: str, token: str) -> bool:
        """Whether a CSRF token is that of the cookie."""
        expected = self.csrf_token(cookie).encode()
        return bool(cookie) and hmac.compare_digest(expected, token.encode("utf-8", "replace"))

    def _password_mac(self, password: str) -> str:
        return hmac.new(self._secret, password.encode(), hashlib.sha256).hexdigest()

    def _users(self) -> dict[str, User]:
        """Return the users as the file lists them now."""
        state = _state(self._file)
        if self._read[0] != state or state is None:
            self._read = (state, load_users(self._file) if state else {})
        return self._read[1]


def _state(file: Path) -> object:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size, found.st_mode
