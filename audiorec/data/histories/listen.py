"""One listen as an export states it, and the rule that makes it a play, a skip, or neither.

A recording that was played for at least half its length, or for 240 seconds, counts as a play; one
that was broken off before 30 seconds as a skip; what lies between says nothing. That is what
scrobblers submit by, with the skip added to it.
"""

from __future__ import annotations

import math
import re
import time
from collections import Counter
from datetime import UTC, datetime
from typing import NamedTuple

PLAY_FRACTION = 0.5
PLAY_SECONDS = 240.0
SKIP_SECONDS = 30.0
SAME_PLAY_SECONDS = 60
"""Plays of one recording by one listener that begin within this time are one play."""
MAX_COUNT = 1e9
FIRST_TIME = 788_918_400
"""1995-01-01: nobody kept a history before; clocks that were never set show such times."""
LONGEST = 500
"""Characters of a name that are kept."""
MBID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

Tally = Counter[str]
"""What a reader left out: how many, by what they are."""


class Listen(NamedTuple):
    """One row of an export.

    Attributes
    ----------
    artist, title, album : str
        Empty where unknown.
    timestamp : int or None
        When it began, seconds since 1970-01-01 UTC; None where the export only counts.
    seconds : float or None
        For how long it was played.
    duration : float or None
        Length of the recording, s.
    finished : bool or None
        Whether it was played to its end.
    skipped : bool or None
        Whether the listener went on to another.
    plays, skips : float
        Counts: of a row that is one listen, 1 and 0.
    rating : float or None
        From -1, disliked, to 1, liked.
    recording_mbid : str
        MusicBrainz id of the recording.
    path : str
        Of the file, as the other program names it.
    user : str
        Name of the listener, where the export has several.
    """

    artist: str = ""
    title: str = ""
    album: str = ""
    timestamp: int | None = None
    seconds: float | None = None
    duration: float | None = None
    finished: bool | None = None
    skipped: bool | None = None
    plays: float = 1.0
    skips: float = 0.0
    rating: float | None = None
    recording_mbid: str = ""
    path: str = ""
    user: str = ""


def text(value: object) -> str:
    """A name on one line, without what is no text; empty where the value is no string."""
    if not isinstance(value, str):
        return ""
    whole = value.encode("utf-8", "replace").decode()
    if not whole.isprintable():
        whole = "".join(c if c.isprintable() else " " for c in whole)
    return " ".join(whole.split())[:LONGEST]


def path_text(value: object) -> str:
    """A path as text; blanks in it stay. Empty where the value is neither text nor bytes."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    if not isinstance(value, str) or "\0" in value:
        return ""
    return value.encode("utf-8", "replace").decode()[:4096]


def number(value: object) -> float | None:
    """A finite number, or text that is one; else None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        parsed = float(value)
    except (ValueError, OverflowError):
        return None
    return parsed if math.isfinite(parsed) else None


def count(value: object) -> float:
    """A count; 0 where the value is none."""
    parsed = number(value)
    return parsed if parsed is not None and 0 < parsed <= MAX_COUNT else 0.0


def mbid(value: object) -> str:
    """A MusicBrainz id in lower case; empty where the value is none."""
    candidate = value.strip().lower() if isinstance(value, str) else ""
    return candidate if MBID.fullmatch(candidate) else ""


def stars(value: object, *, best: float) -> float | None:
    """A rating of 1 to `best` stars as -1 to 1; None where the value is 0 or none."""
    parsed = number(value)
    if parsed is None or not 0 < parsed <= best:
        return None
    middle = best * 0.6  # three of five stars say neither
    return (parsed - middle) / (best - middle if parsed > middle else middle)


def when(value: object, tally: Tally, *, offset: float = 0.0) -> int | None:
    """Seconds since 1970 of a time as exports write it.

    Parameters
    ----------
    value : object
        A number of seconds or milliseconds, or ISO 8601, without a zone UTC.
    tally : Tally
        Gets one more impossible time where it is none, or lies before 1995 or in the future.
    offset : float
        Seconds that are taken from it, such as those played where it is the end.
    """
    seconds = _seconds(value)
    if seconds is not None:
        seconds -= offset
        if FIRST_TIME <= seconds <= time.time() + 86_400:
            return math.floor(seconds)
    tally["plays at an impossible time"] += 1
    return None


def _seconds(value: object) -> float | None:
    seconds = number(value)
    if seconds is not None:
        return seconds / 1e3 if seconds > 1e11 else seconds
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value.strip().replace(" UTC", "+00:00"))
    except ValueError:
        return None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()


def local_to_utc(seconds: float) -> float:
    """Seconds of a clock that shows this machine's local time, as seconds of UTC."""
    try:
        shown = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
        return shown.astimezone().timestamp()
    except (OverflowError, ValueError, OSError):
        return seconds
