"""Values of one listen as exports write them: text, numbers, ids, ratings and times."""

from __future__ import annotations

import math
import re
import time
from datetime import UTC, datetime

from audiorec.data.histories.listen import Tally

MAX_COUNT = 1e9
FIRST_TIME = 788_918_400
"""1995-01-01: nobody kept a history before; clocks that were never set show such times."""
LONGEST = 500
"""Characters of a name that are kept."""
MBID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


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


def normalize_rating(value: object, *, best: float) -> float | None:
    """A rating of 1 to `best` stars as -1 to 1; None where the value is 0 or none."""
    parsed = number(value)
    if parsed is None or not 0 < parsed <= best:
        return None
    middle = best * 0.6  # three of five stars say neither
    return (parsed - middle) / (best - middle if parsed > middle else middle)


def parse_time(value: object, tally: Tally, *, offset: float = 0.0) -> int | None:
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
