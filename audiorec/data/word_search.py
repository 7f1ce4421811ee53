"""Find tracks by words of their artist, title, album and path."""

from __future__ import annotations

import re
from collections.abc import Sequence

from audiorec.data.catalog import Catalog, Track, as_text
from audiorec.data.names import normalize_text, strip_accents
from audiorec.data.plays import PlayedNames
from audiorec.exceptions import ParameterError

# Score of a word at the start of a word of each field, best first; half of it within a word.
WEIGHTS = {"title": 8, "artist": 6, "album": 3, "path": 1}


def find_tracks(
    catalog: Catalog | None, words: Sequence[str], *, played: PlayedNames | None = None
) -> list[Track]:
    """Find tracks that match all words, best first; those whose files are gone come last.

    Case, accents and underscores are ignored, as is the order of the words; a word may be the
    beginning or a part of one.

    Parameters
    ----------
    catalog : Catalog or None
        None, or an empty one, where tracks are known by listening alone: `played` is searched then.
    words : sequence of str
        Each may hold several, separated by spaces.
    played : PlayedNames, optional

    Raises
    ------
    ParameterError
        If there are no words.
    """
    wanted = [word for text in words for word in folded_words(text)]
    if not wanted:
        raise ParameterError(f"words={list(words)} hold no word; give one of a name or a path")
    ranked = []
    tracks = [] if catalog is None else catalog.tracks(include_missing=True)
    if not tracks and played is not None:
        tracks = played.search(wanted)
    for track in tracks:
        score = _score(track, wanted)
        if score:
            ranked.append((track, score))
    return [track for track, _ in sorted(ranked, key=_order)]


def _order(match: tuple[Track, float]) -> tuple[bool, float, str, str, int, str]:
    track, score = match
    number = track.number or 0
    return track.missing, -score, track.artist, track.album, number, track.track_id


def folded_words(text: str) -> list[str]:
    """Words of a text, folded for comparison."""
    return re.findall(r"[^\W_]+", strip_accents(normalize_text(text)))


def _score(track: Track, wanted: Sequence[str]) -> float:
    """Score of a track for all words; 0 if one does not match."""
    fields = {name: getattr(track, name) for name in ("title", "artist", "album")}
    fields["path"] = as_text(track.path)
    texts = {name: " ".join(["", *folded_words(text)]) for name, text in fields.items()}
    total = 0.0
    for word in wanted:
        best = max(
            WEIGHTS[name] * (1.0 if f" {word}" in text else 0.5 if word in text else 0.0)
            for name, text in texts.items()
        )
        if not best:
            return 0.0
        total += best
    return total
