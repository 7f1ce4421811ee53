"""Pseudonyms of listeners: salted hashes that are stored in place of their names."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from typing import TYPE_CHECKING

from audiorec import artifacts
from audiorec.data.plays.uncatalogued_names import KIND, is_part
from audiorec.workspace import Workspace

if TYPE_CHECKING:
    import polars as pl

# Imports in functions: answers without pseudonyms start without polars.


def pseudonym(user: str, *, salt: bytes) -> str:
    """Make a salted hash to replace a listener's name."""
    digest = hmac.new(salt, user.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
    return f"p-{digest[:20]}"


def pseudonymised(plays: pl.LazyFrame, *, salt: bytes) -> pl.LazyFrame:
    """Replace the names of listeners in plays by salted hashes."""
    import polars as pl

    users = plays.select(pl.col("user_id").unique()).collect()["user_id"].to_list()
    hashes = {user: pseudonym(user, salt=salt) for user in users}
    return plays.with_columns(pl.col("user_id").replace_strict(hashes, return_dtype=pl.String))


def stored_name(user: str, *, workspace: Workspace) -> str:
    """Name under which a listener is stored: their pseudonym, if only that is stored."""
    return stored_names([user], workspace=workspace)[user]


def stored_names(users: Iterable[str], *, workspace: Workspace) -> dict[str, str]:
    """Names under which listeners are stored, by their own: see `stored_name`."""
    names = {user: user for user in users}
    salt, directory = workspace.salt(make=False), workspace.plays
    if not names or salt is None or not artifacts.exists(directory):
        return names
    import polars as pl

    files = artifacts.load_manifest(directory, kind=KIND).files
    parts = [directory / entry.file for name, entry in files.items() if is_part(name)]
    column = pl.concat([pl.scan_parquet(part).select("user_id") for part in parts]).unique()
    stored = set(column.collect()["user_id"])
    for user in names:
        hashed = pseudonym(user, salt=salt)
        if hashed in stored and user not in stored:
            names[user] = hashed
    return names
