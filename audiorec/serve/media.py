"""Audio, cover art and spectrograms of catalogued tracks. No other file is ever opened."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Mapping
from email.utils import formatdate
from pathlib import Path
from typing import BinaryIO, NamedTuple

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from audiorec.data.segments import file_of
from audiorec.data.tracks import Track
from audiorec.exceptions import DataError
from audiorec.serve.library import SharedLibrary
from audiorec.serve.opening import open_audio
from audiorec.serve.pictures import Cover, Pictures
from audiorec.serve.problems import problem

CHUNK = 256 << 10
RANGE = re.compile(r"bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", re.ASCII | re.IGNORECASE)
TYPES = {
    "mp3": "audio/mpeg", "mp2": "audio/mpeg", "flac": "audio/flac", "ogg": "audio/ogg",
    "oga": "audio/ogg", "opus": "audio/ogg", "spx": "audio/ogg", "m4a": "audio/mp4",
    "m4b": "audio/mp4", "mp4": "audio/mp4", "alac": "audio/mp4", "aac": "audio/aac",
    "wav": "audio/wav", "wave": "audio/wav", "aif": "audio/aiff", "aiff": "audio/aiff",
    "aifc": "audio/aiff", "wma": "audio/x-ms-wma", "asf": "audio/x-ms-wma",
    "wv": "audio/x-wavpack", "ape": "audio/x-ape", "mpc": "audio/x-musepack",
    "tta": "audio/x-tta", "mka": "audio/x-matroska", "webm": "audio/webm", "w64": "audio/x-w64",
    "au": "audio/basic", "caf": "audio/x-caf", "ac3": "audio/ac3", "dsf": "audio/x-dsf",
    "dff": "audio/x-dff",
}  # fmt: skip
IN_BROWSERS = frozenset(
    {"audio/mpeg", "audio/flac", "audio/ogg", "audio/mp4", "audio/aac", "audio/wav", "audio/webm"}
)


class CutShortError(DataError):
    """A file that became shorter while it was sent."""


class ByteRange(NamedTuple):
    """First and last byte of a part, counted from 0."""

    first: int
    last: int


def content_type(track: Track) -> str:
    """MIME type of a track's file, by its suffix, or what the scan found in it."""
    suffix = Path(file_of(track.path)).suffix[1:].lower()
    return TYPES.get(suffix) or TYPES.get(track.format.lower(), "application/octet-stream")


def is_playable(track: Track) -> bool:
    """Whether browsers of today play the format."""
    return content_type(track) in IN_BROWSERS


class Media:
    """Files of the tracks in a library.

    Parameters
    ----------
    library : SharedLibrary
    """

    def __init__(self, library: SharedLibrary) -> None:
        self._library = library
        self._pictures = Pictures()

    def content_type(self, track: Track) -> str:
        """See `content_type`."""
        return content_type(track)

    def cover(self, track_id: str, *, size: int | None = None) -> Cover | None:
        """Cover art in a track's tags; None where it has none. Call it in a thread."""
        track = self._library.run(lambda library: library.catalog.get(track_id))
        return self._pictures.cover(track, size=size)

    def spectrogram(self, track_id: str) -> bytes:
        """Log-mel spectrogram of a track as a PNG. Call it in a thread."""
        return self._pictures.spectrogram(self._library.workspace, track_id)

    async def audio(self, track_id: str, request: Request) -> Response:
        """The file of a track, or the part of it that is asked for.

        What is sent is what was opened: a file that is removed or replaced meanwhile is sent to
        its end. An unknown id raises `NotFoundError`; a file that is gone is answered by 410.
        """
        track = await self._library.call_quick(lambda library: library.catalog.get(track_id))
        try:
            opened = await self._library.in_thread(open_audio, track)
        except OSError:
            return problem(410, f"the file of {track_id!r} is gone; run 'audiorec scan' again")
        try:
            return self._respond(opened, track, request)
        except BaseException:
            opened.close()
            raise

    def _respond(self, opened: BinaryIO, track: Track, request: Request) -> Response:
        state = os.fstat(opened.fileno())
        etag = f'"{state.st_ino:x}-{state.st_mtime_ns:x}-{state.st_size:x}"'
        headers = {
            "accept-ranges": "bytes",
            "etag": etag,
            "last-modified": formatdate(state.st_mtime, usegmt=True),
            "cache-control": "private, max-age=0, must-revalidate",
            "content-type": content_type(track),
        }
        if etag in [tag.strip() for tag in request.headers.get("if-none-match", "").split(",")]:
            opened.close()
            return Response(status_code=304, headers=headers)
        part = wanted_range(request.headers, size=state.st_size, etag=etag)
        if part is None:
            opened.close()
            return Response(
                status_code=416, headers={**headers, "content-range": f"bytes */{state.st_size}"}
            )
        first, last = part
        length = last - first + 1
        headers["content-length"] = str(length)
        whole = length == state.st_size
        if not whole:
            headers["content-range"] = f"bytes {first}-{last}/{state.st_size}"
        status = 200 if whole and "range" not in request.headers else 206
        if status == 206:
            headers["content-range"] = f"bytes {first}-{last}/{state.st_size}"
        if request.method == "HEAD" or not length:
            opened.close()
            return Response(status_code=status if length else 200, headers=headers)
        return StreamingResponse(_chunks(opened, first, length), status, headers=headers)


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


async def _chunks(opened: BinaryIO, first: int, length: int) -> AsyncIterator[bytes]:
    with opened:
        await run_in_threadpool(opened.seek, first)
        while length > 0:
            chunk = await run_in_threadpool(opened.read, min(CHUNK, length))
            if not chunk:  # cut short meanwhile: the connection ends before its length
                raise CutShortError("a file became shorter while it was sent; play it again")
            length -= len(chunk)
            yield chunk
