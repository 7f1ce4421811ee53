"""Settings of the index."""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from audiorec.config_base import Section

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
MIN_MEMORY = 10**6


class IndexConfig(Section):
    """Settings of the served vectors and of the index's structure.

    Attributes
    ----------
    prior_half_life_users : float
        Number of listeners of a track that halve the weight of its audio: with none its vector is
        predicted from audio alone, with many it is the factor.
    hubs : {"none", "csls", "reach"}
        Hub correction. Csls lowers the scores of vectors near everything (Conneau et al. 2018);
        reach raises those of vectors near nothing, just enough.
    metric : {"cosine", "inner_product"}
    kind : {"auto", "exact", "ivf", "hnsw"}
        Auto is exact below half a million vectors, then HNSW while it fits in `memory`, then IVF.
    memory : str
        Memory of the index besides its memory-mapped vectors, while it is built and searched:
        bytes, or "500M", "2G". Inverted lists that need more stay on disk.
    """

    prior_half_life_users: float = Field(default=7.0, gt=0)
    hubs: Literal["none", "csls", "reach"] = "none"
    metric: Literal["cosine", "inner_product"] = "cosine"
    kind: Literal["auto", "exact", "ivf", "hnsw"] = "auto"
    memory: str = "4G"
    former: ClassVar[frozenset[str]] = frozenset({"duplicate_similarity", "exact_below"})

    @field_validator("memory", mode="before")
    @classmethod
    def _is_a_size(cls, memory: object) -> str:
        text = str(memory).strip().upper()
        if not re.fullmatch(r"\d+(\.\d+)?[KMGT]?B?", text) or _bytes(text) < MIN_MEMORY:
            raise ValueError(f'memory={memory!r} must be a size of at least 1M, such as "2G"')
        return text

    @property
    def memory_bytes(self) -> int:
        """`memory` in bytes."""
        return _bytes(self.memory)


def _bytes(size: str) -> int:
    number = size.rstrip("B")
    return int(float(number.rstrip("KMGT")) * UNITS[number[-1] if number[-1] in UNITS else ""])
