"""Exclusion rules of a workspace, which hide tracks from all answers.

A rule is a kind and a value, such as genre = christmas. The rules are kept in one JSON file of the
workspace. A track that any of them matches is hidden.
"""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from audiorec.artifacts import write_atomic
from audiorec.data.catalog import Catalog, Track
from audiorec.data.catalog.records import artist_key
from audiorec.data.names import normalize_text
from audiorec.exceptions import NotFoundError, ParameterError, WorkspaceError, system_reason

Kind = Literal["genre", "title-word", "shorter", "longer", "path", "artist", "album"]
KINDS: tuple[Kind, ...] = get_args(Kind)
MOST_BYTES = 1 << 20
CLOCK = re.compile(r"(?:(?:(\d{1,3}):)?(\d{1,3}):)?(\d{1,6}(?:\.\d+)?)", re.ASCII)


class Exclusion(NamedTuple):
    """One exclusion rule.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    value : str
        Whole words of a genre or a title, a name, a glob of paths, or a length ``M:SS``.
    """

    kind: str
    value: str

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"


def parse_seconds(text: str) -> float:
    """Parse a length such as ``90``, ``1:30`` or ``1:02:30`` to seconds.

    Raises
    ------
    ParameterError
        If it is not a length above 0.
    """
    match = CLOCK.fullmatch(text.strip())
    seconds = 0.0
    if match:
        hours, minutes, rest = (float(part or 0) for part in match.groups())
        seconds = 3600 * hours + 60 * minutes + rest
    if not seconds > 0:
        raise ParameterError(f"{text!r} is not a length; write seconds or M:SS, such as 1:30")
    return seconds


def check_exclusion(exclusion: Exclusion) -> Exclusion:
    """Return the rule; raise `ParameterError` if it can match nothing."""
    kind, value = exclusion
    if kind not in KINDS:
        raise ParameterError(f"kind={kind!r} must be one of {', '.join(KINDS)}")
    if kind in ("shorter", "longer"):
        parse_seconds(value)
    elif not normalize_text(value):
        raise ParameterError(f"{kind} {value!r} is empty, and would match nothing; name one")
    elif kind == "artist" and artist_key(value, track_id="").startswith("\0"):
        raise ParameterError(f"artist {value!r} names no artist; exclude by --path or --genre")
    return exclusion


def load_exclusions(file: Path) -> list[Exclusion]:
    """Read the rules of a workspace, in order of their addition; none without a file.

    Raises
    ------
    WorkspaceError
        If the file cannot be read as rules.
    """
    try:
        if file.stat().st_size > MOST_BYTES:
            raise ValueError(f"more than {MOST_BYTES} bytes")
        return [check_exclusion(Exclusion(*map(str, row))) for row in json.loads(file.read_bytes())]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise WorkspaceError(
            f"{file} cannot be read ({system_reason(error)}); mend it, or remove it and add the "
            "exclusions again"
        ) from None


def save_exclusions(file: Path, exclusions: Iterable[Exclusion]) -> None:
    """Write the rules atomically, without repeats."""
    rows = [list(exclusion) for exclusion in dict.fromkeys(exclusions)]
    write_atomic(file, json.dumps(rows, ensure_ascii=False, indent=1).encode())


def remove_exclusion(exclusions: list[Exclusion], name: str) -> list[Exclusion]:
    """Rules without one, which is named by its number from 1 or as `Exclusion` prints.

    Raises
    ------
    NotFoundError
        If no rule has that name.
    """
    for number, exclusion in enumerate(exclusions, start=1):
        if name in (str(number), str(exclusion)):
            return [other for other in exclusions if other != exclusion]
    raise NotFoundError(f"there is no exclusion {name!r}; 'audiorec exclude list' numbers them")


def excluded_tracks(catalog: Catalog, exclusions: Iterable[Exclusion]) -> frozenset[str]:
    """Ids of the tracks that any of the rules matches; missing tracks are not tested."""
    rules = list(exclusions)
    if not rules:
        return frozenset()
    hides = exclusion_test(rules)
    return frozenset(track.track_id for track in catalog.tracks() if hides(track))


def exclusion_test(exclusions: Iterable[Exclusion]) -> Callable[[Track], bool]:
    """Make a test for tracks that any of the rules matches."""
    rules = [_matcher(exclusion) for exclusion in exclusions]
    return lambda track: any(fits(track) for fits in rules)


def _matcher(exclusion: Exclusion) -> Callable[[Track], bool]:
    """Make a test for tracks that a rule matches."""
    kind, value = exclusion
    normalized = lru_cache(maxsize=1 << 16)(normalize_text)
    if kind == "shorter":
        limit = parse_seconds(value)
        return lambda track: 0 < track.duration < limit
    if kind == "longer":
        limit = parse_seconds(value)
        return lambda track: track.duration > limit
    if kind == "path":
        globs = [value, f"*/{value}", f"{value.rstrip('/')}/*", f"*/{value.rstrip('/')}/*"]
        fits = [re.compile(fnmatch.translate(glob)).match for glob in globs]
        return lambda track: any(match(track.path) for match in fits)
    if kind == "artist":
        key = artist_key(normalize_text(value), track_id="")
        return lambda track: artist_key(normalized(track.artist), track_id=track.track_id) == key
    wanted = normalize_text(value)
    if kind == "album":
        return lambda track: normalized(track.album) == wanted
    words = re.compile(rf"(?<!\w){re.escape(wanted)}(?!\w)").search
    field = "genre" if kind == "genre" else "title"
    return lambda track: words(normalized(getattr(track, field))) is not None
