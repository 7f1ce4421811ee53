"""What to play next: answers from the session so far, for listeners nobody knows."""

from __future__ import annotations

from audiorec.sessions.session_recommender import (
    NextTrack,
    SessionRecommender,
    SessionTrack,
    next_tracks,
)

__all__ = ["NextTrack", "SessionRecommender", "SessionTrack", "next_tracks"]
