"""Parsing of the values of one listen in exports: text, numbers, ids, ratings and times."""

from __future__ import annotations

import math
import re
import time
from datetime import UTC, datetime

from audiorec.data.histories.listen import Tally

MAX_COUNT = 1e9
FIRST_TIME = 788_918_400
"""1995-01-01: no history is older; clocks that were never set have such times."""
LONGEST = 500
"""Characters kept of a name."""
MBID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def text(value: object) -> str:
    """A name on one line, without unprintable characters; empty if the value is not a string."""
    if not isinstance(value, str):
        return ""
    whole = value.encode("utf-8", "replace").decode()
    if not whole.isprintable():
        whole = "".join(c if c.isprintable() else " " for c in whole)
    return " ".join(whole.split())[:LONGEST]


def path_text(value: object) -> str:
    """A path as text, with its spaces; empty if the value is neither text nor bytes."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    if not isinstance(value, str) or "\0" in value:
        return ""
    return value.encode("utf-8", "replace").decode()[:4096]


def number(value: object) -> float | None:
    """A finite number, or text of one; else None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        parsed = float(value)
    except (ValueError, OverflowError):
        return None
    return parsed if math.isfinite(parsed) else None


def count(value: object) -> float:
    """A count; 0 if the value is not one."""
    parsed = number(value)
    return parsed if parsed is not None and 0 < parsed <= MAX_COUNT else 0.0


def mbid(value: object) -> str:
    """A MusicBrainz id in lower case; empty if the value is not one."""
    candidate = value.strip().lower() if isinstance(value, str) else ""
    return candidate if MBID.fullmatch(candidate) else ""


def normalize_rating(value: object, *, best: float) -> float | None:
    """Scale a rating of 1 to `best` stars to -1 to 1; None if the value is 0 or not a rating."""
    parsed = number(value)
    if parsed is None or not 0 < parsed <= best:
        return None
    middle = best * 0.6  # three of five stars are neutral
    return (parsed - middle) / (best - middle if parsed > middle else middle)


def parse_time(value: object, tally: Tally, *, offset: float = 0.0) -> int | None:
    """Parse a time in an export to seconds since 1970.

    Parameters
    ----------
    value : object
        A number of seconds or milliseconds, or ISO 8601, without a zone UTC.
    tally : Tally
        Counts an impossible time if it is invalid, or before 1995 or in the future.
    offset : float
        Seconds to subtract, such as those played if it is the end.
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
    """Convert seconds of a clock in this machine's local time to seconds of UTC."""
    try:
        shown = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
        return shown.astimezone().timestamp()
    except (OverflowError, ValueError, OSError):
        return seconds
