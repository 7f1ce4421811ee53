"""Tracks as pages list them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from audiorec.data.catalog.records import Track
from audiorec.recommend.library import Library
from audiorec.recommend.results import Hit
from audiorec.serve.media import content_type, is_playable
from audiorec.serve.pages.render import PageRequest
from audiorec.serve.summaries import play_summary

MOST_ROWS = 500


class Row(NamedTuple):
    """A track in a list.

    Attributes
    ----------
    track : Track
    type : str
        MIME type of its file.
    playable : bool
        Whether browsers of today play it.
    liked, disliked : bool
    cold : bool
        Whether nobody's listening to it is known.
    reason : str
    percentile : float or None
    """

    track: Track
    type: str
    playable: bool
    liked: bool
    disliked: bool
    cold: bool
    reason: str = ""
    percentile: float | None = None


def rows_of(
    library: Library,
    asked: PageRequest,
    tracks: Sequence[Track],
    *,
    reasons: Sequence[str] = (),
    percentiles: Sequence[float | None] = (),
) -> list[Row]:
    """Rows of tracks, with what the listener who asks has said of them."""
    opinions = asked.state.listening.opinions(asked.user)
    heard = play_summary(library.workspace).tracks
    rows = []
    for number, track in enumerate(tracks):
        said = opinions.get(track.track_id)
        rows.append(
            Row(
                track,
                content_type(track),
                is_playable(track),
                said is not None and said.liked,
                said is not None and said.disliked,
                bool(heard) and track.track_id not in heard,
                reasons[number] if reasons else "",
                percentiles[number] if percentiles else None,
            )
        )
    return rows


def rows_of_hits(
    library: Library, asked: PageRequest, hits: Sequence[Hit], *, reasons: Sequence[str] = ()
) -> list[Row]:
    """Rows of an answer."""
    return rows_of(
        library,
        asked,
        tracks_of(library, [hit.track_id for hit in hits]),
        reasons=reasons,
        percentiles=[hit.percentile for hit in hits],
    )


def tracks_of(library: Library, ids: Iterable[str]) -> list[Track]:
    """Tracks of ids, in their order; one that is not catalogued has no file."""
    wanted = list(ids)
    found = library.catalog.get_many(wanted)
    return [found.get(id_) or library.track(id_) for id_ in wanted]


def rows_part(library: Library, asked: PageRequest) -> dict[str, Any]:
    """Rows of the tracks whose ids are asked for, for a script to put into a list."""
    found = library.catalog.get_many(asked.params.getlist("id")[:MOST_ROWS])
    tracks = [found[id_] for id_ in asked.params.getlist("id")[:MOST_ROWS] if id_ in found]
    return {
        "rows": rows_of(library, asked, tracks, reasons=[asked.text("reason")] * len(tracks)),
        "style": asked.text("style", "plain"),
    }
