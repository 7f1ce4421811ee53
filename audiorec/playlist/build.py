"""Playlists from a library: built by kind and length, and saved."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np

from audiorec.data.names import split_title
from audiorec.data.playlist_files import PathMap
from audiorec.exceptions import NotFoundError, ParameterError
from audiorec.playlist.entries import Pick, Playlist, PlaylistEntry
from audiorec.playlist.kinds.registry import chooser
from audiorec.playlist.option_values import Kind
from audiorec.playlist.recent_playlists import record_playlist
from audiorec.playlist.request import PlaylistRequest
from audiorec.playlist.source import TrackSource
from audiorec.playlist.writers import NO_PREVIEWS, WriteReport, write_playlist
from audiorec.recommend import Hit, Library, ScoredTrack, find_previews
from audiorec.recommend.results import make_hit

ROUNDS = 6  # of lengthening or shortening towards the requested minutes
EXCHANGES = 64  # neighbours of a track tried as substitutes to match the total length


def build_playlist(library: Library, request: PlaylistRequest, *, key: str = "") -> Playlist:
    """Build a playlist from the tracks of a library.

    Parameters
    ----------
    library : Library
    request : PlaylistRequest
    key : str
        Key of the recipe, whose own last playlist does not count as a recent one.

    Returns
    -------
    playlist : Playlist
        Of exactly the requested length; if the library has too few matching tracks, a note says
        so.

    Raises
    ------
    NotFoundError, AmbiguousNameError, ParameterError, DataError
        If a seed, a listener or a filter matches nothing, or they contradict each other.
    """
    source = TrackSource(library, request, key=key)
    choose = chooser(request.kind).choose
    if request.minutes is None:
        picks = choose(source, request.n_tracks)
        short = request.n_tracks - len(picks)
        if short > 0 and request.kind != "reorder" and not request.like_last:
            source.note(
                f"only {len(picks)} of {request.n_tracks} tracks: the library holds no more "
                "that fit; widen the filters, lower the window or the limits, or add music"
            )
    else:
        picks = _of_minutes(source, request.minutes)
    if not picks:
        raise NotFoundError("no track fits what was asked for; widen the filters, or add music")
    return _as_playlist(source, picks)


def _of_minutes(source: TrackSource, minutes: float) -> list[Pick]:
    """Choose tracks of a total duration, within half the median duration of one."""
    choose = chooser(source.request.kind).choose
    wanted = 60.0 * minutes
    least = len(source.seeds.ids) if source.request.kind == "path" else 1
    n = max(least, round(minutes / 4))
    best: list[Pick] = []
    tried: set[int] = set()
    for _ in range(ROUNDS):
        tried.add(n)
        notes = list(source.notes)
        picks = choose(source, n)
        lengths = _lengths(source, picks)
        if not best or abs(sum(lengths) - wanted) < abs(sum(_lengths(source, best)) - wanted):
            best = picks
        step = round((wanted - sum(lengths)) / median(lengths))
        n = max(least, n + step)
        if not step or len(picks) < min(tried, key=lambda k: abs(k - n)) or n in tried:
            break
        source.notes[:] = notes
    best = _exchanged(source, best, wanted)
    lengths = _lengths(source, best)
    if abs(sum(lengths) - wanted) > median(lengths) / 2:
        source.note(
            f"{sum(lengths) / 60:.1f} of {minutes:g} minutes: no other tracks that fit come nearer"
        )
    return best


def _lengths(source: TrackSource, picks: Sequence[Pick]) -> list[float]:
    """Return durations of tracks (s); of an unknown one, the median of the others."""
    given = [source.track(pick.track_id).duration for pick in picks]
    known = [seconds for seconds in given if seconds > 0]
    if not known:
        raise ParameterError("no track's length is known, so minutes cannot be met; give length")
    return [seconds if seconds > 0 else median(known) for seconds in given]


def _exchanged(source: TrackSource, picks: list[Pick], wanted: float) -> list[Pick]:
    """Substitute one track by a neighbour of it, to match the total duration."""
    lengths = _lengths(source, picks)
    off = wanted - sum(lengths)
    if abs(off) <= median(lengths) / 2 or source.request.kind in ("arc", "path"):
        return picks
    own = set(source.own)
    used = {source.group(pick.track_id) for pick in picks}
    for place in reversed(range(len(picks))):
        if picks[place].track_id in own:
            continue
        unit = source.units([picks[place].track_id])
        near = source.search(unit, EXCHANGES, exclude=[pick.track_id for pick in picks])[0].ids
        around = picks[max(0, place - source.request.artist_window + 1) :][
            : 2 * max(1, source.request.artist_window)
        ]
        artists = {source.track(pick.track_id).artist_key for pick in around}
        for id_ in near:
            track = source.track(id_)
            left = abs(off + lengths[place] - track.duration)
            if (
                track.duration > 0
                and left <= median(lengths) / 2
                and source.group(id_) not in used
                and track.artist_key not in artists
            ):
                return [*picks[:place], Pick(id_, picks[place].reason), *picks[place + 1 :]]
    return picks


def _as_playlist(source: TrackSource, picks: Sequence[Pick]) -> Playlist:
    ids = [pick.track_id for pick in picks]
    source.note_clashes(ids)
    units = source.units(ids)
    seeds = source.seed_units if source.seeds.ids else units[:1]
    scores = (units @ seeds.T).max(axis=1)
    steps = 1 - np.sum(units[1:] * units[:-1], axis=1)
    reasons = _with_versions(source, picks)
    distances = [None, *(round(float(step), 4) for step in steps)]
    entries = [
        PlaylistEntry(
            make_hit(rank, ScoredTrack(pick.track_id, float(score)), source.track(pick.track_id)),
            reason,
            distance,
        )
        for rank, (pick, score, reason, distance) in enumerate(
            zip(picks, scores, reasons, distances, strict=True), start=1
        )
    ]
    seconds = sum(source.track(id_).duration for id_ in ids)
    return Playlist(tuple(entries), tuple(source.notes), tuple(source.seeds.ids), seconds)


def _with_versions(source: TrackSource, picks: Sequence[Pick]) -> list[str]:
    """Add to the reasons the other tracks of the same title: likely versions of one song."""
    first: dict[str, str] = {}
    for id_ in source.seeds.ids:
        first.setdefault(split_title(source.track(id_).title).base, id_)
    reasons = []
    for pick in picks:
        title = split_title(source.track(pick.track_id).title).base
        other = first.setdefault(title, pick.track_id) if title else pick.track_id
        is_version = other != pick.track_id
        likely = f"; likely a version of the song of {source.name(other)}" if is_version else ""
        reasons.append(pick.reason + likely)
    return reasons


def save_playlist(
    library: Library,
    hits: Sequence[Hit],
    file: Path | None = None,
    *,
    format_: str = "m3u8",
    relative: bool = True,
    title: str | None = None,
    path_map: Sequence[PathMap] = (),
    preview: bool = False,
    key: str = "",
    kind: Kind = "near",
) -> WriteReport:
    """Write a playlist file, and record it as a recent playlist.

    Parameters
    ----------
    library : Library
    hits : sequence of Hit
    file : Path, optional
        By default named after the first track and the kind, in the workspace's ``playlists/``.
    format_ : str
        One of `audiorec.playlist.writers.WRITERS`.
    relative : bool
        Whether paths are relative to the playlist's folder, else absolute.
    title : str, optional
    path_map : sequence of PathMap
        Names of folders on the playing machine; for absolute paths.
    preview : bool
        Whether to play 15 s of each track; for M3U8 and JSON.
    key : str
        See `build_playlist`.
    kind : str
        Part of the default name, unless it is "near".
    """
    if not hits:
        raise ParameterError("hits=[] has no track to write; add a seed")
    if file is None:
        of_kind = "" if kind == "near" else f"-{kind}"
        name = f"{hits[0].track_id.rpartition('/')[2]}{of_kind}.{format_}"
        file = library.workspace.playlists / name
    tracks = [library.track(hit.track_id) for hit in hits]
    written = write_playlist(
        tracks,
        file,
        format_=format_,
        title=title,
        paths="relative" if relative and not path_map else "absolute",
        path_map=path_map,
        previews=find_previews(library.workspace, tracks) if preview else NO_PREVIEWS,
    )
    record_playlist(library.workspace, [hit.track_id for hit in hits], key=key)
    return written
