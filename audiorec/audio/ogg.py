"""Links of a chained Ogg file: recordings one behind the other (RFC 3533, section 4)."""

from __future__ import annotations

from typing import NamedTuple

from audiorec.audio.source import Bytes

MAGIC = b"OggS"
PAGE_HEAD = 27  # bytes in front of the table of segments
FIRST_PAGE, LAST_PAGE = 0x02, 0x04  # flags: a stream begins, a stream ends


class StreamSpan(NamedTuple):
    """First byte of a link, and the first one behind its last."""

    start: int
    stop: int


def find_links(data: Bytes, *, start: int = 0) -> list[StreamSpan]:
    """Links of an Ogg file, in order; one for a file that is not chained.

    Streams that begin together lie beside each other, in one link; one that begins after other
    pages have come begins a new link.

    Parameters
    ----------
    data : bytes-like
        The file.
    start : int
        Where Ogg begins in it.
    """
    at, begins = start, [start]
    in_heads = True
    while (at := _page(data, at)) >= 0:
        is_head = bool(data[at + 5] & FIRST_PAGE)
        if is_head and not in_heads:
            begins.append(at)
        in_heads = is_head
        n_segments = data[at + 26]
        at += PAGE_HEAD + n_segments + sum(data[at + PAGE_HEAD : at + PAGE_HEAD + n_segments])
    return [StreamSpan(*edges) for edges in zip(begins, [*begins[1:], len(data)], strict=True)]


def _page(data: Bytes, at: int) -> int:
    """Where the next page begins; -1 where none does."""
    if data[at : at + 4] != MAGIC:
        at = data.find(MAGIC, at)
    return at if at >= 0 and at + PAGE_HEAD <= len(data) else -1
