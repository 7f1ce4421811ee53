"""Records of the catalogue: tracks, and failures."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from audiorec.data.names import artist_key, full_name

CREDITS = ("disc", "album_artist", "composer", "recording_mbid")
"""Fields of a `Track` that are stored together."""


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
        Identity of the decoded audio; see `audiorec.audio.clip_hash`.
    missing : bool
        Whether the file was missing at the last scan.
    number : int or None
        On its album.
    guessed : tuple of str
        Those of artist, title, album and number that are guessed from the path, for lack of tags.
    disc : int or None
        Number of the disc in an album of several.
    album_artist, composer : str
        Where they differ from the artist.
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
        """``"Artist - Title"``, else the title, else the id."""
        return full_name(self.artist, self.title) or self.track_id

    @property
    def artist_key(self) -> str:
        """Normalised artist, shared by all their tracks; unique for a track by nobody."""
        return artist_key(self.artist, track_id=self.track_id)


class Failure(NamedTuple):
    """A file that could not be used, the stage that failed, and the reason in one line."""

    path: str
    stage: str
    reason: str


class FileRow(NamedTuple):
    """A track as stored by `scan`: with the state of its file and the values of a manifest."""

    track: Track
    size: int = 0
    mtime_ns: int = 0
    manifest_values: Mapping[str, Any] = {}
    ctime_ns: int = 0


def stored_path(path: str) -> str | bytes:
    """A path as SQLite stores it: text, or bytes if it is not decodable."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return os.fsencode(path)
    return path


def path_from(stored: str | bytes) -> str:
    """Undo `stored_path`."""
    return stored if isinstance(stored, str) else os.fsdecode(stored)


def as_text(path: str | Path) -> str:
    """A path as text for any database, file and terminal: other bytes are escaped."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
