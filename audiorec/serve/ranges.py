"""HTTP range requests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

RANGE = re.compile(r"bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", re.ASCII | re.IGNORECASE)


class ByteRange(NamedTuple):
    """First and last byte to send, counted from 0, and whether they answer a range request."""

    first: int
    last: int
    is_part: bool


def wanted_range(
    headers: Mapping[str, str], *, size: int, etag: str, modified: str = ""
) -> ByteRange | None:
    """Parse the range that a request asks for; None if it lies beyond the file.

    The whole file if the request has no range, several, one in another unit, or one for an earlier
    version of the file (RFC 9110, 13.1.5 and 14.2).

    Parameters
    ----------
    headers : mapping of str to str
    size : int
        Size of the file, bytes.
    etag, modified : str
        The file's ``ETag`` and ``Last-Modified`` headers.
    """
    everything = ByteRange(0, size - 1, False)
    found = RANGE.fullmatch(headers.get("range", ""))
    if found is None or headers.get("if-range", etag) not in (etag, modified):
        return everything
    first, last = found.groups()
    if not first and not last:
        return everything
    if not first:  # a suffix range
        n = min(int(last), size)
        return ByteRange(size - n, size - 1, True) if n else None
    start, end = int(first), min(int(last), size - 1) if last else size - 1
    if last and int(last) < start:
        return everything
    return ByteRange(start, end, True) if start < size else None
