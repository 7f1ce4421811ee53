"""Indexes of a workspace for all spaces, popularities and metrics."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from audiorec.exceptions import ParameterError
from audiorec.index import Index, Metric, build_index, with_popularity
from audiorec.recommend.score_percentiles import PairScores
from audiorec.workspace import Workspace

if TYPE_CHECKING:
    from audiorec.recommend.spaces import Space

# Imports in functions: scipy and pydantic, needed only to derive an index.

MOST_DIALLED = 6  # cached indexes of other popularity: each holds all vectors


class SpaceIndexes:
    """Consistent set of indexes for all threads, derived from one main index.

    Parameters
    ----------
    workspace : Workspace
    open_index : callable
        Opens the index at the first use.
    main : Index, optional
        The index, if it is open already.
    """

    def __init__(
        self, workspace: Workspace, open_index: Callable[[], Index], *, main: Index | None = None
    ) -> None:
        self._workspace = workspace
        self._open_index = open_index
        self._main = main
        self._derived: dict[tuple[Space, float, Metric], Index] = {}
        self._pairs: tuple[Index, PairScores] | None = None
        self._lock = threading.RLock()

    @property
    def is_open(self) -> bool:
        """Whether the index is open."""
        return self._main is not None

    @property
    def main(self) -> Index:
        """The main index, from which the others are derived."""
        if self._main is None:
            with self._lock:
                self._main = self._main or self._open_index()
        return self._main

    @property
    def by_sound(self) -> bool:
        """Whether vectors come from audio alone, because there are no plays."""
        return self.main.extra.get("target") in ("content", "sound")

    def get(self, space: Space, popularity: float, metric: Metric) -> Index:
        """Return the index of a space, popularity and metric."""
        if popularity and self.by_sound:
            raise ParameterError(
                f"popularity={popularity} needs listening, and tracks are placed by sound alone; "
                "leave it at 0"
            )
        key = (space, popularity, metric)
        found = self._derived.get(key)
        if found is None:
            with self._lock:
                found = self._derived.get(key) or self._derive(space, popularity, metric)
                dialled = [other for other in self._derived if other[1]]
                if popularity and len(dialled) >= MOST_DIALLED:
                    self._derived.pop(dialled[0], None)
                self._derived[key] = found
        return found

    def percentiles(self, index: Index, scores: Sequence[float]) -> np.ndarray:
        """Compute the share of an index's pairs (%) below each score : np.ndarray [shape=(n,)]."""
        pairs = self._pairs
        if pairs is None or pairs[0] is not index:
            self._pairs = pairs = (index, PairScores(index))
        return pairs[1].percentile(list(scores))

    def _derive(self, space: Space, popularity: float, metric: Metric) -> Index:
        if not popularity:
            return self._of_space(space)
        return with_popularity(
            self.get(space, 0.0, metric),
            popularity,
            metric=metric,
            mean_norm=float(self.main.extra.get("mean_norm", 1.0)),
        )

    def _of_space(self, space: Space) -> Index:
        """Return the main index, or an exact index of another space's vectors."""
        if space == "blend":
            return self.main
        from audiorec.recommend.spaces import SPACES, content_space, factor_space

        if space not in SPACES:
            raise ParameterError(f"space={space!r} must be one of {', '.join(SPACES)}")
        if space == "listening" and self.by_sound:
            raise ParameterError(
                "space='listening' has no place here: the recipe places tracks by sound alone; "
                "take one with listening, such as default"
            )
        if self.by_sound:
            return self.main
        from audiorec.index import IndexConfig

        vectors = (
            content_space(self._workspace) if space == "content" else factor_space(self._workspace)
        )
        config = IndexConfig(metric=self.main.metric, kind="exact")
        return build_index(vectors, config=config)
