"""Answer a query about a session: from names to tracks with their titles."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from audiorec.data import excluded_tracks, exclusion_test, load_exclusions
from audiorec.data.catalog import Catalog, Track
from audiorec.data.plays import PlayedNames
from audiorec.exceptions import AmbiguousNameError, NotFoundError
from audiorec.sessions.session_recommender import (
    MAX_EVENTS,
    Ranking,
    SessionRecommender,
    SessionTrack,
)
from audiorec.workspace import Workspace

BATCH = 200  # tracks read from the catalogue at a time

EmbedFile = Callable[[Path, Catalog], SessionTrack]
"""Embeds the audio of a file that is not in the catalogue."""


class SessionHit(NamedTuple):
    """A candidate for the next track.

    Attributes
    ----------
    rank : int
        From 1.
    track_id : str
    score : float
        Higher is better, within one model.
    artist, title, path : str
        Empty where unknown.
    """

    rank: int
    track_id: str
    score: float
    artist: str
    title: str
    path: str


class SessionAnswer(NamedTuple):
    """Recommended next tracks of a session, with the model that answered.

    Attributes
    ----------
    hits : list of SessionHit
    session : tuple of str
        Ids of the tracks in the query.
    model : str
        The model that answered.
    unknown : tuple of str
        Tracks of the session that the model does not know.
    n_earlier : int
        Number of tracks too long ago to count.
    n_tracks : int
        Number of tracks that could be recommended.
    stale : str
        See `SessionRecommender.stale`.
    """

    hits: list[SessionHit]
    session: tuple[str, ...]
    model: str
    unknown: tuple[str, ...]
    n_earlier: int
    n_tracks: int
    stale: str


class _Names:
    """Tracks of a session, by name."""

    def __init__(
        self,
        workspace: Workspace,
        opened: SessionRecommender,
        embed: EmbedFile | None,
        *,
        files: bool,
    ) -> None:
        self._opened, self._embed, self._files = opened, embed, files
        has_catalog = workspace.catalog.is_file()
        self.catalog = Catalog(workspace.catalog, read_only=True) if has_catalog else None
        self.played = PlayedNames(workspace.plays)
        self._found: dict[str, SessionTrack] = {}

    def track(self, name: str) -> SessionTrack:
        """Look up the track of a name; raises `NotFoundError` or `AmbiguousNameError`."""
        if name not in self._found:
            self._found[name] = self._look_up(name)
        return self._found[name]

    def _look_up(self, name: str) -> SessionTrack:
        if self._opened.has(name):
            return SessionTrack(name)
        if self._files and os.path.isfile(name):  # noqa: PTH113 - pathlib raises for names too long for a file
            return self._file(Path(name).absolute())
        unknown = NotFoundError(f"no session has a track {name!r}; name its id as in the plays")
        if self.catalog is not None:
            try:
                return SessionTrack(self.catalog.find(name).track_id)
            except AmbiguousNameError:
                raise
            except NotFoundError as error:
                unknown = error
        if found := self._played(name):
            return SessionTrack(found)
        raise unknown

    def _played(self, name: str) -> str:
        """Id of a track that is known from listening alone; empty if none has the name."""
        ids = self.played.ids_by_name(name)
        if len(ids) > 1:
            listed = f"{', '.join(ids[:3])}{', ...' if len(ids) > 3 else ''}"
            raise AmbiguousNameError(f"{name!r} is {len(ids)} tracks; name one by its id: {listed}")
        return ids[0] if ids else ""

    def _file(self, path: Path) -> SessionTrack:
        """Look up a file: a track of the catalogue, a copy of one, or one to be embedded."""
        track = self.catalog.at(path) if self.catalog is not None else None
        if track is not None:
            return SessionTrack(track.track_id)
        if self.catalog is None or self._embed is None:
            raise NotFoundError(
                f"{path} is in no session and in no catalogue; scan it, or name other tracks"
            )
        return self._embed(path, self.catalog)


def answer_session(
    workspace: Workspace,
    names: Sequence[str],
    *,
    skipped: Sequence[str] = (),
    k: int = 10,
    model: str = "auto",
    without_audio: bool = False,
    embed: EmbedFile | None = None,
    files: bool = True,
) -> SessionAnswer:
    """Recommend the next tracks after some named ones.

    Parameters
    ----------
    workspace : Workspace
    names : sequence of str
        Oldest first: ids, ``"Artist - Title"``, titles, or files.
    skipped : sequence of str
        Skipped ones, among `names` or after them.
    k : int
    model : str
        See `SessionRecommender.rank`.
    without_audio : bool
        Whether tracks without a catalogued file may be recommended.
    embed : callable, optional
        Embeds a file that is not in the catalogue; without it such a file is unknown.
    files : bool
        Whether a name may be the path of a file.

    Raises
    ------
    NotFoundError, AmbiguousNameError
        If a name matches no track, or several; or no track is known to the model.
    ArtifactError
        If there are no session models.
    """
    opened = SessionRecommender(workspace)
    resolver = _Names(workspace, opened, embed, files=files)
    broken_off = {resolver.track(name).track_id for name in skipped}
    session = [resolver.track(name) for name in names]
    session += [t for t in map(resolver.track, skipped) if t.track_id not in _ids(session)]
    session = [track._replace(skipped=track.track_id in broken_off) for track in session]
    ranking = opened.rank(session, model=model)
    catalog = resolver.catalog
    if catalog is None or not len(catalog):
        without_audio = True
    played = resolver.played if without_audio else None
    hits = _hits(ranking, catalog, workspace, k=k, excluded=_ids(session), played=played)
    n_tracks = len(ranking.ids) if without_audio or catalog is None else len(catalog)
    return SessionAnswer(
        hits,
        tuple(track.track_id for track in session),
        ranking.model,
        ranking.unknown,
        n_earlier=max(0, len(session) - MAX_EVENTS),
        n_tracks=n_tracks,
        stale=opened.stale,
    )


def _ids(session: Sequence[SessionTrack]) -> set[str]:
    return {track.track_id for track in session}


def _hits(
    ranking: Ranking,
    catalog: Catalog | None,
    workspace: Workspace,
    *,
    k: int,
    excluded: Collection[str],
    played: PlayedNames | None,
) -> list[SessionHit]:
    """The best candidates, no two of them the same recording.

    With `played`, tracks known from listening alone are candidates too, with or without a name.
    """
    groups = catalog.duplicate_groups() if catalog is not None else {}
    hidden: Collection[str] = ()
    rules = load_exclusions(workspace.exclusions)
    hides = exclusion_test(rules)
    if catalog is not None:
        hidden = excluded_tracks(catalog, rules)
    taken = {groups[id_] for id_ in excluded if id_ in groups}
    gone = {*excluded, *hidden}
    hits: list[SessionHit] = []
    best = ranking.best()
    while batch := list(islice(best, max(k, BATCH))):
        tracks = catalog.get_many([id_ for id_, _ in batch]) if catalog is not None else {}
        if played is not None and (others := {id_ for id_, _ in batch}.difference(tracks)):
            named = played.tracks(others)
            tracks |= named
            gone.update(id_ for id_, track in named.items() if hides(track))
        for track_id, score in batch:
            track, group = tracks.get(track_id), groups.get(track_id)
            if track_id in gone or (group is not None and group in taken):
                continue
            if played is None and not _has_audio(track):
                continue
            if group is not None:
                taken.add(group)
            hits.append(_hit(len(hits) + 1, track_id, score, track))
            if len(hits) == k:
                return hits
    return hits


def _has_audio(track: Track | None) -> bool:
    # A track without a file has its id as its path.
    return track is not None and not track.missing and track.path != track.track_id


def _hit(rank: int, track_id: str, score: float, track: Track | None) -> SessionHit:
    if track is None:
        return SessionHit(rank, track_id, score, "", "", "")
    path = track.path if track.path != track.track_id else ""
    return SessionHit(rank, track_id, score, track.artist, track.title, path)
