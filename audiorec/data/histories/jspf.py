"""JSPF: playlists as JSON, as exported by ListenBrainz; each is a listener, named by its file."""

from __future__ import annotations

import json
from collections.abc import Iterator

from audiorec.data.histories.export_files import Export, ExportFile
from audiorec.data.histories.listen import Listen, Tally
from audiorec.data.histories.stream_parsing import MAX_VALUE
from audiorec.data.histories.xspf import entry_of, list_name
from audiorec.exceptions import data_error

TITLE = "JSPF playlists"
EXPORT = "on a ListenBrainz playlist: Export > JSPF; each playlist counts as a listener"


def recognise(member: ExportFile) -> bool:
    """Whether a file has this format."""
    head = member.head()
    return member.suffix in (".jspf", ".json") and b'"playlist"' in head and b'"track"' in head


def read(export: Export, members: list[ExportFile], tally: Tally) -> Iterator[Listen]:
    """Every entry of the playlists."""
    for member in members:
        with member.open() as stream:
            raw = stream.read(MAX_VALUE + 1)
        if len(raw) > MAX_VALUE:
            raise data_error(member.where, "is larger than 64 MB", "export it in parts")
        try:
            value = json.loads(raw)
        except (ValueError, RecursionError) as error:
            line = getattr(error, "lineno", 1)
            raise data_error(
                f"{member.where}, line {line}:", "is no JSON", "export it again"
            ) from None
        lists = value.get("playlist") if isinstance(value, dict) else None
        tracks = lists.get("track") if isinstance(lists, dict) else None
        for track in tracks if isinstance(tracks, list) else []:
            ids = track.get("identifier") if isinstance(track, dict) else None
            ids = [ids] if isinstance(ids, str) else ids if isinstance(ids, list) else []
            entry = None
            if isinstance(track, dict):
                entry = entry_of(track, identifiers=[i for i in ids if isinstance(i, str)])
            if entry is None:
                tally["entries without a title or a file"] += 1
            else:
                yield entry._replace(user=list_name(member))
