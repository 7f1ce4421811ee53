"""Normalised key of an artist: equal for all spellings of a name, with or without guests."""

from __future__ import annotations

import re
import unicodedata

# Placeholders for an unknown artist or for many, without brackets and dots, in the languages of
# players and taggers: tracks under them have nothing in common.
NOBODY = frozenset(
    """various artists|various artist|various|va|v/a|aavv|unknown artist|unknown artists|unknown|
    no artist|n/a|untitled artist|diverse|diverse interpreten|diverse artists|verschiedene|
    verschiedene interpreten|verschiedene künstler|unbekannt|unbekannter künstler|
    unbekannter interpret|divers|artistes divers|divers artistes|artiste inconnu|inconnu|
    compilation|varios|varios artistas|artistas varios|varios intérpretes|artista desconocido|
    desconocido|artisti vari|autori vari|vari|artista sconosciuto|sconosciuto|vários|
    vários artistas|vários intérpretes|artista desconhecido|desconhecido|diverse artiesten|
    verschillende artiesten|onbekend|onbekende artiest|blandade artister|okänd artist|
    diverse artister|ukjent artist|diverse kunstnere|ukendt kunstner|eri esittäjiä|
    tuntematon esittäjä|różni wykonawcy|nieznany wykonawca|různí interpreti|neznámý interpret|
    különböző előadók|ismeretlen előadó|çeşitli sanatçılar|bilinmeyen sanatçı|
    разные исполнители|неизвестный исполнитель|неизвестен|сборник|різні виконавці|
    невідомий виконавець|群星|未知艺术家|未知藝人|未知歌手|不明なアーティスト|オムニバス|
    ヴァリアス・アーティスト|여러 아티스트|알 수 없는 아티스트""".replace("\n    ", "").split("|")
)
# Guests follow these. A "with" alone is part of band names, so it needs a bracket or an orchestra
# after it; lists with & or commas may be one band.
GUESTS = re.compile(
    r"""\s*[(\[]\s*(?:feat|ft|featuring|with|w/)\b.*
      | \s+(?:feat|ft)\.?\s+\S.*
      | \s+featuring\s+\S.*
      | \s+w/\s*\S.*
      | \s+with\s+(?:the\s|his\s|her\s|their\s|guests?\b|special\s|orchestra\b).*
      | \s*;.*""",
    re.VERBOSE | re.DOTALL,
)
BRACKETS = str.maketrans("", "", "[]<>(){}.")


def artist_key(artist: str, *, track_id: str) -> str:
    """Normalise an artist to a key: case, accents' composition, spaces and guests do not count.

    Parameters
    ----------
    artist : str
        As tagged.
    track_id : str
        Key of a track by nobody in particular.
    """
    name = " ".join(_composed(_composed(artist).casefold()).split())
    key = GUESTS.sub("", name, count=1).strip(" ,-") or name
    return f"\0{track_id}" if is_nobody(key) else key


def is_nobody(name: str) -> bool:
    """Whether a folded name is a placeholder for an unknown artist, or for many."""
    bare = " ".join(name.translate(BRACKETS).split())
    return not bare or bare in NOBODY


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)
