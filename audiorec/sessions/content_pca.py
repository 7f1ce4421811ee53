"""PCA of content vectors, the input of session models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from audiorec.embeddings import Embeddings, unit_norm

MOST_AXES = 48
"""A map from more features is poorly estimated, and the noise of the features would then
determine the embeddings of items without plays."""


class ItemContent(NamedTuple):
    """Content features of items, known or not.

    Attributes
    ----------
    features : np.ndarray [shape=(n_items, n_features)], float32
        Zeros where unknown.
    known : np.ndarray [shape=(n_items,)], bool
    """

    features: np.ndarray
    known: np.ndarray


class ContentSpace(NamedTuple):
    """Principal axes of content vectors, centred, each dimension of equal weight.

    Attributes
    ----------
    mean : np.ndarray [shape=(d,)], float32
    axes : np.ndarray [shape=(d, k)], float32
    """

    mean: np.ndarray
    axes: np.ndarray

    @classmethod
    def fit(cls, vectors: np.ndarray, *, most: int = MOST_AXES) -> ContentSpace:
        """Fit the axes to vectors.

        Parameters
        ----------
        vectors : np.ndarray [shape=(n, d)], float32
        most : int
            Number of axes: those along which the vectors vary most.
        """
        unit = unit_norm(vectors)
        mean = unit.mean(axis=0)
        scale = np.maximum(unit.std(axis=0), 1e-6) * unit.shape[1] ** 0.5
        deviations = (unit - mean) / scale
        _, principal = np.linalg.eigh(deviations.T @ deviations)
        axes = principal[:, ::-1][:, :most] / scale[:, None]
        return cls(mean.astype(np.float32), axes.astype(np.float32))

    def features(self, vectors: np.ndarray) -> np.ndarray:
        """Project vectors on the axes : np.ndarray [shape=(n, k)], float32, of a length about 1."""
        return np.asarray((unit_norm(vectors) - self.mean) @ self.axes, dtype=np.float32)


def content_of(vectors: Embeddings, item_ids: Sequence[str], *, space: ContentSpace) -> ItemContent:
    """Content features of items, from their vectors.

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
