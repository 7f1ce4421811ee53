"""Entities that players browse: artists, albums, genres and folders."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import NamedTuple

from audiorec.data.names import normalize_text, strip_accents

UNKNOWN_ARTIST, UNKNOWN_ALBUM = "[Unknown Artist]", "[Unknown Album]"
VARIOUS = "Various Artists"
ARTICLES = ("The", "El", "La", "Los", "Las", "Le", "Les")


@dataclass
class CatalogArtist:
    """An artist.

    Attributes
    ----------
    id, name : str
    sort_key : str
        Name without leading article and accents.
    track_ids, album_ids : list of str
        Their tracks, and their albums or albums that they appear on.
    """

    id: str
    name: str
    sort_key: str = ""
    track_ids: list[str] = field(default_factory=list)
    album_ids: list[str] = field(default_factory=list)

    @property
    def initial(self) -> str:
        """The letter that it is listed under; ``#`` if it begins with no letter."""
        first = self.sort_key[:1].upper()
        return first if first.isalpha() else "#"


@dataclass
class Album:
    """An album.

    Attributes
    ----------
    id, name, artist, artist_id : str
    track_ids : list of str
        In order of disc and track number.
    duration : float
        Seconds.
    year : int or None
        Most frequent year of its tracks.
    genres : list of str
        Most frequent first.
    created : int
        Time when its first track was added, s since 1970.
    """

    id: str
    name: str
    artist: str
    artist_id: str
    track_ids: list[str] = field(default_factory=list)
    duration: float = 0.0
    year: int | None = None
    genres: list[str] = field(default_factory=list)
    created: int = 0

    @property
    def compilation(self) -> bool:
        """Whether it is by several artists."""
        return self.artist == VARIOUS


@dataclass
class Genre:
    """A genre, with its tracks and albums in order."""

    name: str
    track_ids: list[str] = field(default_factory=list)
    album_ids: list[str] = field(default_factory=list)


@dataclass
class Folder:
    """A folder of the library, with the folders and tracks in it; a root has no parent."""

    id: str
    path: str
    name: str
    parent: str | None
    folder_ids: list[str] = field(default_factory=list)
    track_ids: list[str] = field(default_factory=list)


class TrackPlacement(NamedTuple):
    """A track's ids of artist, album, folder and root, and its path relative to the root."""

    artist_id: str
    album_id: str
    folder_id: str
    root_id: str
    path: str


def digest(kind: str, *parts: str) -> str:
    """Make the id of an entity from its kind and name."""
    said = "\0".join(parts).encode("utf-8", "surrogatepass")
    return f"{kind}-{hashlib.blake2b(said, digest_size=9).hexdigest()}"


def sort_key(name: str) -> str:
    """Return the sort key of a name: without leading article, case and accents."""
    first, _, rest = name.partition(" ")
    if rest and first.casefold() in {article.casefold() for article in ARTICLES}:
        name = rest
    return strip_accents(normalize_text(name))
