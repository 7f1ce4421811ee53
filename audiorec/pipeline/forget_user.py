"""Removal of one listener from everything that a workspace stores of listeners."""

from __future__ import annotations

import shutil
from typing import NamedTuple

from audiorec import artifacts
from audiorec.data.plays.pseudonyms import pseudonym
from audiorec.exceptions import ArtifactError, NewerError, NotFoundError
from audiorec.factors.store import Factors, load_factors, save_factors
from audiorec.workspace import Workspace


class ForgetReport(NamedTuple):
    """What was removed: rows of plays, whether factors, whether the sessions."""

    rows: int
    factors: bool
    sessions: bool


def forget(workspace: Workspace, user: str) -> ForgetReport:
    """Remove a listener from plays, factors and sessions.

    Parameters
    ----------
    workspace : Workspace
        Held for writing.
    user : str
        Their name, also where it is stored as a pseudonym.

    Raises
    ------
    NotFoundError
        If nothing is stored of them.
    NewerError
        If a newer version has written the factors.
    """
    from audiorec.data.plays.removal import forget_user  # here: they load polars
    from audiorec.data.server.store import FILE, forget_listener

    # Some of it may be stored under their name, and some under their pseudonym.
    salt = workspace.salt(make=False)
    names = [user] if salt is None else [user, pseudonym(user, salt=salt)]
    rows = sum(forget_user(workspace.plays, name) for name in names)
    rows += forget_listener(workspace.root / FILE, user)
    sessions = workspace.root / "sessions"
    # Sessions are of everyone together: they are made again from the plays that are left.
    gone = bool(rows) and artifacts.exists(sessions)
    if gone:
        shutil.rmtree(sessions)
    factors = sum(_forget_factors(workspace, name) for name in names) > 0
    if not rows and not factors:
        raise NotFoundError(
            f"unknown listener {user!r}: nothing of them is stored; "
            "'audiorec plays list' shows what was imported"
        )
    return ForgetReport(rows, factors, gone)


def _forget_factors(workspace: Workspace, user: str) -> bool:
    """Take a listener's row out of the factors, if they have one; what is damaged is removed."""
    directory = workspace.factors
    if not artifacts.exists(directory):
        return False
    try:
        manifest = artifacts.load_manifest(directory, kind="factors")
        factors = load_factors(directory)
    except NewerError:
        raise
    except ArtifactError:  # nobody can tell whom it names: the next run makes it again
        shutil.rmtree(directory)
        return True
    if user not in factors.users:
        return False
    others = [name for name in factors.users.ids if name != user]
    tracks = factors.tracks.take(factors.tracks.ids)
    users = factors.users.take(others)
    save_factors(
        directory,
        Factors(users=users, tracks=tracks),
        config=manifest.config,
        # Made from plays that are no more: the next run makes them again.
        inputs={**manifest.inputs, "plays": "forgotten"},
        extra=manifest.extra,
    )
    return True
