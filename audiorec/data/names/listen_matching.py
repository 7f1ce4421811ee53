"""Matching of listens of other programs to tracks of the catalogue, by name.

In this order: the MusicBrainz id of the recording; the path, or the longest end of it that is
unique; artist and title, normalised, with versions kept apart; last a similar name, by rapidfuzz.
Album and length decide between several candidates, and a length that is far off rejects any.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from audiorec.data.names.canonical_names import (
    album_words,
    artist_parts,
    artist_words,
    in_other_script,
    is_edit,
    scripts_of,
    split_title,
    without_subtitle,
    words,
)
from audiorec.data.names.name_comparison import (
    DIGITS,
    FEWEST_CONSONANTS,
    SIMILAR_ARTIST,
    begins,
    compact,
    consonants,
    is_catalogued,
    live_album,
    misspelt,
    same_artist,
    same_composer,
    same_version,
    same_work,
    short_names,
    similar_artist,
    work_names,
)

# Imports in functions: names that are equal do not wait for rapidfuzz.

RULES = ("by hand", "MusicBrainz id", "path", "name", "similar name")
"""Rules by which a name was matched, the most certain first."""
SIMILAR_TITLE = 85.0
MAX_ARTISTS = 5
SECONDS_OFF = 20.0
FRACTION_OFF = 0.15
FRACTION_OFF_ALBUM = 0.06
"""Lengths that differ by more than seconds and fraction are those of other recordings; the second
fraction applies to tracks of two albums."""
LONG_TITLE = 5
"""Words from which a truncated title hardly matches another."""
LONG_PHRASE = 5
"""Characters of a title in Chinese or Japanese that two songs hardly share."""
NEAR_SECONDS = 6.0
"""Difference of lengths that supports a match for which the name alone is not enough."""
MAX_ID = 400
"""Characters of an id made of a name; longer ones end in a digest."""
_VARIOUS = frozenset({"", "various artists", "various", "va", "unknown artist", "unknown"})


class TrackName(NamedTuple):
    """Name of a recording in another program: empty or None where unknown.

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
    """A track, and the one of `RULES` that matched it."""

    track_id: str
    rule: str


def name_id(name: TrackName) -> str:
    """Make an id of a normalised name, for a track that is not in the catalogue.

    Spellings of one name have one id, so that listening from several programs is combined.
    """
    title = split_title(name.title).key
    artist = artist_words(name.artist)
    whole = f"name:{artist} - {title}" if artist else f"name:{title}"
    if len(whole) <= MAX_ID:
        return whole
    return f"{whole[:MAX_ID]} {hashlib.blake2b(whole.encode(), digest_size=8).hexdigest()}"


class _ArtistTitles:
    """Titles of an artist, compared at once: "Traditional" may have thousands.

    Parameters
    ----------
    track_ids, bases : list of str
        Tracks, and the words of their titles.
    """

    def __init__(self, track_ids: list[str], bases: list[str]) -> None:
        self._ids, self._bases = track_ids, bases
        self._compact = [compact(base) for base in bases]
        self._works = [n for n, base in enumerate(bases) if is_catalogued(base)]

    def similar_to(self, base: str) -> list[str]:
        """Tracks with a similar title, or one that has more or fewer words."""
        mine = compact(base)
        places = set(_alike(base, self._bases, cutoff=SIMILAR_TITLE))
        places.update(n for n, its in enumerate(self._compact) if its in mine or mine in its)
        if is_catalogued(base):
            places.update(self._works)
        return [self._ids[n] for n in sorted(places)]


class Matcher:
    """Matcher of names to the tracks of a catalogue.

    Parameters
    ----------
    recordings : iterable of Recording
    """

    def __init__(self, recordings: Iterable[Recording]) -> None:
        self._names: dict[str, TrackName] = {}
        self._bases: dict[str, str] = {}
        self._by_artist: dict[tuple[bool, str], _ArtistTitles] = {}
        self._mbids: dict[str, list[str]] = defaultdict(list)
        self._paths: dict[str, list[str]] = defaultdict(list)
        self._titles: dict[str, list[str]] = defaultdict(list)
        self._sounds: dict[str, list[str]] = defaultdict(list)
        self._artists: dict[str, list[str]] = defaultdict(list)
        self._short: dict[str, list[str]] = defaultdict(list)
        self._known: dict[str, list[str]] = {}
        for track_id, name in recordings:
            self._names[track_id] = name
            if name.recording_mbid:
                self._mbids[name.recording_mbid].append(track_id)
            for end in _path_ends(name.path):
                self._paths[end].append(track_id)
            base = split_title(name.title).base
            self._bases[track_id] = base
            self._titles[compact(base)].append(track_id)
            self._sounds[consonants(base)].append(track_id)
            for artist in {artist_words(name.artist), *artist_parts(name.artist)}:
                self._artists[artist].append(track_id)
                for short in _short_names(artist, name.title):
                    self._short[short].append(track_id)
        self._artist_names = list(self._artists)

    def __contains__(self, track_id: object) -> bool:
        return track_id in self._names

    def duration(self, track_id: str) -> float | None:
        """Length of a track, s; None where unknown."""
        name = self._names.get(track_id)
        return name.duration if name is not None else None

    def match(self, name: TrackName) -> NameMatch | None:
        """Match a name to a track; None if there is none.

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
        for end in _path_ends(path):
            candidates = self._paths.get(end, [])
            if len(candidates) == 1:
                return candidates[0]
        return ""

    def _same_title(self, name: TrackName) -> list[str]:
        base = split_title(name.title).base
        written = self._titles.get(compact(base), [])
        sound = consonants(base)
        sounding = self._sounds.get(sound, []) if len(sound) >= FEWEST_CONSONANTS else []
        other = [i for i in sounding if in_other_script(name.title, self._names[i].title)]
        return list(dict.fromkeys(written + other))

    def _agrees(self, track_id: str, name: TrackName) -> bool:
        """Whether a track of the same title has the same artist, version and length."""
        other = self._names[track_id]
        if not _may_be(name, other):
            return False
        if artist_words(name.artist) in _VARIOUS:  # the album alone identifies the artist
            album = album_words(name.album) if name.album else ""
            return bool(album) and album == album_words(other.album)
        return same_artist(name.artist, other.artist) or _may_be_other_script(name, other)

    def _candidates(self, name: TrackName) -> list[str]:
        """Tracks with a similar title, by artists with similar names."""
        artist = artist_words(name.artist)
        if artist in _VARIOUS:
            return []
        if artist not in self._known:
            names = self._artist_names
            near = _alike(artist, names, cutoff=SIMILAR_ARTIST, limit=MAX_ARTISTS)
            self._known[artist] = [names[place] for place in near]
        parts = artist_parts(name.artist)
        shorter = [short for part in parts for short in _short_names(part, name.title)]
        base = split_title(name.title).base
        like: dict[str, None] = {}
        for short, artists in (
            (False, (*self._known[artist], *parts, *shorter)),
            (True, (*parts, *shorter)),
        ):
            for other in dict.fromkeys(artists):
                if titles := self._titles_of(other, short=short):
                    like.update(dict.fromkeys(titles.similar_to(base)))
        return list(like)

    def _titles_of(self, artist: str, *, short: bool) -> _ArtistTitles | None:
        """Titles of the tracks of an artist, or of those that a short name may mean."""
        track_ids = (self._short if short else self._artists).get(artist)
        if track_ids and (short, artist) not in self._by_artist:
            titles = _ArtistTitles(track_ids, [self._bases[i] for i in track_ids])
            self._by_artist[short, artist] = titles
        return self._by_artist.get((short, artist))

    def _similarity(self, track_id: str, name: TrackName) -> float:
        """Similarity of a track's name, from `SIMILAR_TITLE` to 100; 0 for another recording."""
        from rapidfuzz import fuzz

        other = self._names[track_id]
        a, b = split_title(name.title).base, self._bases[track_id]
        score = float(fuzz.ratio(a, b))
        if not _may_be(name, other):
            return 0.0
        if _same_by_parts(name, other):
            return 100.0
        equal = compact(a) == compact(b)
        if sorted(DIGITS.findall(a)) != sorted(DIGITS.findall(b)) or not similar_artist(
            name.artist, other.artist, sure=equal
        ):
            return 0.0
        sure = _near(name, other)
        if equal or (begins(a, b) and sure):
            return 100.0 if equal else score
        return score if score >= SIMILAR_TITLE and misspelt(a, b, sure=sure) else 0.0

    def _nearest(self, track_ids: Sequence[str], name: TrackName) -> str:
        """Choose from several tracks by the album, then by length, then the first."""
        album = album_words(name.album) if name.album else ""

        def distance(track_id: str) -> tuple[bool, bool, float, str]:
            other = self._names[track_id]
            same_album = bool(album) and album == album_words(other.album)
            off = abs((name.duration or 0.0) - (other.duration or 0.0)) if name.duration else 0.0
            detail = split_title(name.title).detail == split_title(other.title).detail
            return not detail, not same_album, off, track_id

        return min(track_ids, key=distance)


def _short_names(artist: str, title: str) -> set[str]:
    """Shorter forms of an artist's name; of a composer's also the last name."""
    last = {artist.rsplit(" ", maxsplit=1)[-1]} if is_catalogued(split_title(title).base) else set()
    return short_names(artist) | (last - {artist})


def _path_ends(path: str) -> list[str]:
    """A path, and its last three and two parts, in lower case; longest first."""
    if not path:
        return []
    parts = [part for part in path.replace("\\", "/").casefold().split("/") if part]
    ends = ["/".join(parts), *("/".join(parts[-n:]) for n in (3, 2) if len(parts) > n)]
    return list(dict.fromkeys(end for end in ends if "/" in end))


def _alike(text: str, among: list[str], *, cutoff: float, limit: int | None = None) -> list[int]:
    """Positions of the texts with this score, of 100, or more; the best first."""
    from rapidfuzz import fuzz, process

    found = process.extract(
        text, among, scorer=fuzz.ratio, processor=None, score_cutoff=cutoff, limit=limit
    )
    return [place for _, _, place in found]


def _may_be(name: TrackName, other: TrackName) -> bool:
    """Whether version, length and album of two names do not contradict each other."""
    if not same_version(split_title(name.title), split_title(other.title)):
        return False
    known = bool(name.album and other.album)
    if not _lengths_agree(name, other):
        return False
    return not known or live_album(name.album) == live_album(other.album)


def _lengths_agree(name: TrackName, other: TrackName) -> bool:
    """Whether two lengths may be those of one recording; a marked edit is shorter."""
    a, b = name.duration, other.duration
    if not a or not b:
        return True
    if (a < b and is_edit(name.title)) or (b < a and is_edit(other.title)):
        return True
    off = abs(a - b)
    fraction = FRACTION_OFF_ALBUM if _other_albums(name.album, other.album) else FRACTION_OFF
    return off <= SECONDS_OFF or off <= fraction * max(a, b)


def _other_albums(a: str, b: str) -> bool:
    """Whether two albums are known, and neither name contains the other."""
    mine, its = album_words(a) if a else "", album_words(b) if b else ""
    return bool(mine and its) and mine not in its and its not in mine


def _may_be_other_script(name: TrackName, other: TrackName) -> bool:
    """Whether one artist may be the other in a script that no rule transliterates.

    Length or album must agree too, or the title must be a phrase of such a script.
    """
    if not in_other_script(name.artist, other.artist):
        return False
    phrase = words(name.title) == words(other.title) and len(name.title) >= LONG_PHRASE
    foreign = phrase and "CJK" in scripts_of(name.title)
    return foreign or _near(name, other) or _same_album(name, other)


def _same_album(name: TrackName, other: TrackName) -> bool:
    """Whether both albums are known and equal."""
    known = bool(name.album and other.album)
    return known and album_words(name.album) == album_words(other.album)


def _near(name: TrackName, other: TrackName) -> bool:
    """Whether the lengths are known and almost equal."""
    a, b = name.duration, other.duration
    return bool(a and b) and abs((a or 0.0) - (b or 0.0)) <= NEAR_SECONDS


def _same_by_parts(name: TrackName, other: TrackName) -> bool:
    """Whether two names are those of one work, or of one title with and without a part."""
    a, b = split_title(name.title).base, split_title(other.title).base
    if same_work(a, b) or a in work_names(other.title) or b in work_names(name.title):
        return same_composer(name.artist, other.artist)
    return _same_but_subtitle(name, other) and same_artist(name.artist, other.artist)


def _is_truncated(short: str, long: str) -> bool:
    """Whether a title of many words is a truncated form of another, but for brackets."""
    fewer, more = words(short).split(), words(long).split()
    whole = not set("()[]:-") & set(long) and DIGITS.findall(short) == DIGITS.findall(long)
    return whole and len(fewer) >= LONG_TITLE and len(more) > len(fewer) + 1


def _same_but_subtitle(name: TrackName, other: TrackName) -> bool:
    """Whether one of two titles is the other without its subtitle, album or artist in front."""
    for long, short in ((name, other), (other, name)):
        base, whole = split_title(short.title).base, split_title(long.title).base
        for shorter in without_subtitle(long.title):
            if compact(shorter.base) != compact(base):
                continue
            by_artist = shorter.subtitle.removeprefix("by ") == artist_words(long.artist)
            if shorter.sure or by_artist or _near(name, other) or _same_album(name, other):
                return True
        if whole.startswith(f"{base} ") and _is_truncated(short.title, long.title):
            return True
        if whole.endswith(f" {base}"):
            before = (album_words(short.album), artist_words(short.artist))
            if any(lead and whole == f"{lead} {base}" for lead in before):
                return True
    return False
