"""Which bytes of a file a request is for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

RANGE = re.compile(r"bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", re.ASCII | re.IGNORECASE)


class ByteRange(NamedTuple):
    """First and last byte of a part, counted from 0."""

    first: int
    last: int


def wanted_range(headers: Mapping[str, str], *, size: int, etag: str) -> ByteRange | None:
    """The part that a request is for: all of it where it names several; None for one beyond it."""
    everything = ByteRange(0, size - 1)
    found = RANGE.fullmatch(headers.get("range", ""))
    if found is None or headers.get("if-range", etag) != etag:
        return everything
    first, last = found.groups()
    if not first:  # the last so many bytes
        n = min(int(last or size), size)
        return ByteRange(size - n, size - 1) if n else None
    start, end = int(first), min(int(last), size - 1) if last else size - 1
    if last and int(last) < start:
        return everything
    return ByteRange(start, end) if start < size else None
