"""What players browse: artists, albums, genres and folders."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import NamedTuple

from audiorec.data.names.text_folding import normalize_text, strip_accents

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
        Without an article before it and accents on it.
    track_ids, album_ids : list of str
        Tracks of theirs, and albums that are theirs or that they are on.
    """

    id: str
    name: str
    sort_key: str = ""
    track_ids: list[str] = field(default_factory=list)
    album_ids: list[str] = field(default_factory=list)

    @property
    def initial(self) -> str:
        """The letter that it stands under in a list; ``#`` where it begins with none."""
        first = self.sort_key[:1].upper()
        return first if first.isalpha() else "#"


@dataclass
class Album:
    """An album.

    Attributes
    ----------
    id, name, artist, artist_id : str
    track_ids : list of str
        In the order of their numbers.
    duration : float
        Seconds.
    year : int or None
        Of most of its tracks.
    genres : list of str
        The most frequent first.
    created : int
        When the first of its tracks was added, s since 1970.
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
        """Whether it is by several."""
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
    """Where a track stands: ids of its artist, album, folder and root, and its path from there."""

    artist_id: str
    album_id: str
    folder_id: str
    root_id: str
    path: str


def digest(kind: str, *parts: str) -> str:
    """An id of a thing of a kind that is called so."""
    said = "\0".join(parts).encode("utf-8", "surrogatepass")
    return f"{kind}-{hashlib.blake2b(said, digest_size=9).hexdigest()}"


def sort_key(name: str) -> str:
    """A name as it is sorted: without an article, case and accents."""
    first, _, rest = name.partition(" ")
    if rest and first.casefold() in {article.casefold() for article in ARTICLES}:
        name = rest
    return strip_accents(normalize_text(name))
