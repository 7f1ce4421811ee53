"""Guess a recording's names from its path, where its tags lack them."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Any

# A number in front: 07, 7., 1-07, A2, (07), [07]; never a year or a title such as "99 Luftballons",
# which has neither a leading zero nor a mark behind its number.
NUMBER = re.compile(
    r"""[(\[]?
    (?: (?:cd|disc\s?)?\d[-.](?P<of_disc>\d\d)(?=[\s.)\]-])
      | [a-d](?P<of_side>\d{1,2})(?=\s*[.)\]-])
      | (?P<marked>\d{1,3})(?=[.)\]]|\s*-\s*(?!\d))
      | (?P<zero>0\d{1,2})(?=\s) )
    [)\]]?\s*[.)-]*\s*""",
    re.VERBOSE | re.IGNORECASE,
)
DISC = re.compile(r"(cd|dis[ck]|disque|side|vinyl)[ _-]?[\da-d]{1,2}", re.IGNORECASE)
YEAR = re.compile(r"\s*[(\[]?(?:19|20)\d\d[)\]]?\s*-?\s*")
NOTES = re.compile(r"\s*[\[{][^\])}]*[\])}]\s*")  # [FLAC], {2011 remaster}
DASH = re.compile(r"\s+[-–—]\s+")
# Folders of all music, or of no particular artist.
NO_ARTIST = frozenset(
    """music, musik, musique, musica, música, muziek, audio, mp3, mp3s, flac, songs, media,
    downloads, download, desktop, documents, home, users, user, mnt, tmp, data, share, srv,
    root, itunes, itunes media, library, albums, compilations, soundtracks, singles, various,
    various artists, va, unsorted, new, misc, other, test, files, tracks, artists, collection,
    volumes""".replace("\n    ", " ").split(", ")
)


def names_from_path(path: str) -> dict[str, Any]:
    """Guess the names of a recording from its path, by common patterns.

    ``Artist/Album/07 - Title``, ``Artist - Album/07. Title``, ``Artist - Title``,
    ``07 - Artist - Title``, ``Artist - Album - 07 - Title``, ``10-Red_Red_Wine``. Folders are used
    only for files with a number in front, as on an album.

    Parameters
    ----------
    path : str

    Returns
    -------
    names : dict
        ``title`` (str) and, where found, ``artist``, ``album`` (str) and ``number`` (int).
    """
    where = PurePath(path)
    stem = _spaced(where.stem)
    number, rest = _numbered(stem)
    parts = [part for part in DASH.split(rest) if part]
    names: dict[str, Any] = {"title": rest}
    if number is None and len(parts) == 4 and parts[2].isdecimal() and len(parts[2]) < 4:
        artist, album, number, title = parts[0], parts[1], int(parts[2]), parts[3]
        names = {"artist": artist, "album": album, "title": title}
    elif len(parts) == 2:
        names = {"artist": parts[0], "title": parts[1]}
    if number is not None:
        names = {**_from_folders(where), **names, "number": number}
    return {key: value for key, value in names.items() if value}


def _numbered(stem: str) -> tuple[int | None, str]:
    """The number in front of a title, and the title; all of it where nothing else would remain."""
    match = NUMBER.match(stem)
    if match is None or not (rest := stem[match.end() :].strip()):
        return None, stem
    return int(next(filter(None, match.groups()))), rest


def _from_folders(where: PurePath) -> dict[str, str]:
    """Artist and album from the folders of an album's file."""
    folders = [_spaced(part) for part in where.parts[1:-1]]
    while folders and DISC.fullmatch(folders[-1]):
        folders.pop()
    if not folders or _names_no_artist(folders[-1]):
        return {}
    named = [part for part in DASH.split(_without_notes(folders[-1])) if part]
    if len(named) == 2:
        return {"artist": named[0], "album": named[1]}
    names = {"album": _without_notes(folders[-1])}
    if len(folders) > 1 and not _names_no_artist(folders[-2]):
        names["artist"] = _without_notes(folders[-2])
    return names


def _without_notes(folder: str) -> str:
    """A folder's name without year and notes such as [FLAC]; all of it if there is nothing else."""
    bare = NOTES.sub(" ", folder)
    bare = YEAR.sub("", bare, count=1) if YEAR.match(bare) else bare
    bare = re.sub(r"\s*\((?:19|20)\d\d\)\s*$", "", bare)
    return bare.strip(" -") or folder


def _names_no_artist(folder: str) -> bool:
    return not folder or folder.casefold() in NO_ARTIST or folder.isdecimal()


def _spaced(name: str) -> str:
    """A name with spaces for underscores, and without unprintable characters."""
    text = name.encode("utf-8", "replace").decode()
    text = text.replace("_", " ") if " " not in text else text
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
