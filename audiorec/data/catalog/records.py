"""What the catalogue holds: tracks, and failures."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from audiorec.data.names.artist_names import artist_key
from audiorec.data.names.text_folding import full_name

CREDITS = ("disc", "album_artist", "composer", "recording_mbid")
"""Fields of a `Track` that are kept together."""


@dataclass(frozen=True, slots=True)
class Track:
    """A recording in the catalogue.

    Attributes
    ----------
    track_id : str
    path : str
        Absolute.
    artist, title, album, genre : str
        Empty where unknown.
    year : int or None
    duration : float
        Seconds.
    sr : int
        Sampling rate of the file, Hz.
    channels : int
    format : str
        ``"mp3"``, ``"flac"``, ...
    clip_hash : str
        Identity of the decoded sound; see `audiorec.audio.clip_hash`.
    missing : bool
        The file was not there at the last scan.
    number : int or None
        On its album.
    guessed : tuple of str
        Which of artist, title, album and number are guessed from the path, since no tag says them.
    disc : int or None
        Of an album of several.
    album_artist, composer : str
        Where they are another than the artist.
    recording_mbid : str
        MusicBrainz id of the recording.
    """

    track_id: str
    path: str
    artist: str = ""
    title: str = ""
    album: str = ""
    year: int | None = None
    genre: str = ""
    duration: float = 0.0
    sr: int = 0
    channels: int = 0
    format: str = ""
    clip_hash: str = ""
    missing: bool = False
    number: int | None = None
    guessed: tuple[str, ...] = ()
    disc: int | None = None
    album_artist: str = ""
    composer: str = ""
    recording_mbid: str = ""

    @property
    def name(self) -> str:
        """``"Artist - Title"``, else the title, else the id: what to call it."""
        return full_name(self.artist, self.title) or self.track_id

    @property
    def artist_key(self) -> str:
        """What groups a track with others of its artist; one by nobody stands alone."""
        return artist_key(self.artist, track_id=self.track_id)


class Failure(NamedTuple):
    """A file that could not be used, the stage that met it, and the reason in one line."""

    path: str
    stage: str
    reason: str


class FileRow(NamedTuple):
    """A track as `scan` sees it: with the state of its file and what a manifest gave for it."""

    track: Track
    size: int = 0
    mtime_ns: int = 0
    manifest_values: Mapping[str, Any] = {}
    ctime_ns: int = 0


def stored_path(path: str) -> str | bytes:
    """A path as SQLite keeps it: text, or its bytes where these are none."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return os.fsencode(path)
    return path


def path_from(stored: str | bytes) -> str:
    """The path that `stored_path` has put away."""
    return stored if isinstance(stored, str) else os.fsdecode(stored)


def as_text(path: str | Path) -> str:
    """A path as text that any database, file and terminal takes: other bytes written out."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
