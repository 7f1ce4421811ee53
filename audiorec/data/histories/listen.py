"""One listen of an export, and the rule by which it is a play, a skip, or neither.

A recording that was played for at least half its length, or for 240 seconds, counts as a play; one
skipped before 30 seconds counts as a skip; anything in between is neither. Scrobblers submit by the
same rule, but for the skip.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

PLAY_FRACTION = 0.5
PLAY_SECONDS = 240.0
SKIP_SECONDS = 30.0
SAME_PLAY_SECONDS = 60
"""Starts of plays of one recording by one listener within this time are one play."""

Tally = Counter[str]
"""Number of rows that a reader left out, by kind."""


class Listen(NamedTuple):
    """One row of an export.

    Attributes
    ----------
    artist, title, album : str
        Empty where unknown.
    timestamp : int or None
        Its start, seconds since 1970-01-01 UTC; None where the export only counts.
    seconds : float or None
        Time for which it was played.
    duration : float or None
        Length of the recording, s.
    finished : bool or None
        Whether it was played to its end.
    skipped : bool or None
        Whether the listener skipped to another.
    plays, skips : float
        Counts: 1 and 0 for a row that is one listen.
    rating : float or None
        From -1, disliked, to 1, liked.
    recording_mbid : str
        MusicBrainz id of the recording.
    path : str
        Of the file, in the other program.
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
