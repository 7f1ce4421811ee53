"""Matching of plays to tracks by the catalogue's names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from audiorec import artifacts
from audiorec.data.catalog import Catalog
from audiorec.data.names import Matcher, Recording, TrackName
from audiorec.data.plays.uncatalogued_names import NAMES
from audiorec.progress import Progress, silent
from audiorec.scan import read_recording_id
from audiorec.workspace import Workspace


def rematch_plays(workspace: Workspace, *, progress: Progress = silent) -> None:
    """Match plays stored by name to tracks that have these names by now."""
    plays = artifacts.load_valid(workspace.plays, kind="plays", check="manifest")
    if plays is None or NAMES not in plays.files:
        return
    # here: it loads polars, which starts threads
    from audiorec.data.plays import rematch_names

    rematch_names(workspace.plays, make_matcher(workspace, progress=progress))


def make_matcher(workspace: Workspace, *, progress: Progress = silent) -> Callable[[bool], Matcher]:
    """Return a cached factory of the name matcher; MusicBrainz ids are read only if needed."""
    made: dict[bool, Matcher] = {}

    def matcher(with_mbids: bool) -> Matcher:

        if True in made:
            return made[True]
        if with_mbids not in made:
            made[with_mbids] = Matcher(
                recordings(workspace, with_mbids=with_mbids, progress=progress)
            )
        return made[with_mbids]

    return matcher


def recordings(
    workspace: Workspace, *, with_mbids: bool, progress: Progress = silent
) -> list[Recording]:
    """Return the names of all tracks of the catalogue; none without a catalogue."""

    if not workspace.catalog.exists():
        return []
    with Catalog(workspace.catalog, read_only=True) as catalog:
        tracks = catalog.tracks(include_missing=True)
        unknown = catalog.without_credits() if with_mbids else frozenset()
    found = []
    for done, track in enumerate(tracks):
        mbid = track.recording_mbid
        if track.track_id in unknown:
            progress("read ids", done, len(tracks))
            mbid = read_recording_id(Path(track.path))
        name = TrackName(
            track.artist, track.title, track.album, track.duration or None, mbid, track.path
        )
        found.append(Recording(track.track_id, name))
    return found
