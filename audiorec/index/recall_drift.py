"""Loss of recall of an approximate structure since it was built."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from audiorec.index.structures import FaissStructure

# Recall lower by this much, or lists so many times as uneven, justify a rebuild.
RECALL_LOSS = 0.02
IMBALANCE_GROWTH = 1.5


class IndexDrift(NamedTuple):
    """Recall loss since the index was built.

    Attributes
    ----------
    recall_built, recall : float
        Fraction of the true ten nearest that are found.
    imbalance_built, imbalance : float
        Duration of a search relative to even lists.
    dead : float
        Fraction of rows that were removed since, and are filtered out.
    """

    recall_built: float = 1.0
    recall: float = 1.0
    imbalance_built: float = 1.0
    imbalance: float = 1.0
    dead: float = 0.0

    @classmethod
    def of(cls, structure: FaissStructure | None) -> IndexDrift:
        """Drift of a structure built just now, or of an exact index."""
        if structure is None:
            return cls()
        quality = structure.recall, structure.imbalance
        return cls(quality[0], quality[0], quality[1], quality[1])

    @property
    def rebuild_reason(self) -> str:
        """Reason to build the index again, in a few words; empty if there is none."""
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
