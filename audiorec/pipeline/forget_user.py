"""Removal of a listener's data from a workspace."""

from __future__ import annotations

import shutil
from typing import NamedTuple

from audiorec import artifacts
from audiorec.data.plays import pseudonym
from audiorec.exceptions import ArtifactError, NewerError, NotFoundError
from audiorec.factors import Factors, load_factors, save_factors
from audiorec.workspace import Workspace


class ForgetReport(NamedTuple):
    """Removed data: number of plays, and whether factors and sessions were removed."""

    rows: int
    factors: bool
    sessions: bool


def forget(workspace: Workspace, user: str) -> ForgetReport:
    """Remove a listener from plays, factors and sessions.

    Parameters
    ----------
    workspace : Workspace
        Locked for writing.
    user : str
        Their name, even if it is stored as a pseudonym.

    Raises
    ------
    NotFoundError
        If nothing is stored of them.
    NewerError
        If the factors were written by a newer version.
    """
    from audiorec.data.plays import forget_user  # here: they load polars
    from audiorec.data.server import forget_listener
    from audiorec.data.server.store import FILE

    # Some data may be stored under their name, and some under their pseudonym.
    salt = workspace.salt(make=False)
    names = [user] if salt is None else [user, pseudonym(user, salt=salt)]
    rows = sum(forget_user(workspace.plays, name) for name in names)
    rows += forget_listener(workspace.root / FILE, user)
    sessions = workspace.root / "sessions"
    # Session models are learned from everyone: they are remade from the remaining plays.
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
    """Remove a listener's row from the factors, if any; damaged factors are deleted."""
    directory = workspace.factors
    if not artifacts.exists(directory):
        return False
    try:
        manifest = artifacts.load_manifest(directory, kind="factors")
        factors = load_factors(directory)
    except NewerError:
        raise
    except ArtifactError:  # its listeners are unknown: the next run remakes it
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
        # Made from plays that no longer exist: the next run remakes them.
        inputs={**manifest.inputs, "plays": "forgotten"},
        extra=manifest.extra,
    )
    return True
