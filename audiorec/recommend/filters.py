"""Track filters by metadata, tags, descriptors and plays."""

from __future__ import annotations

import fnmatch
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from operator import contains
from typing import TYPE_CHECKING, Any

from audiorec.data.catalog import MIN_CONFIDENCE, parse_key
from audiorec.data.exclusion_rules import parse_seconds
from audiorec.data.names import normalize_text
from audiorec.exceptions import NotFoundError, ParameterError

if TYPE_CHECKING:
    from audiorec.data.catalog import Catalog

AGE = re.compile(r"(\d{1,5})\s*(d|w|m|y)", re.ASCII)
SHOWN = {"length": "duration"}  # in messages, since a length is that of a list there
DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}


@dataclass(frozen=True)
class TrackFilter:
    """Filter of recommended tracks; empty fields have no effect.

    Parameters
    ----------
    genre : tuple of str
        Whole words; the genre must contain any of them.
    year, length, tempo : str
        A range such as ``1970-1979``, ``1990-``, ``-1969`` or one value; lengths as ``M:SS``,
        tempo in beats per minute. A track without the value does not match.
    key : tuple of str
        Any of these keys, such as ``Am``, ``F#`` or ``B flat minor``.
    tags, without_tags : tuple of str
        All of the one, none of the other; see `audiorec.data.catalog.tags`.
    path : tuple of str
        Any of these globs or folders.
    added_since : str
        A date ``YYYY-MM-DD``, or an age such as ``30d``, ``2w``, ``6m``: of the file, which
        retagging renews.
    not_artist : tuple of str
        Artists whose tracks are left out.
    new_for : str
        A listener who must not have played the track.
    unplayed_since, unplayed_by : str
        A date or an age, and a listener who has played the track, but not since.
    min_confidence : float
        Least confidence at which a track has a tag.
    """

    genre: tuple[str, ...] = ()
    year: str = ""
    length: str = ""
    tempo: str = ""
    key: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    without_tags: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    added_since: str = ""
    not_artist: tuple[str, ...] = ()
    new_for: str = ""
    unplayed_since: str = ""
    unplayed_by: str = ""
    min_confidence: float = MIN_CONFIDENCE

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(field.default, tuple):
                given = (value,) if isinstance(value, str) else tuple(value)
                if not all(isinstance(v, str) and v.strip() for v in given):
                    raise ParameterError(f"{field.name}={value!r} holds an empty word; name one")
                object.__setattr__(self, field.name, given)
            elif isinstance(field.default, str):
                object.__setattr__(self, field.name, str(value))
        self.ranges()
        object.__setattr__(self, "key", tuple(map(parse_key, self.key)))
        for name in ("added_since", "unplayed_since"):
            if getattr(self, name):
                parse_since(getattr(self, name), now=0.0, name=name.replace("_", "-"))
        if bool(self.unplayed_since) != bool(self.unplayed_by):
            raise ParameterError("unplayed-since needs exactly one listener")

    def ranges(self) -> dict[str, tuple[float, float]]:
        """Least and greatest value of each range that is set, by name."""
        parsers: dict[str, Callable[[str], float]] = {
            "year": _whole_number, "length": parse_seconds, "tempo": _positive
        }  # fmt: skip
        return {
            name: parse_range(getattr(self, name), parse, name=SHOWN.get(name, name))
            for name, parse in parsers.items()
            if getattr(self, name)
        }

    def __bool__(self) -> bool:
        return any(
            getattr(self, field.name) for field in fields(self) if field.name != "min_confidence"
        )

    def __str__(self) -> str:
        set_ = [f for f in fields(self) if f.name != "min_confidence" and getattr(self, f.name)]
        values = {SHOWN.get(f.name, f.name): getattr(self, f.name) for f in set_}
        return ", ".join(
            f"{name.replace('_', '-')} {' '.join(v) if isinstance(v, tuple) else v}"
            for name, v in values.items()
        )

    @classmethod
    def from_table(cls, table: dict[str, Any]) -> TrackFilter:
        """Make a filter from a table of a recipe, with underscores or dashes in its keys."""
        values = {str(name).replace("-", "_"): value for name, value in table.items()}
        known = {field.name for field in fields(cls)}
        for name in values.keys() - known:
            raise ParameterError(f"filter {name!r} must be one of {', '.join(sorted(known))}")
        given: dict[str, Any] = {
            n: tuple(v) if isinstance(v, list) else v for n, v in values.items()
        }
        return cls(**given)


def parse_range(
    text: str, parse: Callable[[str], float], *, name: str = "range"
) -> tuple[float, float]:
    """Parse the least and greatest value of ``A-B``, ``A-``, ``-B`` or ``A``.

    Raises
    ------
    ParameterError
        If it is not a range, or its end lies before its start.
    """
    first, dash, last = text.strip().partition("-")
    try:
        low = parse(first) if first.strip() else float("-inf")
        high = (parse(last) if last.strip() else float("inf")) if dash else low
    except (ParameterError, ValueError):
        low = high = float("nan")
    if not low <= high or (low == float("-inf") and high == float("inf")):
        raise ParameterError(
            f"{name} {text!r} must be a range such as A-B, A- or -B, its beginning before its end"
        )
    return low, high


def parse_since(text: str, *, now: float, name: str = "added-since") -> float:
    """Parse a date or an age to seconds since 1970; see `TrackFilter`."""
    text = text.strip()
    if age := AGE.fullmatch(text):
        return now - 86_400.0 * int(age[1]) * DAYS[age[2]]
    try:
        day = datetime.fromisoformat(text)
    except ValueError:
        raise ParameterError(
            f"{name} {text!r} must be a date YYYY-MM-DD, or an age such as 30d, 2w or 6m"
        ) from None
    return (day if day.tzinfo else day.replace(tzinfo=UTC)).timestamp()


def select_tracks(
    catalog: Catalog,
    wanted: TrackFilter,
    *,
    played: Callable[[str], set[str]],
    last_played: Callable[[str], dict[str, float]],
    descriptors: Callable[[], dict[str, tuple[float, str]]],
) -> frozenset[str] | None:
    """Select the ids of the tracks that match a filter; None for an empty filter.

    Parameters
    ----------
    catalog : Catalog
    wanted : TrackFilter
    played : callable
        Returns the ids of the tracks that a listener has played.
    last_played : callable
        Returns the time (s since 1970) of a listener's last play of each track.
    descriptors : callable
        Returns tempo (beats per minute) and key by track.

    Raises
    ------
    NotFoundError
        If no track matches, or a tag or a listener is unknown.
    """
    if not wanted:
        return None
    tests = _tests(wanted)
    rows = catalog.facts(*tests)
    fitting = [
        {value for value in {row[place] for row in rows} if test(value)}
        for place, test in enumerate(tests.values(), start=1)
    ]
    kept = {row[0] for row in rows if all(map(contains, fitting, row[1:]))}
    for tag in wanted.tags:
        kept &= catalog.tags.having(tag, min_confidence=wanted.min_confidence)
    for tag in wanted.without_tags:
        kept -= catalog.tags.having(tag, min_confidence=wanted.min_confidence)
    if wanted.tempo or wanted.key:
        kept &= _described(wanted, descriptors())
    if wanted.new_for:
        kept -= played(wanted.new_for)
    if wanted.unplayed_by:
        since = parse_since(wanted.unplayed_since, now=time.time())
        last = last_played(wanted.unplayed_by)
        kept &= {track_id for track_id, when in last.items() if when < since}
    if not kept:
        raise NotFoundError(f"no track fits the filters ({wanted}); widen or drop one")
    return frozenset(kept)


def _described(wanted: TrackFilter, known: dict[str, tuple[float, str]]) -> set[str]:
    if not known:
        raise NotFoundError(
            "no track's tempo and key are known; run 'audiorec descriptors', or drop the filter"
        )
    low, high = wanted.ranges().get("tempo", (float("-inf"), float("inf")))
    return {
        track_id
        for track_id, (tempo, key) in known.items()
        if low <= tempo <= high and (not wanted.key or key in wanted.key)
    }


def _tests(wanted: TrackFilter) -> dict[str, Callable[[Any], bool]]:
    """Return the predicates of a filter, by name of the value in `Catalog.facts`."""
    ranges = wanted.ranges()
    tests: dict[str, Callable[[Any], bool]] = {}
    if wanted.genre:
        either = "|".join(re.escape(normalize_text(word)) for word in wanted.genre)
        words = re.compile(rf"(?<!\w)(?:{either})(?!\w)").search
        tests["genre"] = lambda genre: words(normalize_text(genre)) is not None
    if "year" in ranges:
        first, last = ranges["year"]
        tests["year"] = lambda year: year is not None and first <= year <= last
    if "length" in ranges:
        shortest, longest = ranges["length"]
        tests["duration"] = lambda seconds: seconds > 0 and shortest <= seconds <= longest
    if wanted.path:
        globs = [g for p in wanted.path for g in (p, f"*/{p}", f"{p.rstrip('/')}/*")]
        globs += [f"*/{p.rstrip('/')}/*" for p in wanted.path]
        match = re.compile("|".join(map(fnmatch.translate, globs))).match
        tests["path"] = lambda path: match(path) is not None
    if wanted.not_artist:
        excluded = set(map(normalize_text, wanted.not_artist))
        tests["artist"] = lambda artist: normalize_text(artist) not in excluded
    if wanted.added_since:
        since = parse_since(wanted.added_since, now=time.time())
        tests["changed"] = lambda changed: changed / 1e9 >= since
    return tests


def _whole_number(text: str) -> float:
    return float(int(text))


def _positive(text: str) -> float:
    number = float(text)
    if not number > 0:
        raise ValueError(text)
    return number
