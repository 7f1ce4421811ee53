"""In-memory cache of cover art and spectrogram images."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from audiorec.data.catalog import Track
from audiorec.mel import opened_store
from audiorec.serve.cover_art import Cover, read_cover
from audiorec.serve.open_file import open_audio
from audiorec.serve.spectrogram_image import draw_spectrogram
from audiorec.workspace import Workspace

SIZES = (64, 128, 256, 300, 512, 600, 1000)
DEFAULT_SIZE = 600
CACHED_BYTES = 32 << 20


class ImageCache:
    """Cache of cover art and spectrograms of tracks, of the most recent ones."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[object, Any] = OrderedDict()
        self._bytes = 0

    def cover(self, track: Track, *, size: int | None) -> Cover | None:
        """Return cover art of a track, at most `size` pixels wide and high."""
        wanted = next((s for s in SIZES if s >= (size or DEFAULT_SIZE)), SIZES[-1])
        try:
            opened = open_audio(track)
        except (OSError, ValueError):
            return None
        with opened:
            state = os.fstat(opened.fileno())
            key = (track.path, state.st_mtime_ns, state.st_size, wanted)
            found: Cover | None = self._cached(key, lambda: read_cover(opened, size=wanted))
        return found

    def spectrogram(self, workspace: Workspace, track_id: str) -> bytes:
        """Return a spectrogram of a track's clip: time to the right, high frequencies at the top.

        Raises
        ------
        NotFoundError, ArtifactError
            If none is stored.
        """
        store = opened_store(workspace.mels)
        key = (track_id, store.clip_hash(track_id))
        found: bytes = self._cached(key, lambda: draw_spectrogram(store.mels(track_id)))
        return found

    def _cached(self, key: object, make: Callable[[], Any]) -> Any:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = make()
        with self._lock:
            if key not in self._kept:
                self._kept[key] = made
                self._bytes += _n_bytes(made)
            while self._bytes > CACHED_BYTES:
                _, old = self._kept.popitem(last=False)
                self._bytes -= _n_bytes(old)
        return made


def _n_bytes(value: Any) -> int:
    data = value.data if isinstance(value, Cover) else value
    return 100 + len(data or b"")
