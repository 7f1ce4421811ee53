"""Apple: ``Apple Music Play Activity.csv`` of the privacy export, up to 140 columns wide.

One listen takes several rows, which overlap in time; those of radio have no length, and some have
no song. The artist's name is often missing: it is then that of the container, or that of the title
in ``Play History Daily Tracks`` of the same export. Times are UTC, whatever the listener's clock
has in ``UTC Offset In Seconds``. Places, addresses and devices, which it also has, are not read.
"""

from __future__ import annotations

from collections.abc import Iterator

from audiorec.data.histories.export_files import Export, ExportFile
from audiorec.data.histories.field_values import number, parse_time, text
from audiorec.data.histories.listen import Listen, Tally
from audiorec.data.histories.stream_parsing import csv_dicts

TITLE = "Apple Music play activity"
EXPORT = (
    "privacy.apple.com: 'Request a copy of your data', tick 'Apple Media Services information'; "
    "the zip comes in a few days"
)
_ACTIVITY = b"Event Start Timestamp"
_DAILY = b"Track Description"
_VARIOUS = ("", "various artists")
_ENDED = "NATURAL_END_OF_TRACK"
_WENT_ON = ("TRACK_SKIPPED_FORWARDS", "MANUALLY_SELECTED_PLAYBACK_OF_A_DIFF_ITEM")


def recognise(member: ExportFile) -> bool:
    """Whether a file has this format."""
    if member.suffix != ".csv":
        return False
    head = member.head().split(b"\n", 1)[0]
    return (_ACTIVITY in head and b"Song Name" in head) or _is_daily(member)


def _is_daily(member: ExportFile) -> bool:
    head = member.head().split(b"\n", 1)[0]
    return _DAILY in head and b"Play Duration Milliseconds" in head


def read(export: Export, members: list[ExportFile], tally: Tally) -> Iterator[Listen]:
    """Every listen of the activity; of daily counts where there is no activity."""
    daily = [member for member in members if _is_daily(member)]
    activity = [member for member in members if member not in daily]
    if not activity:
        for member in daily:
            yield from _daily_tracks(member, tally)
        return
    artists = _artists(daily)
    for member in activity:
        yield from _play_activity(member, artists, tally)


def _play_activity(member: ExportFile, artists: dict[str, str], tally: Tally) -> Iterator[Listen]:
    required_columns = ("Song Name", "Event Start Timestamp", "Play Duration Milliseconds")
    for row in csv_dicts(member, tally, required_columns=required_columns):
        kind = f"{row.get('Media Type', '')} {row.get('Item Type', '')}".upper()
        event = row.get("Event Type", "PLAY_END").upper()
        title = text(row["Song Name"])
        if "VIDEO" in kind:
            tally["videos"] += 1
        elif event not in ("PLAY_END", ""):
            tally["rows of another event than a play's end"] += 1
        elif not title:
            tally["rows without a title"] += 1
        elif not (played := number(row["Play Duration Milliseconds"])) or played < 0:
            tally["rows of no length"] += 1
        else:
            listen = _listen(row, title, played / 1e3, artists, tally)
            if listen is not None:
                yield listen


def _listen(
    row: dict[str, str], title: str, seconds: float, artists: dict[str, str], tally: Tally
) -> Listen | None:
    start = row["Event Start Timestamp"]
    end = row.get("Event End Timestamp") or row.get("Event Received Timestamp")
    time = parse_time(start, tally) if start else parse_time(end or None, tally, offset=seconds)
    if time is None:
        return None
    length = number(row.get("Media Duration In Milliseconds"))
    container = text(row.get("Container Artist Name"))
    artist = text(row.get("Artist Name")) or artists.get(title.casefold(), "")
    if not artist and container.lower() not in _VARIOUS:
        artist = container
    reason = row.get("End Reason Type", "")
    return Listen(
        artist,
        title,
        text(row.get("Album Name")) or text(row.get("Container Album Name")),
        timestamp=time,
        seconds=seconds,
        duration=length / 1e3 if length and length > 0 else None,
        finished=reason == _ENDED or None,
        skipped=reason in _WENT_ON,
    )


def _artists(daily: list[ExportFile]) -> dict[str, str]:
    """Artist of each title that a single artist has, by the title in lower case."""
    artists: dict[str, str] = {}
    for member in daily:
        for row in csv_dicts(member, Tally(), required_columns=("Track Description",)):
            artist, dash, title = text(row["Track Description"]).partition(" - ")
            if dash and artists.setdefault(title.casefold(), artist) != artist:
                artists[title.casefold()] = ""
    return artists


def _daily_tracks(member: ExportFile, tally: Tally) -> Iterator[Listen]:
    required_columns = ("Track Description", "Play Duration Milliseconds")
    for row in csv_dicts(member, tally, required_columns=required_columns):
        artist, dash, title = text(row["Track Description"]).partition(" - ")
        played = number(row["Play Duration Milliseconds"])
        if not dash or not played or played < 0:
            tally["rows of no length" if dash else "rows without a title"] += 1
            continue
        skips = number(row.get("Skip Count")) or 0.0
        yield Listen(artist, title, seconds=played / 1e3, skipped=skips > 0)
