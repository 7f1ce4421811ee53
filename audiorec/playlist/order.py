"""Order of a playlist: smooth transitions by local search.

Greedy choice of the nearest next track leaves the large steps to the end. Local search (2-opt and
moves of one track, as for the travelling salesman: Croes 1958, Or 1976) spreads them. Before that,
tracks whose artist or album occurs twice within its window are moved elsewhere.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence

import numpy as np

GAIN = 1e-6  # smallest improvement of the sum of squared distances that counts
PASSES = 400  # most changes
TRIES = 64  # improvements tried before an order counts as final

Apart = tuple[Sequence[Hashable | None], int]
"""Label of each row, such as its album, or None; and the window within which it is unique."""


def improve_order(
    units: np.ndarray,
    order: Sequence[int],
    *,
    labels: Sequence[Hashable | None],
    window: int,
    more: Sequence[Apart] = (),
) -> list[int]:
    """Shorten the steps of an order, keeping the first track.

    Every change reduces the sum of squared cosine distances between neighbours, so that long
    steps count most. No label occurs twice within its window if that can be avoided.

    Parameters
    ----------
    units : np.ndarray [shape=(n, d)], float32
        Unit vectors.
    order : sequence of int
        Rows of `units`.
    labels : sequence of hashable or None
        Labels to space, such as the artist of each row.
    window : int
        No label occurs twice among so many consecutive tracks.
    more : sequence of (sequence of hashable or None, int)
        Further labels and their windows, of lower priority than `labels`.

    Returns
    -------
    order : list of int
    """
    rows = list(order)
    if len(rows) < 3:
        return rows
    cost = (1.0 - units @ units.T) ** 2
    rules = [(_codes(each), size) for each, size in ((labels, window), *more) if size > 1]
    clashes = _clashes(rows, rules)
    for _ in range(PASSES if clashes else 0):
        apart = next(
            (new for new in _moves(rows, cost, rules) if _clashes(new, rules) < clashes), []
        )
        if not apart:
            break
        rows, clashes = apart, _clashes(apart, rules)
    for _ in range(PASSES):
        better = next(
            (new for new in _candidates(rows, cost) if _clashes(new, rules) <= clashes), None
        )
        if better is None:
            break
        rows = better
    return rows


def first_clash(labels: Sequence[Hashable | None], window: int) -> int | None:
    """Return the position of the first track whose label repeats within the window."""
    for place, label in enumerate(labels):
        if label is not None and label in labels[max(0, place - window + 1) : place]:
            return place
    return None


def _moves(
    rows: list[int], cost: np.ndarray, rules: Sequence[tuple[np.ndarray, int]]
) -> Iterator[list[int]]:
    """Yield orders with one conflicting track moved, cheapest first."""
    n = len(rows)
    between = np.zeros((n + 1, n + 1))
    between[:n, :n] = cost[np.ix_(rows, rows)]
    change = _relocations(between)
    for place in sorted({place for rule in rules for place in _clashing(rows, *rule) if place}):
        for behind in np.argsort(change[place], kind="stable").tolist():
            if behind not in (place, place - 1):
                yield _moved(rows, place, behind)


def _moved(rows: list[int], place: int, behind: int) -> list[int]:
    left = [*rows[:place], *rows[place + 1 :]]
    at = behind + 1 if behind < place else behind
    return [*left[:at], rows[place], *left[at:]]


def _candidates(rows: list[int], cost: np.ndarray) -> Iterator[list[int]]:
    """Yield better orders, the best first: a segment reversed, or one track moved."""
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
            yield _moved(rows, int(i), int(j))


def _reversals(between: np.ndarray) -> np.ndarray:
    """Compute the change of cost by reversing positions 0 < i < j : np.ndarray [shape=(n, n)]."""
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
    """Compute the change of cost by moving i > 0 to after j : np.ndarray [shape=(n, n)]."""
    n = len(between) - 1
    i, j = np.arange(1, n)[:, None], np.arange(n)[None, :]
    closed = between[i - 1, i + 1] - between[i - 1, i] - between[i, i + 1]
    moved = closed + between[j, i] + between[i, j + 1] - between[j, j + 1]
    moved[(j == i) | (j == i - 1)] = 0
    return np.vstack([np.zeros(n), moved])


def _codes(labels: Sequence[Hashable | None]) -> np.ndarray:
    """Encode equal labels by equal numbers, each None uniquely : [shape=(n,)], int64."""
    numbers: dict[Hashable, int] = {}
    return np.array(
        [
            -1 - row if label is None else numbers.setdefault(label, len(numbers))
            for row, label in enumerate(labels)
        ]
    )


def _clashes(rows: Sequence[int], rules: Sequence[tuple[np.ndarray, int]]) -> int:
    """Count pairs of equal labels within a window, weighted by the priority of the rule."""
    total = 0
    for codes, window in rules:
        own = codes[list(rows)]
        steps = range(1, min(window, len(own)))
        pairs = sum(int((own[step:] == own[:-step]).sum()) for step in steps)
        total = total * len(own) ** 2 + pairs
    return total


def _clashing(rows: Sequence[int], codes: np.ndarray, window: int) -> set[int]:
    """Return the positions of a rule's conflicts, both of each pair."""
    own = codes[list(rows)]
    found: set[int] = set()
    for step in range(1, min(window, len(own))):
        later = np.flatnonzero(own[step:] == own[:-step])
        found.update(later.tolist(), (later + step).tolist())
    return found
