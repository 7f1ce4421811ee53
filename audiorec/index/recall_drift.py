"""How much worse an approximate structure has become since it was built."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from audiorec.index.structures import FaissStructure

# Worse by so much of the true ten nearest, or lists so many times as uneven, is worth a rebuild.
RECALL_LOSS = 0.02
IMBALANCE_GROWTH = 1.5


class IndexDrift(NamedTuple):
    """What a structure was worth when it was built, and what it is worth now.

    Attributes
    ----------
    recall_built, recall : float
        Share of the true ten nearest that it finds.
    imbalance_built, imbalance : float
        How many times as long as with even lists a search takes.
    dead : float
        Share of its rows that were removed since, and are filtered out.
    """

    recall_built: float = 1.0
    recall: float = 1.0
    imbalance_built: float = 1.0
    imbalance: float = 1.0
    dead: float = 0.0

    @classmethod
    def of(cls, structure: FaissStructure | None) -> IndexDrift:
        """Of one that was built just now, or of an exact index."""
        if structure is None:
            return cls()
        quality = structure.recall, structure.imbalance
        return cls(quality[0], quality[0], quality[1], quality[1])

    @property
    def rebuild_reason(self) -> str:
        """Why it should be built again, in a few words; empty when it should not."""
        if self.recall < self.recall_built - RECALL_LOSS:
            return (
                f"finds {self.recall:.3f} of the ten nearest, {self.recall_built:.3f} when it "
                "was built"
            )
        if self.imbalance > IMBALANCE_GROWTH * self.imbalance_built:
            return (
                f"has lists {self.imbalance:.2f} times as long to search as even ones, "
                f"{self.imbalance_built:.2f} when it was built"
            )
        return ""
