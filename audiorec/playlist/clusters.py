"""Clusters of a library: spherical k-means on unit vectors, named by distinctive tags."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import numpy as np

from audiorec.data.catalog import distinctive_tags
from audiorec.embeddings import unit_norm
from audiorec.exceptions import NotFoundError
from audiorec.recommend import Library

ROUNDS = 20
SAMPLE = 20_000  # tracks that the clusters are fitted on
WORDS = 3
SURE = 0.2  # confidence of a tag that may name a cluster


class Cluster(NamedTuple):
    """A cluster of tracks.

    Attributes
    ----------
    number : int
        From 1, the largest first.
    centre : str
        The most central track.
    title : str
        Its distinctive tags, or the name of the most central track.
    n_tracks : int
    """

    number: int
    centre: str
    title: str
    n_tracks: int


def find_clusters(library: Library, n: int, *, seed: int = 0) -> list[Cluster]:
    """Cluster the tracks that are not excluded, the largest cluster first.

    Raises
    ------
    NotFoundError
        If there are fewer tracks than clusters.
    """
    excluded = library.hidden | library.catalog.missing()
    embeddings = library.index.embeddings()
    rows = np.array(
        [row for row, id_ in enumerate(embeddings.ids) if id_ not in excluded], dtype=int
    )
    if len(rows) < n:
        raise NotFoundError(f"{n} clusters need as many tracks, and there are {len(rows)}")
    rng = np.random.default_rng(seed)
    if len(rows) > SAMPLE:
        rows = np.sort(rng.choice(rows, SAMPLE, replace=False))
    units = unit_norm(np.asarray(embeddings.vectors)[rows])
    centres, member = _kmeans(units, n, rng)
    words = library.catalog.tags.words_of(
        [embeddings.ids[row] for row in rows], min_confidence=SURE
    )
    everywhere = Counter(word for each in words for word in each)
    clusters: list[Cluster] = []
    for number in np.argsort(-np.bincount(member, minlength=n), kind="stable"):
        own = np.flatnonzero(member == number)
        if not len(own):
            continue
        id_ = embeddings.ids[rows[own[int((units[own] @ centres[number]).argmax())]]]
        telling = distinctive_tags([words[row] for row in own], everywhere, len(rows))[:WORDS]
        title = ", ".join(telling) or f"around {library.track(id_).name}"
        clusters.append(Cluster(len(clusters) + 1, id_, title, len(own)))
    return clusters


def _kmeans(units: np.ndarray, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return centres : np.ndarray [shape=(n, d)], and the cluster of each row."""
    centres = units[[int(rng.integers(len(units)))]]
    while len(centres) < n:  # k-means++ without randomness: the farthest of a few
        far = 1 - (units @ centres.T).max(axis=1)
        far = np.maximum(far, 0) ** 2 + 1e-12
        centres = np.vstack([centres, units[int(rng.choice(len(units), p=far / far.sum()))]])
    member = np.zeros(len(units), dtype=int)
    for _ in range(ROUNDS):
        nearest = (units @ centres.T).argmax(axis=1)
        sums = np.zeros_like(centres)
        np.add.at(sums, nearest, units)
        centres = np.where(
            np.linalg.norm(sums, axis=1, keepdims=True) > 0, unit_norm(sums), centres
        )
        if (nearest == member).all():
            break
        member = nearest
    return centres, member
