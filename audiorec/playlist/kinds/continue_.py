"""Continue: tracks that follow a list, by session models or by audio alone."""

from __future__ import annotations

from itertools import islice

import numpy as np

from audiorec import artifacts
from audiorec.embeddings import unit_norm
from audiorec.exceptions import NotFoundError
from audiorec.playlist.entries import Pick
from audiorec.playlist.growing import GrowingPlaylist
from audiorec.playlist.source import TrackSource

HALF_LIFE = 5.0  # tracks before the last, at which the weight is half
CANDIDATES = 20  # of the session models, per requested track


def choose(source: TrackSource, n: int) -> list[Pick]:
    """Choose tracks that continue the list, none of which is in the list."""
    playlist = GrowingPlaylist(source, source.own)
    n_before = len(playlist)
    reasons: dict[str, str] = {}
    ranked, model = _by_sessions(source, CANDIDATES * n)
    for id_ in ranked:
        if len(playlist) == n_before + n:
            break
        if playlist.allows(id_) and not playlist.is_close(id_, len(playlist)):
            playlist.insert(id_, len(playlist))
            reasons[id_] = f"played after such tracks ({model})"
    direction = _direction(source)
    around = source.search(direction[None], CANDIDATES * n, exclude=source.seeds.ids)[0].ids
    while len(playlist) < n_before + n:
        near = playlist.choose(around, len(playlist))
        if near is None:
            near = playlist.nearest(direction, len(playlist), exclude=source.seeds.ids)
        if near is None:
            break
        playlist.insert(near, len(playlist))
        likeness = source.seed_units @ source.units([near])[0]
        reasons[near] = f"goes on from {source.name(source.seeds.ids[int(likeness.argmax())])}"
    return [Pick(id_, reasons[id_]) for id_ in playlist.order[n_before:]]


def _direction(source: TrackSource) -> np.ndarray:
    """Compute the mean of the list, weighted to its end : np.ndarray [shape=(d,)], float32."""
    units = source.seed_units
    age = np.arange(len(units))[::-1]
    direction = unit_norm((0.5 ** (age / HALF_LIFE) @ units)[None])[0]
    return np.asarray(direction if direction.any() else units[-1], dtype=np.float32)


def _by_sessions(source: TrackSource, k: int) -> tuple[list[str], str]:
    """Rank tracks by the session models, with the reason; none without session models."""
    # here: other kinds do not load it
    from audiorec.sessions import SessionRecommender, SessionTrack

    workspace = source.library.workspace
    if not artifacts.exists(workspace.sessions):
        return [], ""
    try:
        ranking = SessionRecommender(workspace).rank([SessionTrack(i) for i in source.seeds.ids])
    except NotFoundError:  # the session models know none of these tracks
        return [], ""
    seeds = set(source.seeds.ids)
    allowed = (
        track.track_id for track in ranking.best()
        if track.track_id in source.index
        and track.track_id not in source.exclude and track.track_id not in seeds
        and (source.include is None or track.track_id in source.include)
    )  # fmt: skip
    ids = list(islice(allowed, k))
    source.load(ids)
    return source.sifted(ids, _direction(source)), ranking.model
