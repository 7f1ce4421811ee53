"""Content vectors as session models take them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from audiorec.embeddings import Embeddings, unit_norm

MOST_AXES = 48
"""Of a map from more features too little is learned of each, and the noise of the features would
then place items that nobody has played."""


class ItemContent(NamedTuple):
    """What is known of items without a play.

    Attributes
    ----------
    features : np.ndarray [shape=(n_items, n_features)], float32
        Zeros where nothing is known.
    known : np.ndarray [shape=(n_items,)], bool
    """

    features: np.ndarray
    known: np.ndarray


class ContentSpace(NamedTuple):
    """Principal axes of content vectors, centred, each dimension of these weighing alike.

    Attributes
    ----------
    mean : np.ndarray [shape=(d,)], float32
    axes : np.ndarray [shape=(d, k)], float32
    """

    mean: np.ndarray
    axes: np.ndarray

    @classmethod
    def fit(cls, vectors: np.ndarray, *, most: int = MOST_AXES) -> ContentSpace:
        """Of vectors.

        Parameters
        ----------
        vectors : np.ndarray [shape=(n, d)], float32
        most : int
            Axes that are kept: those along which the vectors differ most.
        """
        unit = unit_norm(vectors)
        mean = unit.mean(axis=0)
        scale = np.maximum(unit.std(axis=0), 1e-6) * unit.shape[1] ** 0.5
        deviations = (unit - mean) / scale
        _, principal = np.linalg.eigh(deviations.T @ deviations)
        axes = principal[:, ::-1][:, :most] / scale[:, None]
        return cls(mean.astype(np.float32), axes.astype(np.float32))

    def features(self, vectors: np.ndarray) -> np.ndarray:
        """Vectors along the axes : np.ndarray [shape=(n, k)], float32, of a length about 1."""
        return np.asarray((unit_norm(vectors) - self.mean) @ self.axes, dtype=np.float32)


def content_of(vectors: Embeddings, item_ids: Sequence[str], *, space: ContentSpace) -> ItemContent:
    """Content of items, by their vectors.

    Parameters
    ----------
    vectors : Embeddings
        Of any of the items.
    item_ids : sequence of str
    space : ContentSpace
    """
    known = np.array([id_ in vectors for id_ in item_ids], dtype=bool)
    features = np.zeros((len(item_ids), space.axes.shape[1]), dtype=np.float32)
    ids = [id_ for id_, is_known in zip(item_ids, known, strict=True) if is_known]
    if ids:
        features[known] = space.features(vectors.take(ids).vectors)
    return ItemContent(features, known)
