"""Who an artist is: one key for all spellings of a name, with guests and without."""

from __future__ import annotations

import re
import unicodedata

# Names that are no artist's, without brackets and dots: whoever is filed under them has nothing in
# common. In the languages that players and taggers write them in.
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
# Guests follow these. A bare "with" is in the names of bands, so it needs a bracket behind it or an
# orchestra; of lists with & or commas nobody can tell whether they are one band.
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
    """What groups tracks of one artist: case, composition, spaces and guests do not count.

    Parameters
    ----------
    artist : str
        As a tag says it.
    track_id : str
        Of a track by nobody in particular, which stands alone.
    """
    name = " ".join(_composed(_composed(artist).casefold()).split())
    key = GUESTS.sub("", name, count=1).strip(" ,-") or name
    return f"\0{track_id}" if is_nobody(key) else key


def is_nobody(name: str) -> bool:
    """Whether a folded name is what players write where they know no artist, or many."""
    bare = " ".join(name.translate(BRACKETS).split())
    return not bare or bare in NOBODY


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)
