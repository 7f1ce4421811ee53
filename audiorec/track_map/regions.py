"""Regions of the map, named by distinctive tags or by artist."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from audiorec.data.catalog import Catalog, distinctive_tags

MOST = 40
WORDS = 2
SURE = 0.2  # confidence of a tag that may name a region


class Region(NamedTuple):
    """A region of the map.

    Attributes
    ----------
    name : str
    x, y : float
        Its centre.
    n_tracks : int
    """

    name: str
    x: float
    y: float
    n_tracks: int


def find_regions(positions: np.ndarray, *, seed: int = 0) -> np.ndarray:
    """Find centres of regions by k-means : np.ndarray [shape=(n_regions, 2)], float32.

    Parameters
    ----------
    positions : np.ndarray [shape=(n, 2)]
    seed : int

    Examples
    --------
    >>> corners = np.repeat([[0.0, 0.0], [9.0, 9.0]], 8, axis=0)
    >>> sorted(find_regions(corners).round().tolist())
    [[0.0, 0.0], [9.0, 9.0]]
    """
    # here: scikit-learn takes seconds to import, and stored maps do not need it
    from sklearn.cluster import KMeans

    n = max(1, min(MOST, round(len(positions) ** 0.5 / 2), len(np.unique(positions, axis=0))))
    found = KMeans(n, n_init=1, random_state=seed).fit(np.asarray(positions, dtype=np.float64))
    return np.asarray(found.cluster_centers_, dtype=np.float32)


def nearest_region(positions: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Return the region of each position : np.ndarray [shape=(n,)], int32."""
    own = np.empty(len(positions), dtype=np.int32)
    for begin in range(0, len(positions), 10_000):
        part = positions[begin : begin + 10_000, None, :] - centres[None]
        own[begin : begin + 10_000] = (part**2).sum(axis=2).argmin(axis=1)
    return own


def name_regions(
    catalog: Catalog, ids: Sequence[str], members: np.ndarray, centres: np.ndarray
) -> list[Region]:
    """Name regions by their distinctive tags, else by their most frequent artist.

    Parameters
    ----------
    catalog : Catalog
    ids : sequence of str
        Tracks.
    members : np.ndarray [shape=(n,)], int
        Region of each.
    centres : np.ndarray [shape=(n_regions, 2)]
    """
    words = catalog.tags.words_of(ids, min_confidence=SURE)
    everywhere = Counter(word for own in words for word in own)
    artists = dict(catalog.facts("artist"))
    regions: list[Region] = []
    for number, (x, y) in enumerate(centres):
        rows = np.flatnonzero(members == number).tolist()
        telling = distinctive_tags([words[row] for row in rows], everywhere, len(ids))[:WORDS]
        name = ", ".join(telling) or _frequent([artists.get(ids[row], "") for row in rows])
        regions.append(Region(name, float(x), float(y), len(rows)))
    return regions


def _frequent(artists: Sequence[str]) -> str:
    """Return the most frequent artist; empty if none is known."""
    counts = Counter(artist for artist in artists if artist)
    return min(counts, key=lambda artist: (-counts[artist], artist), default="")
