"""Radio: an endless walk that drifts away from its seeds."""

from __future__ import annotations

import numpy as np

from audiorec.embeddings import unit_norm
from audiorec.playlist.entries import Pick
from audiorec.playlist.growing import GrowingPlaylist
from audiorec.playlist.source import POOL, TrackSource

DRIFT = 0.35  # weight of the last track in the query of the next
TOGETHER = 6  # tracks chosen from one search


def choose(source: TrackSource, n: int) -> list[Pick]:
    """Choose consecutive tracks, near the last few rather than near the seeds."""
    played = source.seeds.after
    beginning = [id_ for id_ in source.own if id_ not in set(played)]
    playlist = GrowingPlaylist(source, [*played, *beginning][: len(played) + n])
    direction = _direction(source, played)
    n_before = len(played)
    candidates: list[str] = []
    while len(playlist) < n_before + n:
        position = len(playlist)
        if (position - n_before) % TOGETHER == 0 or not candidates:
            candidates = source.search(direction[None], POOL, exclude=playlist.order)[0].ids
            units = source.units(candidates)
        near = np.argsort(-(units @ direction), kind="stable")
        id_ = playlist.choose(source.shuffled([candidates[row] for row in near]), position)
        if id_ is None:
            id_ = playlist.nearest(direction, position)
        if id_ is None:
            break
        playlist.insert(id_, position)
        direction = _moved(direction, source.units([id_])[0])
    order = playlist.order[n_before:]
    seeds = set(beginning)
    return [Pick(id_, "asked for" if id_ in seeds else _reason(source, id_)) for id_ in order]


def _direction(source: TrackSource, played: list[str]) -> np.ndarray:
    """Compute the query of the first track : np.ndarray [shape=(d,)], float32."""
    units = source.seed_units
    direction = unit_norm(units.mean(axis=0)[None])[0] if len(units) else None
    for id_, unit in zip(played, source.units(played), strict=True):
        del id_
        direction = unit if direction is None else _moved(direction, unit)
    assert direction is not None  # a request has seeds or played tracks
    return direction if direction.any() else units[0]


def _moved(direction: np.ndarray, unit: np.ndarray) -> np.ndarray:
    moved = unit_norm(((1 - DRIFT) * direction + DRIFT * unit)[None])[0]
    return moved if moved.any() else unit


def _reason(source: TrackSource, id_: str) -> str:
    if not len(source.seed_units):
        return "follows what was played"
    cosine = float((source.seed_units @ source.units([id_])[0]).max())
    return f"drifts on; {1 - cosine:.2f} from where it began"
