"""Spotify: the extended streaming history, and the account data of the last year.

``Streaming_History_Audio_*.json`` (earlier ``endsong_*.json``) has everything since the account was
made; ``StreamingHistory_music_*.json`` has the last year, with the minute and without albums. In
both the time is the end of the listen, UTC. Podcasts, audiobooks, videos and private sessions are
left out; addresses and devices are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from audiorec.data.histories.export_files import Export, ExportFile
from audiorec.data.histories.field_values import number, parse_time, text
from audiorec.data.histories.listen import Listen, Tally
from audiorec.data.histories.stream_parsing import json_array

TITLE = "Spotify streaming history"
EXPORT = (
    "spotify.com/account/privacy: request 'Extended streaming history'; a link to the zip comes "
    "by mail in a few days ('Account data', the last year only, works too)"
)
_VIDEO = re.compile(r"Streaming_?History_Video_.*\.json", re.IGNORECASE)
_KEYS = (b'"master_metadata_track_name"', b'"msPlayed"')


def recognise(member: ExportFile) -> bool:
    """Whether a file has this format."""
    return member.suffix == ".json" and any(key in member.head() for key in _KEYS)


def read(export: Export, members: list[ExportFile], tally: Tally) -> Iterator[Listen]:
    """Every listen of the files."""
    for member in members:
        if _VIDEO.fullmatch(member.base):
            tally["videos"] += sum(1 for _ in json_array(member, tally))
            continue
        for row in json_array(member, tally):
            listen = (
                _short_history(row, tally) if "msPlayed" in row else _extended_history(row, tally)
            )
            if listen is not None:
                yield listen


def _extended_history(row: dict[str, Any], tally: Tally) -> Listen | None:
    if row.get("incognito_mode") is True:
        tally["private plays"] += 1
        return None
    title = text(row.get("master_metadata_track_name"))
    if not title:
        other = any(
            row.get(key)
            for key in ("episode_name", "spotify_episode_uri", "audiobook_title", "audiobook_uri")
        )
        tally["podcasts and audiobooks" if other else "rows without a title"] += 1
        return None
    milliseconds = number(row.get("ms_played"))
    if milliseconds is None or milliseconds < 0:
        tally["rows that cannot be read"] += 1
        return None
    seconds = milliseconds / 1e3
    time = parse_time(row.get("ts"), tally, offset=seconds)
    if time is None:
        return None
    reason = row.get("reason_end")
    skipped = row.get("skipped")
    return Listen(
        artist=text(row.get("master_metadata_album_artist_name")),
        title=title,
        album=text(row.get("master_metadata_album_album_name")),
        timestamp=time,
        seconds=seconds,
        finished=reason == "trackdone",
        skipped=bool(skipped) if isinstance(skipped, bool) else reason in ("fwdbtn", "backbtn"),
    )


def _short_history(row: dict[str, Any], tally: Tally) -> Listen | None:
    title, milliseconds = text(row.get("trackName")), number(row.get("msPlayed"))
    if not title:
        tally["podcasts and audiobooks" if row.get("podcastName") else "rows without a title"] += 1
        return None
    if milliseconds is None or milliseconds < 0:
        tally["rows that cannot be read"] += 1
        return None
    seconds = milliseconds / 1e3
    time = parse_time(row.get("endTime"), tally, offset=seconds)
    if time is None:
        return None
    return Listen(text(row.get("artistName")), title, timestamp=time, seconds=seconds)
