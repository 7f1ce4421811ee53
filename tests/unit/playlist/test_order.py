from itertools import pairwise, permutations

import numpy as np
import pytest

from audiorec.embeddings import unit_norm
from audiorec.playlist.order import first_clash, improve_order


def step_costs(units, order):
    return np.array([1 - units[a] @ units[b] for a, b in pairwise(order)])


def greedy(units):
    order, left = [0], set(range(1, len(units)))
    while left:
        order.append(max(left, key=lambda i: (units[order[-1]] @ units[i], -i)))
        left.remove(order[-1])
    return order


def random_units(n, seed, d=8):
    return unit_norm(np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32))


@pytest.mark.parametrize("seed", range(5))
def test_small_orders_come_near_the_best_of_all(seed):
    units = random_units(7, seed, d=3)
    found = improve_order(units, range(7), labels=range(7), window=1)
    costs = [step_costs(units, (0, *rest)).sum() for rest in permutations(range(1, 7))]
    assert sorted(found) == list(range(7)) and found[0] == 0
    assert step_costs(units, found).sum() <= np.quantile(costs, 0.02)


def test_the_end_is_no_longer_harsh():
    """Over 20 sets of 40 tracks: how much longer the last five steps are than the mean step."""
    ratios = []
    for seed in range(20):
        units = random_units(40, seed)
        order = greedy(units)
        better = improve_order(units, order, labels=range(40), window=1)
        costs = step_costs(units, order), step_costs(units, better)
        assert costs[1].sum() < costs[0].sum() and costs[1].max() <= costs[0].max()
        ratios.append([(cost[-5:].mean() / cost.mean(), cost.max()) for cost in costs])
    (end_before, worst_before), (end_after, worst_after) = np.mean(ratios, axis=0)
    assert end_before > 1.5 and end_after < 1.2
    assert worst_after < 0.8 * worst_before


@pytest.mark.parametrize("window", [1, 2, 5])
def test_labels_stay_apart_and_the_first_stays_first(window):
    units = random_units(30, window)
    labels = [i % 6 for i in range(30)]
    found = improve_order(units, list(range(30)), labels=labels, window=window)
    ordered = [labels[row] for row in found]
    assert sorted(found) == list(range(30)) and found[0] == 0
    for i in range(30):
        assert len(set(ordered[i : i + window])) == len(ordered[i : i + window])
    assert step_costs(units, found).sum() < step_costs(units, range(30)).sum()


@pytest.mark.parametrize("n", [0, 1, 2])
def test_nothing_to_order(n):
    assert improve_order(random_units(n, 0), range(n), labels=range(n), window=3) == list(range(n))


def test_what_comes_twice_is_moved_apart_for_every_rule():
    units = random_units(12, 3)
    artists, albums = [n % 6 for n in range(12)], [n // 2 for n in range(12)]
    rows = improve_order(units, range(12), labels=artists, window=4, more=[(albums, 3)])
    assert sorted(rows) == list(range(12)) and rows[0] == 0
    assert first_clash([artists[row] for row in rows], 4) is None
    assert first_clash([albums[row] for row in rows], 3) is None
    assert first_clash(albums, 3) == 1 and first_clash([None, None], 3) is None
