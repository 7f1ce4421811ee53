"""Which bytes of a file a request is for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

RANGE = re.compile(r"bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", re.ASCII | re.IGNORECASE)


class ByteRange(NamedTuple):
    """First and last byte of what is sent, counted from 0, and whether it is the part asked for."""

    first: int
    last: int
    is_part: bool


def wanted_range(
    headers: Mapping[str, str], *, size: int, etag: str, modified: str = ""
) -> ByteRange | None:
    """The part of a file that a request is for; None for one beyond it.

    All of it where no part is asked for, several, one in another unit, or one of the file as it was
    (RFC 9110, 13.1.5 and 14.2).

    Parameters
    ----------
    headers : mapping of str to str
    size : int
        Of the file, bytes.
    etag, modified : str
        What the file is known by, and when it was changed, as the answer's headers say it.
    """
    everything = ByteRange(0, size - 1, False)
    found = RANGE.fullmatch(headers.get("range", ""))
    if found is None or headers.get("if-range", etag) not in (etag, modified):
        return everything
    first, last = found.groups()
    if not first and not last:
        return everything
    if not first:  # the last so many bytes
        n = min(int(last), size)
        return ByteRange(size - n, size - 1, True) if n else None
    start, end = int(first), min(int(last), size - 1) if last else size - 1
    if last and int(last) < start:
        return everything
    return ByteRange(start, end, True) if start < size else None
