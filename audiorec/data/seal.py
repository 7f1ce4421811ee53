"""The digest of a catalogue at rest, in a file beside it.

SQLite keeps none: a letter that is not the one that was written is nothing that it could tell.
Whoever writes breaks the seal before, and sets it when all is written. So one who was killed leaves
none, and a seal that stands is that of the catalogue as it was left.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import suppress
from pathlib import Path

from audiorec.artifacts import digest_file, matches, write_atomic
from audiorec.exceptions import AudiorecError


def seal_of(catalog: Path) -> Path:
    """Where the seal of a catalogue lies."""
    return catalog.with_name(f"{catalog.name}.seal")


def set_seal(database: sqlite3.Connection, catalog: Path) -> None:
    """Bring all that was written into the one file, and keep its digest; none where others read.

    Without a seal nothing is lost but what it tells, so that a full disk is no matter either.
    """
    with suppress(sqlite3.Error, OSError, AudiorecError):
        busy, _, _ = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if not busy:
            content = {"size": catalog.stat().st_size, "digest": digest_file(catalog)}
            write_atomic(seal_of(catalog), json.dumps(content).encode())


def break_seal(catalog: Path) -> None:
    """Say that the catalogue is no longer what its digest is of."""
    seal_of(catalog).unlink(missing_ok=True)


def differs(catalog: Path) -> bool | None:
    """Whether a catalogue is another than its seal says; None where it has none."""
    seal, log = seal_of(catalog), catalog.with_name(f"{catalog.name}-wal")
    try:
        kept = seal.read_bytes()
        said = json.loads(kept)
        if log.exists() and log.stat().st_size:
            return None
        whole = catalog.stat().st_size == said["size"] and matches(catalog, said["digest"])
        # Written meanwhile, it has another seal by now, or none.
        return not whole and seal.read_bytes() == kept
    except (OSError, ValueError, KeyError, TypeError):
        return None
