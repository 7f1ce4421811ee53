"""Next tracks from a workspace's session models: numpy alone, for a fast start."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from audiorec import artifacts
from audiorec.exceptions import ArtifactError, NotFoundError
from audiorec.sessions.base import SessionModel
from audiorec.sessions.store import MODELS, StoredModels
from audiorec.workspace import Workspace

MAX_EVENTS = 500
"""Number of latest events of a session that count."""


class SessionTrack(NamedTuple):
    """A track of the session so far.

    Attributes
    ----------
    track_id : str
    skipped : bool
    vector : np.ndarray [shape=(d,)], float32, or None
        Content vector of a file that is not a track of the catalogue.
    """

    track_id: str
    skipped: bool = False
    vector: np.ndarray | None = None


class NextTrack(NamedTuple):
    """A candidate for the next track, and its score: higher is better, within one model."""

    track_id: str
    score: float


class Ranking(NamedTuple):
    """All tracks with their scores as the next track.

    Attributes
    ----------
    model : str
        The model that answered.
    ids : np.ndarray [shape=(n,)], str
    scores : np.ndarray [shape=(n,)], float32
    unknown : tuple of str
        Tracks of the session that the model does not know.
    """

    model: str
    ids: np.ndarray
    scores: np.ndarray
    unknown: tuple[str, ...] = ()

    def best(self) -> Iterator[NextTrack]:
        """Tracks, best first; equal scores in the order of their ids."""
        n = min(1000, len(self.scores))
        # Most callers need few: the first are sorted separately.
        threshold = np.partition(self.scores, -n)[-n] if n else 0.0
        for above in (self.scores >= threshold, self.scores < threshold):
            rows = np.flatnonzero(above)
            for row in rows[np.argsort(-self.scores[rows], kind="stable")].tolist():
                yield NextTrack(str(self.ids[row]), float(self.scores[row]))


class SessionRecommender:
    """Session models of a workspace, opened for answering.

    Parameters
    ----------
    workspace : Workspace

    Raises
    ------
    ArtifactError
        If there are none, or they are of another content model than the workspace's.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.stored = StoredModels(workspace.sessions)
        made_with = self.stored.manifest.inputs.get("model")
        self._embeddings = artifacts.load_valid(workspace.embeddings, kind="embeddings")
        now = None if self._embeddings is None else content_fingerprint(self._embeddings)
        if made_with is not None and made_with != now:
            raise ArtifactError(
                f"the session models in {workspace.sessions} are of other content vectors than "
                f"those in {workspace.embeddings}; run 'audiorec sessions'"
            )

    @property
    def stale(self) -> str:
        """Imports since the models were trained, in one line; empty if there were none."""
        plays = artifacts.load_valid(self.workspace.plays, kind="plays", check="manifest")
        if plays is None or plays.fingerprint == self.stored.manifest.inputs.get("plays"):
            return ""
        return "plays are newer than the model; run 'audiorec run' to include them"

    def has(self, track_id: str) -> bool:
        """Whether a track is known to the models: by sessions, or by content."""
        return self.stored.row(track_id) is not None or track_id in self._added

    @cached_property
    def _added(self) -> dict[str, int]:
        """Tracks with content that were added since the models were trained, by row."""
        stored = self.stored
        if self._embeddings is None or stored.content_space is None:
            return {}
        if self._embeddings.fingerprint == stored.manifest.extra.get("embeddings"):
            return {}
        ids = artifacts.load_array(self.workspace.embeddings, self._embeddings, "ids")
        rows = np.flatnonzero(~np.isin(ids, stored.ids))
        return {str(ids[row]): int(row) for row in rows}

    @cached_property
    def _added_items(self) -> np.ndarray:
        """Embedding and bias of each of them : np.ndarray [shape=(n_added, dim + 1)]."""
        rows = list(self._added.values())
        gru, space = self.stored.gru, self.stored.content_space
        if not rows or space is None or gru.project is None or self._embeddings is None:
            return np.zeros((0, gru.dim + 1), dtype=np.float32)
        vectors = artifacts.load_array(self.workspace.embeddings, self._embeddings, "vectors")
        return gru.embed_content(space.features(vectors[rows]))

    def rank(self, session: Sequence[SessionTrack], *, model: str = "auto") -> Ranking:
        """Score all tracks as the next track.

        Parameters
        ----------
        session : sequence of SessionTrack
            Oldest first; at most the latest `MAX_EVENTS` count.
        model : str
            "auto", or one of `audiorec.sessions.store.MODELS`. Auto is the best one on the last
            days, or GRU4Rec if it knows the session by content alone.

        Raises
        ------
        NotFoundError
            If no track of the session is known to the model.
        """
        if not session:
            raise NotFoundError("the session has no track; name what was played, oldest first")
        session = session[-MAX_EVENTS:]
        name = self._choose(session) if model == "auto" else model
        opened = self.stored.model(name)
        ranking = (
            self._rank_gru(session) if name == "gru4rec" else self._rank_other(session, opened)
        )
        if len(ranking.unknown) == len(session):
            some = ", ".join(repr(id_) for id_ in ranking.unknown[:3])
            raise NotFoundError(
                f"no track of the session is known to {name} ({some}); name tracks that sessions "
                "have or that were embedded, or import plays and run 'audiorec run'"
            )
        return ranking

    def _choose(self, session: Sequence[SessionTrack]) -> str:
        default = self.stored.default
        played = [track for track in session if not track.skipped] or list(session)
        if any(self.stored.played_row(track.track_id) is not None for track in played):
            return default
        return "gru4rec" if self.stored.content_space is not None else default

    def _rank_other(self, session: Sequence[SessionTrack], model: SessionModel) -> Ranking:
        rows = [self.stored.played_row(track.track_id) for track in session]
        known = [(row, t.skipped) for row, t in zip(rows, session, strict=True) if row is not None]
        items = np.array([row for row, _ in known], dtype=np.int64)
        skipped = np.array([was_skipped for _, was_skipped in known], dtype=bool)
        scores = model.scores(items, skipped=skipped)
        unknown = [t.track_id for row, t in zip(rows, session, strict=True) if row is None]
        return Ranking(model.name, self.stored.ids, scores, tuple(unknown))

    def _rank_gru(self, session: Sequence[SessionTrack]) -> Ranking:
        gru = self.stored.gru
        given, skipped, unknown = [], [], []
        for track in session:
            embedding = self._embed(track)
            if embedding is None:
                unknown.append(track.track_id)
            else:
                given.append(embedding)
                skipped.append(track.skipped)
        ids = self.stored.ids
        if not given:
            return Ranking(gru.name, ids, np.zeros(len(ids)), tuple(unknown))
        output = gru.outputs(np.stack(given), skipped=np.array(skipped))[-1:]
        scores = gru.score_outputs(output)[0]
        if self._added:
            more = gru.score_outputs(output, items=self._added_items)[0]
            ids = np.concatenate([ids, np.array(list(self._added))])
            scores = np.concatenate([scores, more])
        return Ranking(gru.name, ids, scores, tuple(unknown))

    def _embed(self, track: SessionTrack) -> np.ndarray | None:
        """Embedding of a track : np.ndarray [shape=(dim,)]; None if it is unknown."""
        gru, space = self.stored.gru, self.stored.content_space
        row = self.stored.row(track.track_id)
        if row is not None:
            return gru.items[row, :-1]
        if track.track_id in self._added:
            return self._added_items[list(self._added).index(track.track_id), :-1]
        if track.vector is None or space is None:
            return None
        return gru.embed_content(space.features(track.vector[None]))[0, :-1]


def content_fingerprint(embeddings: artifacts.Manifest) -> str:
    """Identity of the content model of a workspace's vectors, which are comparable within it."""
    return embeddings.inputs.get("model") or embeddings.fingerprint


def next_tracks(
    workspace: Workspace | SessionRecommender,
    session: Sequence[str],
    *,
    k: int = 10,
    skipped: Collection[str] = (),
    model: str = "auto",
    exclude: Collection[str] = (),
    include: Collection[str] | None = None,
) -> list[NextTrack]:
    """Recommend the next tracks after a session.

    Parameters
    ----------
    workspace : Workspace or SessionRecommender
        The latter for more than one query.
    session : sequence of str
        Ids of the tracks so far, oldest first; none of them is recommended.
    k : int
        Number of tracks; fewer if there are no more.
    skipped : collection of str
        Those of them that were skipped.
    model : str
        See `SessionRecommender.rank`.
    exclude : collection of str
        Tracks that must not be recommended.
    include : collection of str, optional
        The only tracks that may be.

    Raises
    ------
    NotFoundError
        If no track of the session is known.
    ArtifactError
        If there are no session models.
    """
    opened = SessionRecommender(workspace) if isinstance(workspace, Workspace) else workspace
    tracks = [SessionTrack(id_, id_ in skipped) for id_ in session]
    excluded = {*session, *skipped, *exclude}
    answer: list[NextTrack] = []
    for track in opened.rank(tracks, model=model).best():
        if len(answer) >= k:
            break
        if track.track_id not in excluded and (include is None or track.track_id in include):
            answer.append(track)
    return answer


__all__ = ["MODELS", "NextTrack", "Ranking", "SessionRecommender", "SessionTrack", "next_tracks"]
