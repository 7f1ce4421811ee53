"""Settings of the matrix factorisation."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from audiorec.config_base import Section

# Confidences grow with log(1 + plays / EPSILON); see `audiorec.factors.als`.
EPSILON = 1e-6
# In place of alpha where skips and dislikes exceed the plays; 0 would treat a dislike as no play.
DISLIKE_ALPHA = 1.0
ITERATIONS = 15  # sweeps of alternating least squares


class FactorsConfig(Section):
    """Weighted matrix factorisation of the plays (Hu, Koren & Volinsky 2008).

    Attributes
    ----------
    rows : {"auto", "users", "sessions"}
        Rows of the factorised matrix. "sessions" captures co-occurrence in sessions: for few
        listeners, whose plays have times. Listeners' vectors are then the means of their sessions';
        ``evaluate --study one-listener`` scores it. "auto" is "users": the recipe that is chosen
        for few listeners, ``library``, places tracks by their audio alone.
    factors : int
        Dimensions of the factors.
    alpha : float
        Confidence 1 + alpha * log(1 + plays / `EPSILON`) (van den Oord et al. 2013, section 3).
    regularization : float
        Weight of the squared norms of the factors.
    min_tracks_per_user, min_users_per_track : int
        Listeners (or sessions) and tracks with fewer are left out, and counted.
    """

    rows: Literal["auto", "users", "sessions"] = "auto"
    factors: int = Field(default=48, ge=1, le=2048)
    alpha: float = Field(default=2.0, gt=0)
    regularization: float = Field(default=70.0, ge=0)
    min_tracks_per_user: int = Field(default=3, ge=1)
    min_users_per_track: int = Field(default=3, ge=1)
    former: ClassVar[frozenset[str]] = frozenset({"epsilon", "dislike_alpha", "iterations", "seed"})
