"""Data set of real recordings joined with real listening by artist, from public downloads.

Listening: HetRec 2011 Last.fm (Cantador, Brusilovsky & Kuflik), plays of 1,892 listeners by artist.
Recordings: covers80 (Ellis 2007) or the 4Q emotion set (Panda, Malheiro & Paiva 2018). A listener's
plays of an artist are assigned to each of that artist's tracks; artists without a track become
``lastfm-artist-N``, plays without audio. So split by artist, and rank artists.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from audiorec.exceptions import DataError

MIN_LISTENERS = 5
N_FROZEN = 20
FROZEN_SEED = 20130101  # selects the artists that no choice is based on


class JoinedRecording(NamedTuple):
    """A recording of a data set."""

    track_id: str
    path: Path
    artist: str
    title: str
    genre: str = ""


class JoinedSet(NamedTuple):
    """Files for `audiorec scan --manifest` and `audiorec plays`, and the frozen artists.

    Attributes
    ----------
    tracks, plays : Path
    artists : tuple of str
        Artists with enough listeners, sorted: those that may be held out.
    frozen : tuple of str
        About twenty of them.
    """

    tracks: Path
    plays: Path
    artists: tuple[str, ...]
    frozen: tuple[str, ...]


def join(
    recordings: Sequence[JoinedRecording],
    hetrec: Path,
    out: Path,
    *,
    min_listeners: int = MIN_LISTENERS,
) -> JoinedSet:
    """Write ``tracks.csv``, ``plays.csv``, ``artists.txt`` and ``frozen.txt``.

    Parameters
    ----------
    recordings : sequence of JoinedRecording
    hetrec : Path
        Folder with ``artists.dat`` and ``user_artists.dat``.
    out : Path
        Folder; created if missing.
    min_listeners : int
        Artists with fewer are used for training only: too few listeners to score.
    """
    keys = {number: key_of(name) for number, name in _artists(hetrec / "artists.dat")}
    # A name without any Latin letter has an empty key, and matches no recording here.
    known, by_artist = {*keys.values()} - {""}, dict[str, list[JoinedRecording]]()
    for recording in recordings:
        if key_of(recording.artist) in known:
            by_artist.setdefault(key_of(recording.artist), []).append(recording)
    plays: dict[tuple[int, str], int] = {}  # spellings of one name count as one artist
    listeners: dict[str, set[int]] = {}
    for user, number, count in _plays(hetrec / "user_artists.dat"):
        key = keys.get(number, "")
        artist = key if key in by_artist else f"lastfm-artist-{number}"
        plays[user, artist] = plays.get((user, artist), 0) + count
        listeners.setdefault(artist, set()).add(user)
    kept = {key: some for key, some in by_artist.items() if key in listeners}
    ranked = [some for key, some in kept.items() if len(listeners[key]) >= min_listeners]
    if len(ranked) < 2:
        raise DataError(
            f"{len(ranked)} artists have recordings and {min_listeners} listeners; check that "
            f"{hetrec} is HetRec 2011 Last.fm"
        )
    out.mkdir(parents=True, exist_ok=True)
    with (out / "tracks.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["track_id", "path", "artist", "title", "genre"])
        for recording in sorted(r for some in kept.values() for r in some):
            rows.writerow([*recording[:1], recording.path.resolve(), *recording[2:]])
    with (out / "plays.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["user_id", "track_id", "plays"])
        for (user, artist), count in plays.items():
            ids = [r.track_id for r in kept.get(artist, ())] or [artist]
            rows.writerows([f"u{user}", track_id, count] for track_id in ids)
    artists = tuple(sorted({some[0].artist for some in ranked}))
    order = np.random.default_rng(FROZEN_SEED).permutation(len(artists))
    frozen = tuple(sorted(artists[n] for n in order[: min(N_FROZEN, len(artists) // 3)]))
    for name, listed in (("artists.txt", artists), ("frozen.txt", frozen)):
        (out / name).write_text("".join(f"{artist}\n" for artist in listed), encoding="utf-8")
    return JoinedSet(out / "tracks.csv", out / "plays.csv", artists, frozen)


def read_recordings(path: Path) -> list[JoinedRecording]:
    """Read recordings of a ``tracks.csv``: track_id, path (relative), artist, title, genre."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        return [
            JoinedRecording(
                row["track_id"],
                path.parent / row["path"],
                row["artist"],
                row["title"],
                row.get("genre", ""),
            )
            for row in csv.DictReader(file)
        ]


def read_covers80(folder: Path) -> list[JoinedRecording]:
    """Read recordings of covers80: ``song/artist+album+NN-title.mp3``."""
    recordings: list[JoinedRecording] = []
    for path in sorted(folder.rglob("*.mp3")):
        parts = path.stem.split("+")
        if len(parts) == 3:
            artist, _, title = (part.replace("_", " ").strip() for part in parts)
            title = re.sub(r"^\d+-", "", title)
            recordings.append(JoinedRecording(f"c80-{len(recordings):03d}", path, artist, title))
    return recordings


def read_4q(folder: Path) -> list[JoinedRecording]:
    """Read recordings of the 4Q set: ``Q1/MT….mp3`` and its table of songs."""
    tables = sorted(folder.rglob("*metadata*.csv"))
    if not tables:
        raise DataError(f"{folder} has no table *metadata*.csv of songs; give the set's folder")
    files = {path.stem: path for path in folder.rglob("*.mp3")}
    with tables[0].open(newline="", encoding="utf-8-sig", errors="replace") as file:
        rows = list(csv.DictReader(file))
    return [
        JoinedRecording(
            f"am-{row['Song']}",
            files[row["Song"]],
            row["Artist"],
            row["Title"],
            row.get("Genres", "").replace(",", ";"),
        )
        for row in rows
        if row["Song"] in files
    ]


READERS: dict[str, Callable[[Path], list[JoinedRecording]]] = {
    "covers80": read_covers80,
    "4q": read_4q,
    "manifest": read_recordings,
}


def key_of(name: str) -> str:
    """Normalize a name: without case, accents, punctuation and a leading "the"."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(c for c in plain if not unicodedata.combining(c)).replace("&", " and ")
    words = re.sub(r"[^a-z0-9]+", " ", plain).split()
    return " ".join(words[1:] if words[:1] == ["the"] and len(words) > 1 else words)


def _artists(path: Path) -> Iterator[tuple[int, str]]:
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        number, name, *_ = [*line.split("\t"), "", ""]
        if number.strip().isdigit() and name:
            yield int(number), name


def _plays(path: Path) -> Iterator[tuple[int, int, int]]:
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        parts = [part.strip() for part in line.split("\t")]
        if len(parts) == 3 and all(part.isdigit() for part in parts):  # not the header
            user, artist, count = map(int, parts)
            yield user, artist, count
