"""Recommendations: tracks similar to others, tracks for a listener, from one workspace."""

from __future__ import annotations

from audiorec.recommend.library import Library
from audiorec.recommend.matches import Match, recommend, similar, similar_many
from audiorec.recommend.results import Hit

__all__ = ["Hit", "Library", "Match", "recommend", "similar", "similar_many"]
