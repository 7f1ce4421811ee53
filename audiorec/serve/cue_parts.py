"""Tracks that are a part of a file (CUE sheets), as files of their own."""

from __future__ import annotations

import io
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile
from starlette.requests import Request
from starlette.responses import Response

from audiorec.audio import open_source
from audiorec.data import FilePart, segment_of
from audiorec.exceptions import AudioError
from audiorec.serve.ranges import wanted_range

if TYPE_CHECKING:
    from audiorec.serve.decode_worker import DecodeWorker

TYPE = "audio/flac"
MOST_SECONDS = 1800.0
CACHED_BYTES = 256 << 20
BLOCK = 1 << 20  # frames


class CuePartCache:
    """Cache of parts of files, cut in a worker.

    Parameters
    ----------
    worker : DecodeWorker
    """

    def __init__(self, worker: DecodeWorker) -> None:
        self._worker = worker
        self._kept: OrderedDict[tuple[str, int], bytes] = OrderedDict()

    async def audio(self, segment: FilePart, request: Request) -> Response:
        """Return a part as FLAC, or the requested range of its bytes.

        Raises
        ------
        AudioError
            If it cannot be decoded.
        OSError
            If its file is missing.
        """
        key = (segment.path, Path(segment.file).stat().st_mtime_ns)
        data = self._kept.pop(key, None)
        if data is None:
            data = await self._worker.call(cut_part, segment.path)
        self._kept[key] = data
        while sum(map(len, self._kept.values())) > CACHED_BYTES and len(self._kept) > 1:
            self._kept.popitem(last=False)
        etag = f'"{key[1]:x}-{segment.start:.3f}-{len(data):x}"'
        headers = {"accept-ranges": "bytes", "etag": etag, "cache-control": "private, max-age=0"}
        part = wanted_range(request.headers, size=len(data), etag=etag)
        if part is None:
            headers["content-range"] = f"bytes */{len(data)}"
            return Response(status_code=416, headers=headers)
        if part.is_part:
            headers["content-range"] = f"bytes {part.first}-{part.last}/{len(data)}"
        wanted, status = data[part.first : part.last + 1], 206 if part.is_part else 200
        return Response(wanted, status, headers=headers, media_type=TYPE)


def cut_part(path: str) -> bytes:
    """Encode the part of a file that a path names as FLAC. Runs in a worker.

    Formats that libsndfile does not read are mixed to mono.

    Raises
    ------
    AudioError
        If it cannot be decoded, or is too long.
    """
    segment = segment_of(path)
    assert segment is not None
    with open_source(Path(path)) as source:
        sr, seconds = source.info.sr, source.info.duration
        if seconds > MOST_SECONDS:
            raise AudioError(f"{path} lasts {seconds:.0f} s, too long to be cut out to play")
        n_frames, out = round(seconds * sr), io.BytesIO()
        try:
            whole = soundfile.SoundFile(segment.file)
        except soundfile.LibsndfileError:
            y = np.asarray(source.read([0], n_frames)[0])
            soundfile.write(out, np.clip(y, -1, 1), sr, format="FLAC")
            return out.getvalue()
        with whole, soundfile.SoundFile(out, "w", sr, whole.channels, format="FLAC") as part:
            whole.seek(round(segment.start * sr))
            while n_frames > 0:
                block = whole.read(min(BLOCK, n_frames), dtype="float32", always_2d=True)
                if not len(block):
                    break
                part.write(np.clip(block, -1, 1))
                n_frames -= len(block)
    return out.getvalue()
