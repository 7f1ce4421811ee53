"""Settings of the map."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from audiorec.config import Section


class MapConfig(Section):
    """How tracks are laid out in the plane.

    Attributes
    ----------
    n_neighbors : int
        Of each track, that it is drawn towards.
    """

    n_neighbors: int = Field(default=15, ge=2, le=200)
    former: ClassVar[frozenset[str]] = frozenset({"seed"})
