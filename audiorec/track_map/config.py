"""Settings of the map."""

from __future__ import annotations

from pydantic import Field

from audiorec.config import Section, Seed


class MapConfig(Section):
    """How tracks are laid out in the plane.

    Attributes
    ----------
    n_neighbors : int
        Of each track, that it is drawn towards.
    seed : int
    """

    n_neighbors: int = Field(default=15, ge=2, le=200)
    seed: int = Seed
