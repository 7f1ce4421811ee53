"""The order of a playlist: no harsh step from one track to the next.

Greedy choice of the nearest next track leaves the harsh steps to the end. Local search (2-opt and
moves of one track, as for the travelling salesman: Croes 1958, Or 1976) spreads them.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence

import numpy as np

GAIN = 1e-6  # smallest improvement of the sum of squared distances that counts
PASSES = 400  # changes at most
TRIES = 64  # improvements looked at before an order is taken for as good as it gets


def improve_order(
    units: np.ndarray, order: Sequence[int], *, labels: Sequence[Hashable], window: int
) -> list[int]:
    """Shorten the steps of an order whose first track stays first.

    The sum of squared cosine distances between neighbours falls with every change, so that long
    steps count most. No label comes twice within the window unless it did before.

    Parameters
    ----------
    units : np.ndarray [shape=(n, d)], float32
        Unit vectors.
    order : sequence of int
        Rows of `units`.
    labels : sequence of hashable
        What must stay apart, such as the artist of each row.
    window : int
        Among so many tracks in a row no label comes twice.

    Returns
    -------
    order : list of int
    """
    rows = list(order)
    if len(rows) < 3:
        return rows
    cost = (1.0 - units @ units.T) ** 2
    codes = {label: code for code, label in enumerate(dict.fromkeys(labels))}
    label_of = np.array([codes[label] for label in labels])
    clashes = _clashes(label_of[rows], window)
    for _ in range(PASSES):
        better = next(
            (new for new in _candidates(rows, cost) if _clashes(label_of[new], window) <= clashes),
            None,
        )
        if better is None:
            break
        rows = better
    return rows


def _candidates(rows: list[int], cost: np.ndarray) -> Iterator[list[int]]:
    """Orders that are better, the best first: a stretch reversed, or one track moved."""
    n = len(rows)
    between = np.zeros((n + 1, n + 1))  # by position; the end costs nothing to reach
    between[:n, :n] = cost[np.ix_(rows, rows)]
    changes = np.stack([_reversals(between), _relocations(between)])
    flat = changes.ravel()
    best = np.argpartition(flat, min(TRIES, flat.size - 1))[:TRIES]
    best = best[np.lexsort((best, flat[best]))]
    for kind, i, j in zip(*np.unravel_index(best, changes.shape), strict=True):
        if changes[kind, i, j] > -GAIN:
            return
        if kind == 0:
            yield [*rows[:i], *rows[i : j + 1][::-1], *rows[j + 1 :]]
        else:
            left = [*rows[:i], *rows[i + 1 :]]
            place = j + 1 if j < i else j
            yield [*left[:place], rows[i], *left[place:]]


def _reversals(between: np.ndarray) -> np.ndarray:
    """Change of cost by reversing positions i to j, 0 < i < j : np.ndarray [shape=(n, n)]."""
    n = len(between) - 1
    last, first = np.arange(n)[None, :], np.arange(1, n)[:, None]
    change = np.zeros((n, n))
    change[1:] = (
        between[first - 1, last]
        + between[first, last + 1]
        - between[first - 1, first]
        - between[last, last + 1]
    )
    return np.triu(change, k=1)


def _relocations(between: np.ndarray) -> np.ndarray:
    """Change by moving the track at position i > 0 to behind j : np.ndarray [shape=(n, n)]."""
    n = len(between) - 1
    i, j = np.arange(1, n)[:, None], np.arange(n)[None, :]
    closed = between[i - 1, i + 1] - between[i - 1, i] - between[i, i + 1]
    moved = closed + between[j, i] + between[i, j + 1] - between[j, j + 1]
    moved[(j == i) | (j == i - 1)] = 0
    return np.vstack([np.zeros(n), moved])


def _clashes(labels: np.ndarray, window: int) -> int:
    """Pairs of equal labels within a window."""
    return sum(
        int((labels[step:] == labels[:-step]).sum()) for step in range(1, min(window, len(labels)))
    )
