"""User accounts: a JSON file in the workspace that only its owner can read.

Passwords are stored in plain text. A Subsonic player proves that it knows one by
``md5(password + salt)``, with a salt of its own choice, so that the server needs the password
itself. API keys are stored as their SHA-256.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from audiorec.exceptions import NotFoundError, ParameterError, WorkspaceError, system_reason
from audiorec.workspace import Workspace

FILE = "server-users.json"
NAME = re.compile(r"[^\s\x00-\x1f\x7f/\\:\"'<>&]{1,64}")
SHORTEST, LONGEST = 8, 256
MOST_KEYS = 20


class User(NamedTuple):
    """A user, named as the listener; keys are SHA-256 digests, hexadecimal."""

    name: str
    password: str
    keys: tuple[str, ...] = ()


def users_file(workspace: Workspace) -> Path:
    """Return the path of a workspace's users file."""
    return workspace.root / FILE


def load_users(file: Path) -> dict[str, User]:
    """Load the users by name; none without a file.

    Raises
    ------
    WorkspaceError
        If it cannot be read, or is accessible by others than its owner.
    """
    try:
        with file.open("rb") as stream:
            mode = stat.S_IMODE(os.fstat(stream.fileno()).st_mode)
            if mode & 0o077:
                raise WorkspaceError(
                    f"{file} has mode {mode:o} and holds passwords; run 'chmod 600' on it"
                )
            table = json.loads(stream.read())
        users = (_user(name, row) for name, row in table["users"].items())
        return {user.name: user for user in users}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WorkspaceError(
            f"{file} cannot be read ({system_reason(error)}); remove it and add the users again"
        ) from None


def save_users(file: Path, users: Mapping[str, User]) -> None:
    """Write the users atomically, readable by the owner only."""
    rows = {u.name: {"password": u.password, "keys": list(u.keys)} for u in users.values()}
    aside = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as stream:
            os.fchmod(stream.fileno(), 0o600)
            stream.write(json.dumps({"users": rows}, ensure_ascii=False, indent=1).encode())
            stream.flush()
            os.fsync(stream.fileno())
        aside.replace(file)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise WorkspaceError(f"{file} cannot be written: {system_reason(error)}") from None


def add_user(file: Path, name: str, password: str) -> bool:
    """Add a user, or change a user's password; return whether they are new.

    Raises
    ------
    ParameterError
        If the name or the password is invalid.
    """
    if not NAME.fullmatch(name):
        raise ParameterError(
            f"{name!r} is not a valid user name; give up to 64 characters without blanks or any of "
            "/ \\ : \" ' < > &"
        )
    if not SHORTEST <= len(password) <= LONGEST or not password.isprintable():
        raise ParameterError(
            f"a password has {SHORTEST} to {LONGEST} printable characters; choose another"
        )
    users = load_users(file)
    before = users.get(name)
    users[name] = User(name, password, before.keys if before else ())
    save_users(file, users)
    return before is None


def remove_user(file: Path, name: str) -> None:
    """Remove a user with their keys; `NotFoundError` if there is none."""
    users = load_users(file)
    if name not in users:
        raise NotFoundError(f"there is no user {name!r}; 'audiorec serve user list' names them")
    del users[name]
    save_users(file, users)


def add_key(file: Path, name: str) -> str:
    """Create an API key for a user: shown once, stored as its digest."""
    users = load_users(file)
    if name not in users:
        raise NotFoundError(f"there is no user {name!r}; 'audiorec serve user list' names them")
    user = users[name]
    if len(user.keys) >= MOST_KEYS:
        raise ParameterError(
            f"{name!r} has {MOST_KEYS} keys; revoke them with 'audiorec serve user key --revoke'"
        )
    key = secrets.token_urlsafe(32)
    users[name] = user._replace(keys=(*user.keys, digest(key)))
    save_users(file, users)
    return key


def revoke_keys(file: Path, name: str) -> int:
    """Revoke all API keys of a user; return how many there were."""
    users = load_users(file)
    if name not in users:
        raise NotFoundError(f"there is no user {name!r}; 'audiorec serve user list' names them")
    count = len(users[name].keys)
    users[name] = users[name]._replace(keys=())
    save_users(file, users)
    return count


def digest(text: str) -> str:
    """Return the SHA-256 of a text, hexadecimal."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _user(name: str, row: Mapping[str, Any]) -> User:
    password, keys = row["password"], tuple(row.get("keys", ()))
    if not (isinstance(password, str) and all(isinstance(key, str) for key in keys)):
        raise ValueError(f"user {name!r} is damaged")
    return User(name, password, keys)
