"""Digests of values and of files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

DIGITS = 64  # of newly written digests
DIGESTS: dict[int, Callable[[], Any]] = {
    # The fastest of the secure ones on processors with instructions for it.
    DIGITS: hashlib.sha256,
    32: lambda: hashlib.blake2b(digest_size=16),
}
"""Hash functions, by their number of hexadecimal digits: this version's, then earlier ones'."""


def fingerprint(value: Any) -> str:
    """Digest of bytes, or of anything that is plain JSON: 32 hexadecimal digits."""
    if not isinstance(value, bytes):
        value = json.dumps(value, sort_keys=True, ensure_ascii=False).encode()
    return hashlib.blake2b(value, digest_size=16).hexdigest()


def digest_file(path: Path, *, digits: int = DIGITS) -> str:
    """Digest of a file's content, read in blocks: this many hexadecimal digits, see `DIGESTS`."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, DIGESTS[digits]).hexdigest()


def matches_digest(path: Path, digest: str) -> bool:
    """Whether a file's content has a digest, full or shortened, of this version or an earlier one.

    Digests of an unknown length match nothing, not even as a beginning.
    """
    known = [len(digest)] if len(digest) in DIGESTS else list(DIGESTS)
    return any(digest_file(path, digits=digits).startswith(digest) for digits in known)
