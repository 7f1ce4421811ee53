"""Pages of an Ogg file (RFC 3533): chained recordings, and damaged pages."""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

import numpy as np

from audiorec.audio.source import Bytes

MAGIC = b"OggS"
PAGE_HEAD = 27  # bytes before the table of segments
FIRST_PAGE, LAST_PAGE = 0x02, 0x04  # flags: a stream begins, a stream ends
CHECKSUM = slice(22, 26)  # of a page; computed with zeros in its place
POSITION = struct.Struct("<q").unpack_from
REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
OPUS_RATE = 48_000  # Hz, unit of Opus's positions at any sampling rate (RFC 7845, section 4)


class StreamSpan(NamedTuple):
    """A recording within an Ogg file.

    Attributes
    ----------
    start, stop : int
        First byte, and the one after the last.
    pages : list of int
        First byte of each page.
    positions : list of int
        Samples up to the end of each page (its granule position), -1 where no packet ends in it.
    """

    start: int
    stop: int
    pages: list[int]
    positions: list[int]


def find_links(data: Bytes, *, start: int = 0) -> list[StreamSpan]:
    """Find the links of an Ogg file, in order; one if it is not chained.

    Streams that begin together are multiplexed in one link; one that begins after other pages
    begins a new link.

    Parameters
    ----------
    data : bytes-like
        The file.
    start : int
        Start of the Ogg data in it.
    """
    at, in_heads = start, True
    links = [StreamSpan(start, len(data), [], [])]
    while (at := _page(data, at)) >= 0:
        is_head = bool(data[at + 5] & FIRST_PAGE)
        if is_head and not in_heads:
            links[-1] = links[-1]._replace(stop=at)
            links.append(StreamSpan(at, len(data), [], []))
        in_heads = is_head
        links[-1].pages.append(at)
        links[-1].positions.append(POSITION(data, at + 6)[0])
        at = _page_end(data, at)
    return links


def is_damaged(data: Bytes, link: StreamSpan, *, start: int, stop: int) -> bool:
    """Whether a page with any of the samples from `start` to `stop` is lost.

    A decoder skips such a page, and what follows comes too early.

    Parameters
    ----------
    data : bytes-like
        The file.
    link : StreamSpan
        Of it.
    start, stop : int
        Samples, as the pages count them (their granule positions).
    """
    pages, places = link.pages, np.array(link.positions, dtype=np.int64)
    # The position of a page is that of its end; a damaged one may claim any.
    before = np.concatenate([[0], places[:-1]])
    inside = np.flatnonzero((places >= start) & (before <= stop))
    if not len(inside):
        return False
    # A seek relies on the page before the one with the first sample.
    first, last = max(0, int(inside[0]) - 2), min(len(pages), int(inside[-1]) + 2)
    ends = [_page_end(data, page) for page in pages[first:last]]
    begins = [*pages[first + 1 : last], ends[-1]]
    return any(
        end != begin or not _holds(bytes(data[page:end]))
        for page, end, begin in zip(pages[first:last], ends, begins, strict=True)
    )


def _page_end(data: Bytes, at: int) -> int:
    n_segments = data[at + 26]
    return at + PAGE_HEAD + n_segments + sum(data[at + PAGE_HEAD : at + PAGE_HEAD + n_segments])


def _holds(page: bytes) -> bool:
    """Whether the checksum of a page is right: CRC-32 with the bits of each byte reversed."""
    blank = page[: CHECKSUM.start] + bytes(4) + page[CHECKSUM.stop :]
    crc = zlib.crc32(blank.translate(REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return crc.to_bytes(4, "big").translate(REVERSED) == page[CHECKSUM]


def _page(data: Bytes, at: int) -> int:
    """Start of the next page; -1 where there is none."""
    if data[at : at + 4] != MAGIC:
        at = data.find(MAGIC, at)
    return at if at >= 0 and at + PAGE_HEAD <= len(data) else -1
