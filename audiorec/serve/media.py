"""Audio, cover art and spectrograms of catalogued tracks. No other file is ever opened."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from audiorec.data import file_of, segment_of
from audiorec.data.catalog import Track
from audiorec.exceptions import DataError
from audiorec.serve.cover_art import Cover
from audiorec.serve.cue_parts import TYPE as PART_TYPE
from audiorec.serve.cue_parts import CuePartCache
from audiorec.serve.image_cache import ImageCache
from audiorec.serve.library import SharedLibrary
from audiorec.serve.open_file import open_audio
from audiorec.serve.problems import problem
from audiorec.serve.ranges import wanted_range

if TYPE_CHECKING:
    from audiorec.serve.decode_worker import DecodeWorker

CHUNK = 256 << 10
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
    """A file that was truncated while it was sent."""


def content_type(track: Track) -> str:
    """Return the MIME type of a track's file: by its suffix, or as the scan found it."""
    if segment_of(track.path) is not None:
        return PART_TYPE
    suffix = Path(file_of(track.path)).suffix[1:].lower()
    return TYPES.get(suffix) or TYPES.get(track.format.lower(), "application/octet-stream")


def is_playable(track: Track) -> bool:
    """Whether current browsers play the format."""
    return content_type(track) in IN_BROWSERS


class Media:
    """Media files of the tracks in a library.

    Parameters
    ----------
    library : SharedLibrary
    worker : DecodeWorker
        Worker that cuts out tracks that are a part of a file.
    """

    def __init__(self, library: SharedLibrary, worker: DecodeWorker) -> None:
        self._library = library
        self._parts = CuePartCache(worker)
        self._images = ImageCache()

    def cover(self, track_id: str, *, size: int | None = None) -> Cover | None:
        """Return cover art from a track's tags, or None. Call it in a thread."""
        track = self._library.run(lambda library: library.catalog.get(track_id))
        return self._images.cover(track, size=size)

    def spectrogram(self, track_id: str) -> bytes:
        """Return the log-mel spectrogram of a track as a PNG. Call it in a thread."""
        return self._images.spectrogram(self._library.workspace, track_id)

    async def audio(self, track_id: str, request: Request) -> Response:
        """Return the file of a track, or the requested range of it.

        A file that is removed or replaced while it is sent is still sent to its end. A track that
        is a part of a file, by a CUE sheet, is cut out as FLAC. An unknown id raises
        `NotFoundError`; a missing file is answered with 410.
        """
        track = await self._library.call_quick(lambda library: library.catalog.get(track_id))
        segment = segment_of(track.path)
        try:
            if segment is not None:
                return await self._parts.audio(segment, request)
            opened = await self._library.in_thread(open_audio, track)
        except OSError:
            return problem(410, f"the file of {track_id!r} is gone; run 'audiorec scan' again")
        return self._respond(opened, track, request)

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
        modified = headers["last-modified"]
        part = wanted_range(request.headers, size=state.st_size, etag=etag, modified=modified)
        if part is None:
            opened.close()
            return Response(
                status_code=416, headers={**headers, "content-range": f"bytes */{state.st_size}"}
            )
        length = part.last - part.first + 1
        headers["content-length"] = str(length)
        if part.is_part:
            headers["content-range"] = f"bytes {part.first}-{part.last}/{state.st_size}"
        status = 206 if part.is_part else 200
        if request.method == "HEAD" or not length:
            opened.close()
            return Response(status_code=status if length else 200, headers=headers)
        return StreamingResponse(_chunks(opened, part.first, length), status, headers=headers)


async def _chunks(opened: BinaryIO, first: int, length: int) -> AsyncIterator[bytes]:
    with opened:
        await run_in_threadpool(opened.seek, first)
        while length > 0:
            chunk = await run_in_threadpool(opened.read, min(CHUNK, length))
            if not chunk:  # truncated meanwhile: the connection ends early
                raise CutShortError("a file became shorter while it was sent; play it again")
            length -= len(chunk)
            yield chunk
