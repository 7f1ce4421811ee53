"""Rank fusion of a session's next tracks and a listener's recommendations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from audiorec.recommend.user_profile import tracks_played_by

if TYPE_CHECKING:
    from audiorec.recommend.library import Hit, Library
    from audiorec.recommend.spaces import Space
    from audiorec.sessions import SessionAnswer, SessionHit

N_FUSED = 500  # tracks of each answer to fuse
FUSION_K = 60  # of the reciprocal rank fusion, as published


def join_with_listener(
    library: Library,
    answer: SessionAnswer,
    user: str,
    *,
    k: int = 10,
    include_played: bool = False,
    space: Space = "blend",
    popularity: float = 0.0,
) -> list[Hit | SessionHit]:
    """Fuse the next tracks of a session with a listener's recommendations, by rank.

    Parameters
    ----------
    library : Library
    answer : SessionAnswer
        With `N_FUSED` tracks or more.
    user, k, include_played, space, popularity
        See `Library.recommend`.

    Raises
    ------
    NotFoundError
        If the listener is unknown.
    """
    own = library.recommend(
        user, k=max(k, N_FUSED), include_played=include_played, space=space, popularity=popularity
    )
    played = set() if include_played else tracks_played_by(library.workspace, user)
    excluded = {*played, *answer.session}
    rankings = (own, answer.hits)
    kept = [[hit for hit in each if hit.track_id not in excluded] for each in rankings]
    return fuse_ranks(*kept)[:k]


def fuse_ranks(*rankings: Sequence[Hit | SessionHit]) -> list[Hit | SessionHit]:
    """Fuse rankings by reciprocal rank fusion (Cormack, Clarke & Buettcher 2009)."""
    scores: dict[str, float] = {}
    hits: dict[str, Hit | SessionHit] = {}
    for ranking in rankings:
        for hit in ranking:
            hits.setdefault(hit.track_id, hit)
            scores[hit.track_id] = scores.get(hit.track_id, 0.0) + 1 / (FUSION_K + hit.rank)
    order = sorted(scores, key=lambda id_: (-scores[id_], id_))
    return [
        hits[id_]._replace(rank=rank, score=scores[id_]) for rank, id_ in enumerate(order, start=1)
    ]
