"""Session-based recommendation: the next track from the session so far, without a user profile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audiorec.lazy import lazy_attributes
from audiorec.sessions.base import SessionModel
from audiorec.sessions.gru4rec_numpy import GRUModel
from audiorec.sessions.neighbours import SessionNeighbours
from audiorec.sessions.popularity import Popularity, SessionPopularity
from audiorec.sessions.rules import AssociationRules, SequentialRules
from audiorec.sessions.session_recommender import (
    NextTrack,
    SessionRecommender,
    SessionTrack,
    next_tracks,
)

if TYPE_CHECKING:
    from audiorec.sessions.config import GRU4RecConfig, ModelChoice, SessionsConfig
    from audiorec.sessions.content_neighbours import ContentNeighbours
    from audiorec.sessions.gru4rec_training import train_gru4rec
    from audiorec.sessions.metrics import hit_rate, mean_reciprocal_rank, rank_next_items
    from audiorec.sessions.session_answer import SessionAnswer, SessionHit, answer_session
    from audiorec.sessions.train_and_choose import have_sessions, train_sessions

__all__ = [
    "AssociationRules",
    "ContentNeighbours",
    "GRU4RecConfig",
    "GRUModel",
    "ModelChoice",
    "NextTrack",
    "Popularity",
    "SequentialRules",
    "SessionAnswer",
    "SessionHit",
    "SessionModel",
    "SessionNeighbours",
    "SessionPopularity",
    "SessionRecommender",
    "SessionTrack",
    "SessionsConfig",
    "answer_session",
    "have_sessions",
    "hit_rate",
    "mean_reciprocal_rank",
    "next_tracks",
    "rank_next_items",
    "train_gru4rec",
    "train_sessions",
]

# Settings load pydantic, training torch: answers do without.
__getattr__ = lazy_attributes(
    __name__,
    {
        "config": ("GRU4RecConfig", "ModelChoice", "SessionsConfig"),
        "content_neighbours": ("ContentNeighbours",),
        "gru4rec_training": ("train_gru4rec",),
        "metrics": ("hit_rate", "mean_reciprocal_rank", "rank_next_items"),
        "session_answer": ("SessionAnswer", "SessionHit", "answer_session"),
        "train_and_choose": ("have_sessions", "train_sessions"),
    },
)
