"""Which track of the catalogue a listen of another program names.

In this order: the MusicBrainz id of the recording; the path, or as much of its end as is its own;
artist and title, normalised, with versions kept apart; last a similar name, by rapidfuzz. Album and
length decide between several, and a length that is far off speaks against any.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from audiorec.data.normalize import (
    Title,
    album_words,
    artist_parts,
    artist_words,
    split_title,
)

RULES = ("by hand", "MusicBrainz id", "path", "name", "similar name")
"""Rules by which a name was matched, surest first."""
SIMILAR_ARTIST = 88.0
"""rapidfuzz's score, of 100, from which a misspelt artist is the artist."""
SIMILAR_TITLE = 85.0
MAX_ARTISTS = 5
SECONDS_OFF = 20.0
FRACTION_OFF = 0.15
"""Lengths that differ by more than both are those of other recordings."""
NEAR_SECONDS = 6.0
"""Within it a length counts for a match that the name alone does not give."""
FEWEST_LETTERS = 4
MAX_ID = 400
"""Characters of an id that is made of a name; longer ones end in a digest."""
_ARTICLES = re.compile(r"\b(?:the|a|an|and)\b ?")
_SOUNDS = str.maketrans("kzy", "csi")
"""Letters that are written for one another."""
_FIGURES = {
    word: str(value)
    for value, word in enumerate(
        ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"), start=1
    )
}
_DIGITS = re.compile(r"\d+")
_LIVE = re.compile(r"\b(?:live|unplugged|en vivo|ao vivo)\b", re.IGNORECASE)
_VARIOUS = frozenset({"", "various artists", "various", "va", "unknown artist", "unknown"})


class TrackName(NamedTuple):
    """What says which recording is meant: empty or None where unknown.

    Attributes
    ----------
    artist, title, album : str
    duration : float or None
        Seconds.
    recording_mbid, path : str
    """

    artist: str = ""
    title: str = ""
    album: str = ""
    duration: float | None = None
    recording_mbid: str = ""
    path: str = ""


class Recording(NamedTuple):
    """A track of the catalogue and its name."""

    track_id: str
    name: TrackName


class NameMatch(NamedTuple):
    """A track, and which of `RULES` it was found by."""

    track_id: str
    rule: str


def name_id(name: TrackName) -> str:
    """An id for a track that is not in the catalogue, made of its normalised name.

    Spellings of one name have one id, so that listening from several programs comes together.
    """
    title = split_title(name.title).key
    artist = artist_words(name.artist)
    whole = f"name:{artist} - {title}" if artist else f"name:{title}"
    if len(whole) <= MAX_ID:
        return whole
    return f"{whole[:MAX_ID]} {hashlib.blake2b(whole.encode(), digest_size=8).hexdigest()}"


class Matcher:
    """Finds the tracks of a catalogue by name.

    Parameters
    ----------
    recordings : iterable of Recording
    """

    def __init__(self, recordings: Iterable[Recording]) -> None:
        self._names: dict[str, TrackName] = {}
        self._mbids: dict[str, list[str]] = defaultdict(list)
        self._paths: dict[str, list[str]] = defaultdict(list)
        self._titles: dict[str, list[str]] = defaultdict(list)
        self._artists: dict[str, list[str]] = defaultdict(list)
        self._known: dict[str, list[str]] = {}
        for track_id, name in recordings:
            self._names[track_id] = name
            if name.recording_mbid:
                self._mbids[name.recording_mbid].append(track_id)
            for end in _ends(name.path):
                self._paths[end].append(track_id)
            self._titles[_compact(split_title(name.title).base)].append(track_id)
            for artist in {artist_words(name.artist), *artist_parts(name.artist)}:
                self._artists[artist].append(track_id)

    def __contains__(self, track_id: object) -> bool:
        return track_id in self._names

    def duration(self, track_id: str) -> float | None:
        """Length of a track, s; None where unknown."""
        name = self._names.get(track_id)
        return name.duration if name is not None else None

    def match(self, name: TrackName) -> NameMatch | None:
        """The track that a name means, if any.

        Parameters
        ----------
        name : TrackName
        """
        if track_id := self._mbids.get(name.recording_mbid):
            return NameMatch(self._nearest(track_id, name), "MusicBrainz id")
        if on_disk := self._by_path(name.path):
            return NameMatch(on_disk, "path")
        if not name.title:
            return None
        same = [i for i in self._same_title(name) if self._agrees(i, name)]
        if same:
            return NameMatch(self._nearest(same, name), "name")
        near = [(score, i) for i in self._candidates(name) if (score := self._similarity(i, name))]
        if near:
            best = max(score for score, _ in near)
            return NameMatch(
                self._nearest([i for score, i in near if score == best], name), "similar name"
            )
        return None

    def _by_path(self, path: str) -> str:
        for end in _ends(path):
            candidates = self._paths.get(end, [])
            if len(candidates) == 1:
                return candidates[0]
        return ""

    def _same_title(self, name: TrackName) -> list[str]:
        return self._titles.get(_compact(split_title(name.title).base), [])

    def _agrees(self, track_id: str, name: TrackName) -> bool:
        """Whether a track of the same title is by the artist, the same version and length."""
        other = self._names[track_id]
        if not _may_be(name, other):
            return False
        if artist_words(name.artist) in _VARIOUS:  # the album is all that says whose it is
            album = album_words(name.album) if name.album else ""
            return bool(album) and album == album_words(other.album)
        return _same_artist(name.artist, other.artist)

    def _candidates(self, name: TrackName) -> list[str]:
        """Tracks of artists whose names are like the one of a name."""
        artist = artist_words(name.artist)
        if artist in _VARIOUS:
            return []
        if artist not in self._known:
            from rapidfuzz import fuzz, process

            near = process.extract(
                artist,
                list(self._artists),
                scorer=fuzz.ratio,
                processor=None,
                score_cutoff=SIMILAR_ARTIST,
                limit=MAX_ARTISTS,
            )
            self._known[artist] = [artist for artist, _, _ in near]
        artists = dict.fromkeys([*self._known[artist], *artist_parts(name.artist)])
        candidates = [i for artist in artists for i in self._artists.get(artist, [])]
        return list(dict.fromkeys(candidates))

    def _similarity(self, track_id: str, name: TrackName) -> float:
        """How like a track's name is, from `SIMILAR_TITLE` to 100; 0 where it is another's."""
        from rapidfuzz import fuzz

        other = self._names[track_id]
        mine, its = split_title(name.title), split_title(other.title)
        if not _may_be(name, other):
            return 0.0
        a, b = mine.base, its.base
        if sorted(_DIGITS.findall(a)) != sorted(_DIGITS.findall(b)):
            return 0.0
        equal = _compact(a) == _compact(b)
        if not _similar_artist(name.artist, other.artist, sure=equal):
            return 0.0
        if equal:
            return 100.0
        score = fuzz.ratio(a, b)
        sure = (
            name.duration is not None
            and other.duration is not None
            and abs(name.duration - other.duration) <= NEAR_SECONDS
        )
        if _begins(a, b) and sure:
            return float(score)
        return float(score) if score >= SIMILAR_TITLE and _misspelt(a, b, sure=sure) else 0.0

    def _nearest(self, track_ids: Sequence[str], name: TrackName) -> str:
        """Of several tracks the one of the album, then of the length, then the first."""
        album = album_words(name.album) if name.album else ""

        def distance(track_id: str) -> tuple[bool, bool, float, str]:
            other = self._names[track_id]
            same_album = bool(album) and album == album_words(other.album)
            off = abs((name.duration or 0.0) - (other.duration or 0.0)) if name.duration else 0.0
            detail = split_title(name.title).detail == split_title(other.title).detail
            return not detail, not same_album, off, track_id

        return min(track_ids, key=distance)


def _ends(path: str) -> list[str]:
    """A path, and its last three and two parts, without the case of letters; longest first."""
    if not path:
        return []
    parts = [part for part in path.replace("\\", "/").casefold().split("/") if part]
    ends = ["/".join(parts), *("/".join(parts[-n:]) for n in (3, 2) if len(parts) > n)]
    return list(dict.fromkeys(end for end in ends if "/" in end))


def _compact(base: str) -> str:
    """A title without articles and spaces, and with figures: ``the two doors`` is ``2doors``."""
    bare = _ARTICLES.sub("", base) or base
    return "".join(_FIGURES.get(word, word) for word in bare.split())


def _may_be(name: TrackName, other: TrackName) -> bool:
    """Whether nothing but artist and title speaks against two names: version, length, album."""
    if not _same_version(split_title(name.title), split_title(other.title)):
        return False
    if not _lengths_agree(name.duration, other.duration):
        return False
    known = name.album and other.album
    return not known or _live_album(name.album) == _live_album(other.album)


def _same_version(a: Title, b: Title) -> bool:
    """Whether two titles are of the same kind of version, and do not say different ones."""
    if a.kinds != b.kinds:
        return False
    if not a.detail or not b.detail or a.detail == b.detail:
        return True
    if _DIGITS.findall(a.detail) != _DIGITS.findall(b.detail):
        return False
    mine, its = _telling(a.detail), _telling(b.detail)
    return not mine or not its or mine <= its or its <= mine


_PLAIN = frozenset(
    [
        "live",
        "version",
        "mix",
        "remix",
        "at",
        "in",
        "the",
        "a",
        "from",
        "on",
        "session",
        "edit",
        "of",
        "demo",
        "take",
    ]
)


def _telling(detail: str) -> set[str]:
    """The words of a version that say which of its kind."""
    return set(detail.split()) - _PLAIN


def _live_album(album: str) -> bool:
    """Whether an album's name says that it was recorded live, though its titles need not."""
    return bool(_LIVE.search(album))


def _lengths_agree(a: float | None, b: float | None) -> bool:
    if not a or not b:
        return True
    off = abs(a - b)
    return off <= SECONDS_OFF or off <= FRACTION_OFF * max(a, b)


def _same_artist(a: str, b: str) -> bool:
    """Whether two credits name the same artist, or one names those of the other and more."""
    if artist_words(a).replace(" ", "") == artist_words(b).replace(" ", ""):
        return True
    mine, its = artist_parts(a), artist_parts(b)
    if not mine or not its:
        return False
    return mine <= its or its <= mine or _surnames(mine, its) or _surnames(its, mine)


def _surnames(short: frozenset[str], long: frozenset[str]) -> bool:
    """Whether several artists are named by their last names: Hall & Oates."""
    lasts = {name.split()[-1] for name in long}
    return len(short) == len(long) > 1 and short == lasts


def _similar_artist(a: str, b: str, *, sure: bool) -> bool:
    from rapidfuzz import fuzz

    if _same_artist(a, b):
        return True
    mine, its = artist_words(a), artist_words(b)
    if _DIGITS.findall(mine) != _DIGITS.findall(its):
        return False
    if sorted(mine.split()) == sorted(its.split()):
        return True
    return fuzz.ratio(mine, its) >= SIMILAR_ARTIST and _misspelt(mine, its, sure=sure)


def _begins(a: str, b: str) -> bool:
    """Whether one of two titles is cut off, or goes on: with its length equal it is the same."""
    short, long = sorted((a, b), key=len)
    return len(short.split()) >= 3 and (long.startswith(short) or long.endswith(f" {short}"))


def _misspelt(a: str, b: str, *, sure: bool) -> bool:
    """Whether two names differ by what slips in typing, and not by a word.

    A letter that is dropped, doubled or swapped within a long word is a slip; another first letter,
    or an s at the end, is another word, unless the length says that it is the same recording.
    """
    mine, its = _ARTICLES.sub("", a).split(), _ARTICLES.sub("", b).split()
    if "".join(mine) == "".join(its):
        return True
    differing = [(x, y) for x, y in zip(mine, its, strict=False) if x != y]
    few = len(mine) == len(its) and len(differing) <= max(1, len(mine) // 3)
    return few and all(_slip(x, y, sure=sure) for x, y in differing)


def _ends_otherwise(x: str, y: str) -> bool:
    """Whether two words are alike but for their endings: ``superstition`` and ``superstitious``."""
    if x[-1] == y[-1] or sorted(x) == sorted(y):
        return False
    short, long = sorted((x, y), key=len)
    return not long.startswith(short)


def _slip(x: str, y: str, *, sure: bool) -> bool:
    """Whether two words differ by a slip."""
    from rapidfuzz.distance import OSA

    x, y = x.translate(_SOUNDS), y.translate(_SOUNDS)
    short, long = sorted((x, y), key=len)
    if x.isdecimal() or y.isdecimal() or x[0] != y[0] or len(short) < FEWEST_LETTERS:
        return False
    if not sure and (long == f"{short}s" or _ends_otherwise(x, y)):
        return False
    substituted = len(x) == len(y) and sorted(x) != sorted(y)
    if substituted and not sure and len(long) < 7:
        return False
    return OSA.distance(x, y) <= (2 if len(long) >= 8 else 1)
