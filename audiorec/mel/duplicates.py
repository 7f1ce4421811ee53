"""Recordings that are the same one, by their samples or by their prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from audiorec.data.grouping import connected_components, merge_groups
from audiorec.embeddings import Embeddings, unit_norm
from audiorec.exceptions import ParameterError

if TYPE_CHECKING:
    from audiorec.data.tracks import Track
    from audiorec.mel.store import MelStore

# Rows compared at once: a block of 2,048 by 2,048 scores is 16 MB.
BLOCK = 2048
# What float32 may take from the product of two equal unit vectors.
ROUNDING = 1e-6
# What it may take from a bound, generously: a pair too many costs a product, one too few a twin.
SLACK = 1e-4
# Directions that pairs of prints are first compared in.
COARSE = 32


def duplicates_of(
    store: MelStore, tracks: Mapping[str, Track], *, threshold: float
) -> dict[str, int]:
    """Groups of tracks that are the same recording, by their samples or by their prints.

    Parameters
    ----------
    store : MelStore
    tracks : mapping of str to Track
        A catalogue, by track_id.
    threshold : float
        See `near_duplicates`.

    Returns
    -------
    groups : dict of str to int
        Group of each track that has a twin.
    """
    by_hash: dict[str, list[str]] = {}
    for track in tracks.values():
        if track.clip_hash:
            by_hash.setdefault(track.clip_hash, []).append(track.track_id)
    same = [ids for ids in by_hash.values() if len(ids) > 1]
    exact = {track_id: group for group, ids in enumerate(same) for track_id in ids}
    return merge_groups(near_duplicates(store.prints(), threshold=threshold), exact)


def near_duplicates(prints: Embeddings, *, threshold: float) -> dict[str, int]:
    """Group recordings that are the same one.

    Two are the same when the cosine of their prints is at least `threshold`, and so are those
    that a chain of such pairs joins.

    Parameters
    ----------
    prints : Embeddings
        A print per recording; of unit norm, or brought to it.
    threshold : float
        Above 0, at most 1.

    Returns
    -------
    groups : dict of str to int
        Group of each recording that has a twin, in the order of the prints; groups are numbered
        as they come. Recordings without a twin are not in it.
    """
    if not 0 < threshold <= 1:
        raise ParameterError(f"threshold={threshold} must be above 0 and at most 1")
    unit = unit_norm(prints.vectors)
    pairs = _pairs_above(unit, threshold - ROUNDING)
    return connected_components((prints.ids[a], prints.ids[b]) for a, b in pairs.tolist())


def _pairs_above(unit: np.ndarray, threshold: float) -> np.ndarray:
    """Pairs of rows whose inner product is at least `threshold`.

    Unit vectors so near each other are at most sqrt(2 - 2 * threshold) apart, and so are their
    projections on any one direction: sorted along the direction of the largest variance, only a
    window of rows has to be compared. There, the projections x', y' on the first few directions
    and what is left of the norms bound the product from above (Cauchy-Schwarz),
    x . y <= x' . y' + |x - x'| |y - y'|, and only pairs that pass are multiplied out.

    Parameters
    ----------
    unit : np.ndarray [shape=(n, d)], float32
    threshold : float

    Returns
    -------
    pairs : np.ndarray [shape=(n_pairs, 2)], int64
        In order, the smaller row first.
    """
    centred = unit - unit.mean(axis=0) if len(unit) else unit
    _, axes = np.linalg.eigh(centred.T @ centred)
    projected = unit @ axes[:, ::-1][:, :COARSE]
    order = np.argsort(projected[:, 0], kind="stable")
    rows, projected = unit[order], projected[order]
    left_over = np.sqrt(np.maximum(0, (rows**2).sum(axis=1) - (projected**2).sum(axis=1)))
    coarse = np.concatenate([projected, left_over[:, np.newaxis]], axis=1)
    along = projected[:, 0]
    reach = np.sqrt(max(0.0, 2 - 2 * threshold)) + SLACK
    found = [np.empty((0, 2), dtype=np.int64)]
    for start in range(0, len(rows), BLOCK):
        stop = min(start + BLOCK, len(rows))
        end = int(np.searchsorted(along, along[stop - 1] + reach, side="right"))
        for left in range(start, end, BLOCK):
            right = min(left + BLOCK, end)
            bounds = coarse[start:stop] @ coarse[left:right].T
            a, b = np.nonzero(bounds >= threshold - SLACK)
            if len(a) * unit.shape[1] > bounds.size:
                a, b = np.nonzero(rows[start:stop] @ rows[left:right].T >= threshold)
            pairs = np.stack([a + start, b + left], axis=1)
            pairs = pairs[pairs[:, 0] < pairs[:, 1]]
            products = (rows[pairs[:, 0]] * rows[pairs[:, 1]]).sum(axis=1)
            found.append(pairs[products >= threshold])
    pairs = np.sort(order[np.concatenate(found)], axis=1)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
