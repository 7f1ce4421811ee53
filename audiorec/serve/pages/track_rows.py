"""Rows of track lists on the pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from audiorec.data.catalog import Track
from audiorec.recommend import Hit, Library
from audiorec.serve.media import content_type, is_playable
from audiorec.serve.pages.render import PageRequest
from audiorec.serve.workspace_counts import play_summary

MOST_ROWS = 500


class TrackRow(NamedTuple):
    """A track in a list.

    Attributes
    ----------
    track : Track
    type : str
        MIME type of its file.
    playable : bool
        Whether current browsers play it.
    liked, disliked : bool
    cold : bool
        Whether no plays of it are known.
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
    page_request: PageRequest,
    tracks: Sequence[Track],
    *,
    reasons: Sequence[str] = (),
    percentiles: Sequence[float | None] = (),
) -> list[TrackRow]:
    """Make the rows of tracks, with the requesting listener's opinions of them."""
    opinions = page_request.state.listening.opinions(page_request.user)
    played = play_summary(library.workspace).tracks
    rows = []
    for number, track in enumerate(tracks):
        said = opinions.get(track.track_id)
        rows.append(
            TrackRow(
                track,
                content_type(track),
                is_playable(track),
                said is not None and said.liked,
                said is not None and said.disliked,
                bool(played) and track.track_id not in played,
                reasons[number] if reasons else "",
                percentiles[number] if percentiles else None,
            )
        )
    return rows


def rows_of_hits(
    library: Library, page_request: PageRequest, hits: Sequence[Hit], *, reasons: Sequence[str] = ()
) -> list[TrackRow]:
    """Make the rows of an answer."""
    return rows_of(
        library,
        page_request,
        tracks_of(library, [hit.track_id for hit in hits]),
        reasons=reasons,
        percentiles=[hit.percentile for hit in hits],
    )


def tracks_of(library: Library, ids: Iterable[str]) -> list[Track]:
    """Return the tracks of ids, in order; an uncatalogued one has no file."""
    wanted = list(ids)
    found = library.catalog.get_many(wanted)
    return [found.get(id_) or library.track(id_) for id_ in wanted]


def rows_part(library: Library, page_request: PageRequest) -> dict[str, Any]:
    """Render rows of the requested ids, for a script to insert into a list."""
    found = library.catalog.get_many(page_request.params.getlist("id")[:MOST_ROWS])
    tracks = [found[id_] for id_ in page_request.params.getlist("id")[:MOST_ROWS] if id_ in found]
    return {
        "rows": rows_of(
            library, page_request, tracks, reasons=[page_request.text("reason")] * len(tracks)
        ),
        "style": page_request.text("style", "plain"),
    }
