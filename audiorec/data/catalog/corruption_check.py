"""Detection of altered bytes of a catalogue, by a checksum in a file beside it.

SQLite's own integrity check does not notice a changed byte within a value. A writer removes the
checksum before it writes and stores a new one at the end: after a kill there is none, and an
existing one is that of the catalogue as it was closed.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import suppress
from pathlib import Path

from audiorec.artifacts import digest_file, matches_digest, write_atomic
from audiorec.exceptions import AudiorecError


def checksum_file(catalog: Path) -> Path:
    """Path of a catalogue's checksum: the one of 0.2.0 while that is there."""
    old = _old_checksum_file(catalog)
    return old if old.exists() else catalog.with_name(f"{catalog.name}.checksum")


def _old_checksum_file(catalog: Path) -> Path:
    return catalog.with_name(f"{catalog.name}.seal")  # until 0.3


def write_checksum(database: sqlite3.Connection, catalog: Path) -> None:
    """Checkpoint the write-ahead log and store the file's digest; none while others read.

    A catalogue works without a checksum, so a full disk is not an error here.
    """
    with suppress(sqlite3.Error, OSError, AudiorecError):
        busy, _, _ = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if not busy:
            content = {"size": catalog.stat().st_size, "digest": digest_file(catalog)}
            write_atomic(checksum_file(catalog), json.dumps(content).encode())


def remove_checksum(catalog: Path) -> None:
    """Remove the checksum: the catalogue is about to change."""
    _old_checksum_file(catalog).unlink(missing_ok=True)
    checksum_file(catalog).unlink(missing_ok=True)


def is_altered(catalog: Path) -> bool | None:
    """Whether a catalogue differs from its checksum; None where it has none."""
    file, log = checksum_file(catalog), catalog.with_name(f"{catalog.name}-wal")
    try:
        content = file.read_bytes()
        expected = json.loads(content)
        if log.exists() and log.stat().st_size:
            return None
        whole = catalog.stat().st_size == expected["size"] and matches_digest(
            catalog, expected["digest"]
        )
        # If written meanwhile, it has another checksum now, or none.
        return not whole and file.read_bytes() == content
    except (OSError, ValueError, KeyError, TypeError):
        return None
