"""ListenBrainz: the zip of an account, with listens by month and feedback of loves and hates.

``listens/YYYY/M.jsonl`` has a listen on each line; the MusicBrainz mapping, where it is not null,
is more reliable than the player's ``additional_info``. ``feedback.jsonl`` has the ids of
recordings alone: their names are taken from the listens.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from audiorec.data.histories.export_files import Export, ExportFile
from audiorec.data.histories.field_values import mbid, number, parse_time, text
from audiorec.data.histories.listen import Listen, Tally
from audiorec.data.histories.stream_parsing import json_lines

TITLE = "ListenBrainz listens"
EXPORT = "listenbrainz.org/settings/export: 'Create export', then download the zip"
_LISTENS = re.compile(r"(.*/)?listens/\d{4}/\d{1,2}\.jsonl")


def recognise(member: ExportFile) -> bool:
    """Whether a file has this format."""
    if member.suffix != ".jsonl":
        return False
    return (
        member.base == "feedback.jsonl"
        or bool(_LISTENS.fullmatch(member.name))
        or b'"track_metadata"' in member.head()
    )


def read(export: Export, members: list[ExportFile], tally: Tally) -> Iterator[Listen]:
    """Every listen of the files, then every love and hate."""
    named: dict[str, Listen] = {}
    feedback = [member for member in members if member.base == "feedback.jsonl"]
    for member in members:
        if member in feedback:
            continue
        for row in json_lines(member, tally):
            event = _listen(row, tally)
            if event is None:
                continue
            listen, ids = event
            if feedback:
                named.update((id_, listen) for id_ in ids)
            yield listen
    for member in feedback:
        for row in json_lines(member, tally):
            score = row.get("score")
            recording = mbid(row.get("recording_mbid"))
            ids = [id_ for id_ in (recording, mbid(row.get("recording_msid"))) if id_]
            known = next((named[id_] for id_ in ids if id_ in named), None)
            if score not in (1, -1) or not ids:
                tally["loves and hates that cannot be read"] += 1
                continue
            if known is None and not recording:
                tally["loves and hates of recordings without a name"] += 1
                continue
            base = known or Listen(recording_mbid=recording)
            yield base._replace(timestamp=None, seconds=None, plays=0.0, rating=float(score))


def _listen(row: dict[str, Any], tally: Tally) -> tuple[Listen, list[str]] | None:
    about = row.get("track_metadata")
    about = about if isinstance(about, dict) else {}
    title = text(about.get("track_name"))
    if not title:
        tally["rows without a title"] += 1
        return None
    time = parse_time(row.get("listened_at"), tally)
    if time is None:
        return None
    info, mapping = about.get("additional_info"), about.get("mbid_mapping")
    info = info if isinstance(info, dict) else {}
    mapping = mapping if isinstance(mapping, dict) else {}
    milliseconds, seconds = number(info.get("duration_ms")), number(info.get("duration"))
    duration = milliseconds / 1e3 if milliseconds else seconds
    recording = mbid(mapping.get("recording_mbid")) or mbid(info.get("recording_mbid"))
    listen = Listen(
        text(about.get("artist_name")),
        title,
        text(about.get("release_name")),
        timestamp=time,
        duration=duration if duration and duration > 0 else None,
        recording_mbid=recording,
    )
    other = about.get("recording_msid") or row.get("recording_msid") or info.get("recording_msid")
    return listen, [id_ for id_ in (recording, mbid(other)) if id_]
