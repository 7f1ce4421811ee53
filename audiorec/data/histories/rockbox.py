"""Rockbox and other players: ``.scrobbler.log``, the log of Audioscrobbler players.

Its fields, separated by tabs, are artist, album, title, number, length in seconds, L (listened) or
S (skipped), time and MusicBrainz id. With ``#TZ/UNKNOWN`` the time is that of the player's clock,
which is assumed to be in this machine's local time; 0 is a player without a clock, whose plays are
counted without a time.
"""

from __future__ import annotations

from collections.abc import Iterator

from audiorec.data.histories.export_files import Export, ExportFile
from audiorec.data.histories.field_values import (
    local_to_utc,
    mbid,
    number,
    parse_time,
    path_text,
    text,
)
from audiorec.data.histories.listen import Listen, Tally
from audiorec.data.histories.stream_parsing import lines

TITLE = "Rockbox scrobbler log"
EXPORT = "copy .scrobbler.log (or .rockbox/playback.log's scrobbler log) from the player's disk"
UNTAGGED = "<untagged>"


def recognise(member: ExportFile) -> bool:
    """Whether a file has this format."""
    head = member.head().removeprefix(b"\xef\xbb\xbf")
    return member.suffix in (".log", ".txt") and head.startswith(b"#AUDIOSCROBBLER/1.")


def read(export: Export, members: list[ExportFile], tally: Tally) -> Iterator[Listen]:
    """Every line of the logs."""
    for member in members:
        local = True
        for line in lines(member, tally):
            if line.startswith("#"):
                if line.startswith("#TZ/"):
                    local = line[4:].strip().upper() != "UTC"
            elif line.strip():
                listen = _listen(line.split("\t"), tally, local=local)
                if listen is not None:
                    yield listen


def _listen(cells: list[str], tally: Tally, *, local: bool) -> Listen | None:
    mark = cells[5].strip().upper() if len(cells) >= 7 else ""
    if mark not in ("L", "S"):
        tally["lines of another shape"] += 1
        return None
    artist, album, title = (text(cell) for cell in cells[:3])
    if not title:
        tally["rows without a title"] += 1
        return None
    time: int | None = None
    clock = number(cells[6])
    if clock:
        time = parse_time(local_to_utc(clock) if local else clock, tally)
        if time is None:
            return None
    else:
        tally["plays without a clock, counted without a time"] += 1
    untagged = artist.lower() == UNTAGGED
    length = number(cells[4])
    return Listen(
        "" if untagged else artist,
        title,
        "" if album.lower() == UNTAGGED else album,
        timestamp=time,
        duration=length if length and length > 0 else None,
        finished=mark == "L" or None,
        skipped=mark == "S",
        recording_mbid=mbid(cells[7]) if len(cells) > 7 else "",
        path=path_text(cells[2].strip()) if untagged else "",
    )
