"""Recommendations: tracks similar to others, tracks for a listener, from one workspace."""

from __future__ import annotations

from audiorec.recommend.library import Library
from audiorec.recommend.results import Hit
from audiorec.recommend.retrieval import ScoredTrack, recommend, similar, similar_many

__all__ = ["Hit", "Library", "ScoredTrack", "recommend", "similar", "similar_many"]
