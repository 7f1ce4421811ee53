"""Columns of the catalogue's tables, and conversion of tracks to rows and back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from audiorec.data.catalog.records import CREDITS, Track, path_from, stored_path

DETAILS = ("number", "guessed")  # in a table of their own, which older catalogues lack
OWN_COLUMNS = tuple(f.name for f in fields(Track) if f.name not in (*DETAILS, *CREDITS))
COLUMNS = (*OWN_COLUMNS, *DETAILS, "credits")
detail = "(SELECT {} FROM details WHERE details.track_id = tracks.track_id)".format
_CREDITS = "(SELECT fields FROM credits WHERE credits.track_id = tracks.track_id)"
TRACK_COLUMNS = ", ".join([*OWN_COLUMNS, *map(detail, DETAILS), _CREDITS])
FACTS = {
    **{name: name for name in ("artist", "album", "year", "genre", "duration", "path")},
    "changed": f"max(mtime_ns, coalesce({detail('ctime_ns')}, 0))",
}
"""Columns for filters, as SQL; `changed` is the time of the file's last change (ns since 1970)."""


def own_values(track: Track) -> list[Any]:
    """Values of a track in the table of tracks, in the order of `OWN_COLUMNS`."""
    values = {name: getattr(track, name) for name in OWN_COLUMNS}
    return list({**values, "path": stored_path(track.path)}.values())


def track_of(row: Sequence[Any]) -> Track:
    """Make a track of a row of `TRACK_COLUMNS`."""
    values = dict(zip(COLUMNS, row, strict=True))
    guessed = tuple((values["guessed"] or "").split())
    path, missing = path_from(values["path"]), bool(values["missing"])
    more = json.loads(values.pop("credits") or "{}")
    return Track(**{**values, **more, "path": path, "missing": missing, "guessed": guessed})


def credits_of(track: Track) -> str:
    """Nonempty values of a track in the table of credits, as JSON."""
    known = {name: value for name in CREDITS if (value := getattr(track, name))}
    return json.dumps(known, ensure_ascii=False)
