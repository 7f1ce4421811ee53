"""Content vectors as session models take them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from audiorec.embeddings import Embeddings, unit_norm

if TYPE_CHECKING:
    from audiorec.sessions.gru4rec import ItemContent


class ContentSpace(NamedTuple):
    """Directions of content vectors, centred, of a length about 1, each dimension weighing alike.

    Attributes
    ----------
    mean, scale : np.ndarray [shape=(d,)], float32
    """

    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def fit(cls, vectors: np.ndarray) -> ContentSpace:
        """Of these vectors : np.ndarray [shape=(n, d)], float32."""
        unit = unit_norm(vectors)
        return cls(unit.mean(axis=0), np.maximum(unit.std(axis=0), 1e-6) * unit.shape[1] ** 0.5)

    def features(self, vectors: np.ndarray) -> np.ndarray:
        """Vectors in this space : np.ndarray [shape=(n, d)], float32."""
        features = (unit_norm(vectors) - self.mean) / self.scale
        return np.asarray(features, dtype=np.float32)


def content_of(vectors: Embeddings, item_ids: Sequence[str], *, space: ContentSpace) -> ItemContent:
    """Content of items, by their vectors.

    Parameters
    ----------
    vectors : Embeddings
        Of any of the items.
    item_ids : sequence of str
    space : ContentSpace
    """
    from audiorec.sessions.gru4rec import ItemContent  # learning only: answers start without torch

    known = np.array([id_ in vectors for id_ in item_ids], dtype=bool)
    features = np.zeros((len(item_ids), vectors.dim), dtype=np.float32)
    ids = [id_ for id_, is_known in zip(item_ids, known, strict=True) if is_known]
    if ids:
        features[known] = space.features(vectors.take(ids).vectors)
    return ItemContent(features, known)
