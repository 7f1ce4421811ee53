"""Session-based recommendation: the next track from the session so far, without a user profile."""

from __future__ import annotations

from audiorec.sessions.session_recommender import (
    NextTrack,
    SessionRecommender,
    SessionTrack,
    next_tracks,
)

__all__ = ["NextTrack", "SessionRecommender", "SessionTrack", "next_tracks"]
