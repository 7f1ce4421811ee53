"""The order of a playlist: no harsh step from one track to the next.

Greedy choice of the nearest next track leaves the harsh steps to the end. Local search (2-opt and
moves of one track, as for the travelling salesman: Croes 1958, Or 1976) spreads them. Before that,
tracks whose artist or album comes twice within its window are moved to where it does not.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence

import numpy as np

GAIN = 1e-6  # smallest improvement of the sum of squared distances that counts
PASSES = 400  # changes at most
TRIES = 64  # improvements looked at before an order is taken for as good as it gets

Apart = tuple[Sequence[Hashable | None], int]
"""What each row counts as, such as its album, None for nothing; and the window it is kept to."""


def improve_order(
    units: np.ndarray,
    order: Sequence[int],
    *,
    labels: Sequence[Hashable | None],
    window: int,
    more: Sequence[Apart] = (),
) -> list[int]:
    """Shorten the steps of an order whose first track stays first.

    The sum of squared cosine distances between neighbours falls with every change, so that long
    steps count most. No label comes twice within its window where that can be helped.

    Parameters
    ----------
    units : np.ndarray [shape=(n, d)], float32
        Unit vectors.
    order : sequence of int
        Rows of `units`.
    labels : sequence of hashable or None
        What must stay apart, such as the artist of each row.
    window : int
        Among so many tracks in a row no label comes twice.
    more : sequence of (sequence of hashable or None, int)
        Other labels, and the windows of these, for which none of `labels` comes twice.

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
    """Place of the first track whose label has come within the window already."""
    for place, label in enumerate(labels):
        if label is not None and label in labels[max(0, place - window + 1) : place]:
            return place
    return None


def _moves(
    rows: list[int], cost: np.ndarray, rules: Sequence[tuple[np.ndarray, int]]
) -> Iterator[list[int]]:
    """Orders with one track elsewhere whose label comes twice in its window, cheapest first."""
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
            yield _moved(rows, int(i), int(j))


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


def _codes(labels: Sequence[Hashable | None]) -> np.ndarray:
    """Numbers that equal labels share; no two None do : np.ndarray [shape=(n,)], int64."""
    numbers: dict[Hashable, int] = {}
    return np.array(
        [
            -1 - row if label is None else numbers.setdefault(label, len(numbers))
            for row, label in enumerate(labels)
        ]
    )


def _clashes(rows: Sequence[int], rules: Sequence[tuple[np.ndarray, int]]) -> int:
    """Pairs of equal labels within a window, those of an earlier rule above any of a later one."""
    total = 0
    for codes, window in rules:
        own = codes[list(rows)]
        steps = range(1, min(window, len(own)))
        pairs = sum(int((own[step:] == own[:-step]).sum()) for step in steps)
        total = total * len(own) ** 2 + pairs
    return total


def _clashing(rows: Sequence[int], codes: np.ndarray, window: int) -> set[int]:
    """Places of a rule's pairs, both of each."""
    own = codes[list(rows)]
    found: set[int] = set()
    for step in range(1, min(window, len(own))):
        later = np.flatnonzero(own[step:] == own[:-step])
        found.update(later.tolist(), (later + step).tolist())
    return found
