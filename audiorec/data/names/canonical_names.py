"""Normalised names of music: spelling is ignored, versions are distinguished.

``The Beatles`` and ``Beatles, The``, ``Don't Stop - Remastered 2011`` and ``Don’t Stop``, ``Кино``
and ``Kino`` are the same; ``Song (Live)``, ``Song (Karaoke Version)`` and ``Song`` are not.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import NamedTuple

# Of patterns that few titles need, compiled on first use: other answers do not wait for them.
_compiled = cache(re.compile)

# Words of a version that is another recording of a song, each with its kind.
VERSIONS = {
    "live": r"live|unplugged|en vivo|ao vivo|en directo|in concert|concert version|bbc session"
    r"|peel session|sessions?|bootleg|rehearsal",
    "remix": r"(?:re)?mix(?:ed|es)?|rmx|rework|refix|bootleg|dubs?|vip|flip|club|extended|12 inch"
    r"|edit by|vs|versus|overhaul|shuffle|variation"
    r"|nightcore|sped up|speed up|slowed|8d|chopped|mashup|medley|megamix",
    "karaoke": r"karaoke|in the style of|originally performed|made famous|backing track|tribute"
    r"|sing ?along|lullaby|8 ?bit|music box|ringtone|cover(?: version)?",
    "instrumental": r"instrumental|no vocals|score|orchestral|piano version|solo piano|piano solo"
    r"|symphonic|string quartet",
    "a cappella": r"a ?cap+ella|vocals only",
    "acoustic": r"acoustic|stripped|piano and vocal|campfire",
    "demo": r"demos?|rough|outtake|alternat(?:e|ive)(?: take| version)?|early version|work tape"
    r"|take \d+|home recording",
    "part": r"reprise|intro|outro|interlude|skit|prelude|overture|continued",
    "new": r"taylors version|re ?recorded|re ?recording|new version|\d{4} version|version \d{4}"
    r"|revisited|redux|anniversary version",
    "tongue": r"(?:spanish|english|french|german|italian|japanese|portuguese|korean|mandarin"
    r"|chinese|russian|swedish|deutsche|francais|espanol|en espanol|italiano)(?: version)?",
}
# Words of an edition, not of a recording.
EDITION = (
    r"(?:\d{4} |digital(?:ly)? |\w+ anniversary )*(?:re ?master(?:ed|ing)?)"
    r"(?: \d{4}| version| edition)*"
    r"|(?:album|original|lp|main|standard|full length) (?:album |lp )?version|album|original"
    r"|(?:original )?(?:short )?(?:radio|single) (?:edit|version|mix)|edit|mono|stereo"
    r"|(?:mono|stereo) (?:version|mix)"
    r"|explicit|clean|explicit version|clean version|bonus(?: track)?|hidden track|hq|hd|4k"
    r"|(?:official )?(?:music |lyrics? )?(?:video|audio|visuali[sz]er)(?: hd| hq)?|lyrics?"
    r"|with lyrics"
    r"|(?:super )?deluxe(?: edition| version)?|expanded(?: edition)?|special edition|\d{4}"
    r"|(?:\d+\w* )?anniversary(?: edition)?|(?:(?:love |main )?theme |music |song )?from .+"
    r"|as (?:heard|featured) (?:in|on) .+"
    r"|(?:original )?(?:motion picture )?soundtrack(?: version)?|remaster(?:ed)? .*|single|ep"
    r"|main (?:title|theme)s?|reissue|official|m ?v|(?:new )?stereo mix|audio|stereo remaster"
)
_FEATURED = r"(?:feat|ft|featuring|with|avec|con|w|prod|produced) "
_EDIT = r"(?i)[-–—(\[][^-–—(\[]*\b(?:edit|(?:single|radio) version)\b"
_FEATURED_IN = re.compile(r" (?:feat|ft|featuring) .*$")
_BRACKETS = re.compile(r"\(([^()]*)\)|\[([^\[\]]*)\]|\{([^{}]*)\}|<([^<>]*)>|【([^】]*)】")
_DASH = re.compile(r" [-‐‑–—~|] ")
_REMASTERED = re.compile(r"(?: (?:19|20)\d\d)? re ?master(?:ed)?(?: (?:19|20)\d\d)?$")
_OTHER_TAKE = (
    r"\d|^[ivx]+$|\b(?:version|ver|take|edition|vocals?|alive|reversed|part|pt|side|act|chapter"
    r"|movement|volume|mastered|speed|single|album|for|ii+|iv|vi+|ix|xi*)\b"
)
"""Words that no subtitle has: with one of them, an aside may mean another recording."""
_PHRASE = (
    r"\b(?:i|me|my|you|your|we|us|our|he|his|him|she|her|they|them|it|its|im|dont|is|are|am|be|was|the|a"
    r"|an|of|to|and|but|so|if|not|never|nobody|no|out|all|with|de|la|el|los|les|le|je|ne|und|ich|mi|te"
    r"|tu|que|di|il|non|der|die|das)\b"
)
"""Words of a sentence: an aside with one is part of a title rather than the name of a version."""
_SHARP = re.compile(r"\b([A-Ga-g])#(?!\w)")
_APOSTROPHES = re.compile("['’‘`´ʼ′\"“”„.]")
_NUMBER = re.compile(
    r"\b(part|pt|vol|volume|no|nr|op|opus|movement|chapter|act|book)"
    r" ([ivx]+|one|two|three|four|five)\b"
)
_NUMERALS = {
    word: str(value)
    for value, words in enumerate(
        ("i one", "ii two", "iii three", "iv four", "v five", "vi", "vii", "viii", "ix", "x"),
        start=1,
    )
    for word in words.split()
}
_SAME_WORDS = {
    "pt": "part", "vol": "volume", "nr": "no", "opus": "op", "n": "and", "u": "you", "ya": "you",
}  # fmt: skip
_ARTIST_MARKS = (
    r"(?i)\s*(?:;|/|\||,| feat\.? | ft\.? | featuring | x | vs\.? | versus | con | with | und"
    r"| y | et | & | and | \+ )\s*"
)
_ARTIST_FEATURED = r"(?i)\s*[\(\[]?\b(?:feat\.?|ft\.?|featuring)\s.*$"


class Title(NamedTuple):
    """A title split into its words, its kinds of version and the version's details.

    Attributes
    ----------
    base : str
        Its words, normalised, without those of an edition, of a version and of guests.
    kinds : frozenset of str
        Kinds of versions, of `VERSIONS`; empty for the studio version.
    detail : str
        Words of the version: ``"live at wembley"``.
    """

    base: str
    kinds: frozenset[str]
    detail: str

    @property
    def key(self) -> str:
        """All fields as one text."""
        return f"{self.base} ({self.detail})" if self.detail else self.base


@lru_cache(maxsize=100_000)
def words(text: str) -> str:
    """Normalise a text to lower-case Latin letters and digits, words separated by single spaces.

    Other scripts are transliterated; punctuation separates words, apostrophes and dots do not.
    """
    text = unicodedata.normalize("NFKC", text).replace("♯", "#").replace("♭", " flat")
    if not text.isascii():
        from anyascii import anyascii  # here: its tables take a moment to load

        text = anyascii(unicodedata.normalize("NFC", text))
    text = _SHARP.sub(r"\1 sharp", text)
    text = re.sub(r"(?<=\w)!(?=\w)", "i", text).replace("$", "s")  # P!nk, Ke$ha
    text = _APOSTROPHES.sub("", text.lower().replace("&", " and ").replace("+", " and "))
    spaced = re.sub(r"[^a-z0-9]+", " ", text)
    return " ".join(_SAME_WORDS.get(word, word) for word in spaced.split())


@lru_cache(maxsize=100_000)
def artist_words(artist: str) -> str:
    """Words of an artist's name without guests and article; unchanged if nothing else is left."""
    name = re.sub(r"^(.+), (the|a|an|die|der|das|les|los)$", r"\2 \1", artist.strip(), flags=re.I)
    bare = words(_compiled(_ARTIST_FEATURED).sub("", name))
    bare = re.sub(r"^the ", "", bare)
    return bare or " ".join(unicodedata.normalize("NFKC", artist).casefold().split())


@lru_cache(maxsize=100_000)
def artist_parts(artist: str) -> frozenset[str]:
    """Artists of a credit, each normalised by `artist_words`."""
    parts = (artist_words(part) for part in _compiled(_ARTIST_MARKS).split(artist) if part.strip())
    return frozenset(part for part in parts if part)


class Subtitle(NamedTuple):
    """A title with a subtitle, and the name that remains without it.

    Attributes
    ----------
    base : str
        The words without the subtitle, as `Title.base`.
    subtitle : str
        Words of the subtitle.
    sure : bool
        Whether the words alone identify the recording; otherwise length or album must agree.
    """

    base: str
    subtitle: str
    sure: bool


@lru_cache(maxsize=100_000)
def without_subtitle(title: str) -> tuple[Subtitle, ...]:
    """Names of a title without the part in brackets, or after a dash.

    ``Street Spirit (Fade Out)`` is ``street spirit``, ``강남스타일 (Gangnam Style)`` either of
    its two. Brackets with a version, a part or a number are not a subtitle.
    """
    shorter = []
    pieces = [(m, next(g for g in m.groups() if g is not None)) for m in _BRACKETS.finditer(title)]
    strokes = [(m, title[m.end() :]) for m in re.finditer(r"\s?/\s?", title)][:1]
    for match, inner in pieces + strokes:
        subtitle = words(inner)
        if (
            _is_no_part_of_title(inner, [])
            or not subtitle
            or _compiled(_OTHER_TAKE).search(subtitle)
        ):
            continue
        bracket = match[0].strip() != "/"
        rest = title[: match.start()] + (" " + title[match.end() :] if bracket else "")
        base = split_title(rest).base
        leads = bracket and not title[: match.start()].strip()
        initials = "".join(word[0] for word in subtitle.split())
        translated = in_other_script(inner, rest)
        phrase = bracket and " " in subtitle and bool(_compiled(_PHRASE).search(subtitle))
        sure = leads or translated or phrase or (len(initials) > 2 and initials == base)
        if base and words(rest):
            shorter.append(Subtitle(base, subtitle, sure))
        if translated:
            shorter.append(Subtitle(subtitle, base, True))
    return tuple(shorter)


def in_other_script(a: str, b: str) -> bool:
    """Whether two texts share no script: ``Кино`` and ``Kino``."""
    if a.isascii() and b.isascii():
        return False
    mine, its = scripts_of(a), scripts_of(b)
    return bool(mine and its) and mine.isdisjoint(its)


@lru_cache(maxsize=100_000)
def scripts_of(text: str) -> frozenset[str]:
    """Scripts of a text's letters, as in their Unicode names: ``LATIN``, ``HANGUL``, ``CJK``."""
    kinds = {unicodedata.name(letter, "").split(" ")[0] for letter in text if letter.isalpha()}
    return frozenset("CJK" if kind in ("HIRAGANA", "KATAKANA") else kind for kind in kinds)


def is_edit(title: str) -> bool:
    """Whether a title marks a shortened edit of the same recording."""
    return bool(_compiled(_EDIT).search(title))


@lru_cache(maxsize=200_000)
def split_title(title: str) -> Title:
    """Split a title into its words and its version; see `Title`."""
    asides: list[str] = []
    kept = title

    def aside(match: re.Match[str]) -> str:
        inner = next(group for group in match.groups() if group is not None)
        return " " if _is_no_part_of_title(inner, asides) else f" {inner} "

    kept = _BRACKETS.sub(aside, kept)
    head, *tails = _DASH.split(kept)
    for tail in tails:
        if not _is_no_part_of_title(tail, asides):
            head = f"{head} {tail}"
    base = _FEATURED_IN.sub("", f" {words(head)}").strip()
    base = _REMASTERED.sub("", base)
    base = _NUMBER.sub(lambda m: f"{m[1]} {_NUMERALS.get(m[2], m[2])}", base)
    if not base:  # all of it is in brackets, or is punctuation
        plain = words(title) or " ".join(unicodedata.normalize("NFKC", title).casefold().split())
        return Title(plain, frozenset(), "")
    detail = " ".join(asides)
    kinds = frozenset(kind for aside_ in asides for kind in _kinds(aside_))
    trailing = re.search(r"\b(live|instrumental|karaoke|acapella|remix|demo|reprise)$", base)
    if trailing and " " in base and not asides:
        kinds = kinds | _kinds(trailing[1])
        detail = trailing[1]
        base = base[: trailing.start()].strip()
    return Title(base, kinds, _NUMBER.sub(lambda m: f"{m[1]} {_NUMERALS.get(m[2], m[2])}", detail))


def album_words(album: str) -> str:
    """Words of an album's name without those of its edition."""
    return split_title(album).base


def _is_no_part_of_title(aside: str, versions: list[str]) -> bool:
    """Whether an aside is not part of the title; the name of a version is added to `versions`."""
    note = words(aside)
    if not note:
        return True
    pieces = [words(piece) for piece in re.split(r"[;/]", aside)]
    if (
        _compiled(EDITION).fullmatch(note)
        or all(_compiled(EDITION).fullmatch(piece) for piece in pieces)
        or _compiled(_FEATURED).match(f"{note} ")
    ):
        return True
    if _kinds(note):
        versions.append(note)
        return True
    return False


@lru_cache(maxsize=10_000)
def _kinds(note: str) -> frozenset[str]:
    return frozenset(
        kind for kind, pattern in VERSIONS.items() if _compiled(rf"\b(?:{pattern})\b").search(note)
    )
