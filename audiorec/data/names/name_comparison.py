"""Comparison of names: whether two artists, or two titles, are spellings of one.

Covers phonetic spellings, numbers as words, initials, and typing errors.
"""

from __future__ import annotations

import re
from functools import lru_cache

from audiorec.data.names.canonical_names import (
    Title,
    artist_parts,
    artist_words,
    in_other_script,
    words,
)

# Imports in functions: names that are equal do not wait for rapidfuzz.

SIMILAR_ARTIST = 88.0
"""rapidfuzz's score, of 100, from which a misspelt artist is accepted."""
FEWEST_LETTERS = 4
FEWEST_CONSONANTS = 3
_ARTICLES = re.compile(r"\b(?:the|a|an|and)\b ?")
_SOUNDS = str.maketrans("kzy", "csi")
"""Letters that are used for one another."""
_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty"
)
_FIGURES = {word: str(value) for value, word in enumerate(_SMALL.split(" "))}
_ROMAN = {"ii": "2", "iii": "3", "iv": "4", "vi": "6", "vii": "7", "viii": "8", "ix": "9"}
_SPOKEN = {
    **_FIGURES,
    **_ROMAN,
    "for": "4",
    "to": "2",
    "too": "2",
    "nite": "night",
    "wanna": "want2",
    "gonna": "going2",
    "gotta": "got2",
    "thru": "through",
    "tha": "",
    "luv": "love",
    "r": "are",
    "ur": "your",
    "til": "until",
    "till": "until",
    "cause": "because",
    "cuz": "because",
}
"""Words in their compared form: numbers as digits, phonetic spellings as usual ones."""
_ORDINAL = re.compile(r"\b(\d+)(?:st|nd|rd|th)\b")
_ENSEMBLE = re.compile(
    r" (?:trio|quartet|quintet|sextet|septet|octet|band|big band|orchestra|combo)$"
)
_SMALL_WORDS = frozenset(("in", "the", "of", "and", "a", "to"))
_CATALOGUED = re.compile(r"\b(?:op|bwv|kv?|rv|hwv|hob|woo|[dlms]) ?(\d+)")
"""A number in the catalogue of a composer's works."""
_MOVEMENT = re.compile(
    r"\b(?:allegr\w+|andant\w+|adagi\w+|larg\w+|lento|grave|presto|prestissimo|vivace|moderato|menuett\w*"
    r"|minuet\w*|scherzo|rondo|finale|prelude|fugue?|fuga|allemande|courante|sarabande|gigue|bourree\w*"
    r"|gavotte\w*|aria|trio|theme|variation\w*)\b"
)
DIGITS = re.compile(r"\d+")
_LIVE = re.compile(r"\b(?:live|unplugged|en vivo|ao vivo)\b", re.IGNORECASE)


@lru_cache(maxsize=200_000)
def compact(base: str) -> str:
    """A title without articles and spaces, numbers in digits: ``the two doors`` is ``2doors``."""
    bare = _ORDINAL.sub(r"\1", _ARTICLES.sub("", base) or base)
    return "".join(_SPOKEN.get(word, _drop_final_g(word)) for word in bare.split())


def _drop_final_g(word: str) -> str:
    """``something`` as it is sung: ``somethin``."""
    return word[:-1] if len(word) > 5 and word.endswith("ing") else word


@lru_cache(maxsize=200_000)
def consonants(text: str) -> str:
    """Consonants of words in Latin letters on which transliterations agree."""
    for written, sound in _TRANSLITERATED:
        text = text.replace(written, sound)
    return re.sub(r"(.)\1+", r"\1", re.sub("[aeiouyjw ]", "", text))


_TRANSLITERATED = (
    ("tch", "C"), ("ch", "C"), ("kh", "h"), ("ph", "f"), ("th", "t"), ("gh", "g"), ("ck", "k"),
    ("mp", "b"), ("x", "ks"), ("q", "k"), ("c", "k"),
)  # fmt: skip
"""Letters that differ between transliterations."""


def same_transliterated(a: str, b: str) -> bool:
    """Whether two names in different scripts have the same consonants, three or more."""
    if not in_other_script(a, b):
        return False
    mine, its = consonants(words(a)), consonants(words(b))
    return len(mine) >= FEWEST_CONSONANTS and mine == its


@lru_cache(maxsize=200_000)
def is_catalogued(base: str) -> bool:
    """Whether a title has a number in a catalogue of works: op. 67, BWV 1007, K. 550."""
    return bool(_CATALOGUED.search(base))


def same_work(a: str, b: str) -> bool:
    """Whether two titles name one movement of one catalogued work, but for insignificant words.

    Such as the work's nickname, or its key; all numbers must be equal.
    """
    if not is_catalogued(a) or not is_catalogued(b):
        return False
    mine, its = _work_words(a), _work_words(b)
    if set(_CATALOGUED.findall(" ".join(mine))) != set(_CATALOGUED.findall(" ".join(its))):
        return False
    if set(DIGITS.findall(" ".join(mine))) != set(DIGITS.findall(" ".join(its))):
        return False
    short, long = sorted((set(mine), set(its)), key=len)
    return short <= long and not _MOVEMENT.search(" ".join(long - short))


def work_names(title: str) -> set[str]:
    """Names of a catalogued work on its own: the part in quotes, or the last part.

    ``Bagatelle No. 25 in A Minor, WoO 59 "Für Elise"`` is ``fur elise`` too.
    """
    if not is_catalogued(words(title)):
        return set()
    quoted = re.findall(r'["“„]([^"“”„]+)["”“]', title)
    last = re.sub(r"^\s*(?:[IVX]+|No\.? ?\d+|\d+)[.,:]?\s+", "", title.rpartition(":")[2])
    names = {words(name) for name in (*quoted, *([last] if ":" in title else ()))}
    return {n for n in names if " " in n and not (_MOVEMENT.search(n) or DIGITS.search(n))}


def same_composer(a: str, b: str) -> bool:
    """Whether two credits share an artist's last name, as works are named after composers."""
    mine, its = ({part.split(" ")[-1] for part in artist_parts(credit)} for credit in (a, b))
    return not mine.isdisjoint(its)


@lru_cache(maxsize=100_000)
def short_names(artist: str) -> set[str]:
    """Shorter forms of a normalised name: without Quartet and such; its initials, if three."""
    names = artist.split(" ")
    telling = [name for name in names if name not in _SMALL_WORDS]
    initials = {"".join(name[:1] for name in parts) for parts in (names, telling) if len(parts) > 2}
    return {_ENSEMBLE.sub("", artist), *initials} - {artist}


def _work_words(base: str) -> list[str]:
    """Words of a work's title, numbers apart and Roman ones in digits."""
    numerals = {**_SPOKEN, "i": "1", "v": "5", "x": "10", "kv": "k"}
    apart = re.sub(r"(?<=[a-z])(?=\d)", " ", base)
    return [numerals.get(word, word) for word in apart.split()]


def same_version(a: Title, b: Title) -> bool:
    """Whether two titles are of the same kind of version, without contradicting details."""
    if a.kinds != b.kinds:
        return False
    if not a.detail or not b.detail or a.detail == b.detail:
        return True
    if DIGITS.findall(a.detail) != DIGITS.findall(b.detail):
        return False
    mine, its = _distinguishing_words(a.detail), _distinguishing_words(b.detail)
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


def _distinguishing_words(detail: str) -> set[str]:
    """Words of a version that distinguish it within its kind."""
    return set(detail.split()) - _PLAIN


def live_album(album: str) -> bool:
    """Whether an album's name marks it as live, though its titles need not."""
    return bool(_LIVE.search(album))


def same_artist(a: str, b: str) -> bool:
    """Whether two credits name the same artists, or one names those of the other and more."""
    if compact(artist_words(a)) == compact(artist_words(b)):
        return True
    mine, its = artist_parts(a), artist_parts(b)
    if not mine or not its:
        return False
    if mine <= its or its <= mine or _surnames(mine, its) or _surnames(its, mine):
        return True
    if same_transliterated(a, b):
        return True
    whole, other = artist_words(a), artist_words(b)
    return _short_name(whole, other) or _short_name(other, whole)


def _short_name(short: str, long: str) -> bool:
    """Whether an artist's name is a shorter form of another: NIN, J. S. Bach, Dave Brubeck."""
    if short in short_names(long) and (" " in short or len(short) > 2):
        return True
    mine, its = short.split(), long.split()
    if len(mine) < 2 or len(its) < 2 or mine[-1] != its[-1]:
        return False
    given = "".join(mine[:-1])
    if given == "".join(word[0] for word in its[:-1]):
        return True
    return len(mine) == 2 and len(its) == 3 and mine[0] == its[0]


def _surnames(short: frozenset[str], long: frozenset[str]) -> bool:
    """Whether several artists are named by their last names: Hall & Oates."""
    lasts = {name.split()[-1] for name in long}
    return len(short) == len(long) > 1 and short == lasts


def similar_artist(a: str, b: str, *, sure: bool) -> bool:
    """Whether two artists are likely one, misspelled; `sure` requires a closer similarity."""
    from rapidfuzz import fuzz

    if same_artist(a, b):
        return True
    mine, its = artist_words(a), artist_words(b)
    if DIGITS.findall(mine) != DIGITS.findall(its):
        return False
    if sorted(mine.split()) == sorted(its.split()):
        return True
    return fuzz.ratio(mine, its) >= SIMILAR_ARTIST and misspelt(mine, its, sure=sure)


def begins(a: str, b: str) -> bool:
    """Whether one of two titles is a beginning of the other: with equal lengths it is the same."""
    short, long = sorted((a, b), key=len)
    return len(short.split()) >= 3 and (long.startswith(short) or long.endswith(f" {short}"))


def misspelt(a: str, b: str, *, sure: bool) -> bool:
    """Whether two names differ by typing errors alone, not by a word.

    A letter that is dropped, doubled or swapped within a long word is a typing error; another first
    letter, or an s at the end, is another word, unless the length marks it as the same recording.
    """
    mine, its = _ARTICLES.sub("", a).split(), _ARTICLES.sub("", b).split()
    if "".join(mine) == "".join(its):
        return True
    differing = [(x, y) for x, y in zip(mine, its, strict=False) if x != y]
    few = len(mine) == len(its) and len(differing) <= max(1, len(mine) // 3)
    return few and all(_slip(x, y, sure=sure) for x, y in differing)


def _differ_in_ending(x: str, y: str) -> bool:
    """Whether two words differ only in their endings: ``superstition`` and ``superstitious``."""
    if x[-1] == y[-1] or sorted(x) == sorted(y):
        return False
    short, long = sorted((x, y), key=len)
    return not long.startswith(short)


def _slip(x: str, y: str, *, sure: bool) -> bool:
    """Whether two words differ by a typing error."""
    from rapidfuzz.distance import OSA

    x, y = x.translate(_SOUNDS), y.translate(_SOUNDS)
    short, long = sorted((x, y), key=len)
    if x.isdecimal() or y.isdecimal() or x[0] != y[0] or len(short) < FEWEST_LETTERS:
        return False
    if not sure and (long == f"{short}s" or _differ_in_ending(x, y)):
        return False
    substituted = len(x) == len(y) and sorted(x) != sorted(y)
    if substituted and not sure and len(long) < 7:
        return False
    return OSA.distance(x, y) <= (2 if len(long) >= 8 else 1)
