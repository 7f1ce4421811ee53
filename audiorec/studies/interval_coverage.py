"""Coverage of confidence intervals, by a simulation with listeners and artists of known taste.

    python -m audiorec.studies.interval_coverage [SIMULATIONS]

Artists and listeners are drawn anew in every simulation, and so are a system that ranks artists and
a worse one; 5 folds x 3 seeds of half of the listeners share them, as in an evaluation. An interval
should cover the mean over very many simulations. `metrics.two_way` is compared with resampling
listeners within each hold-out only.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from audiorec import metrics
from audiorec.metrics import HoldoutValues

COLUMNS = ("AUC", "nDCG@10", "AUC, the worse", "nDCG@10, the worse", "difference, AUC",
           "difference, nDCG@10")  # fmt: skip
N_RESAMPLES = 400


class ToyWorld(NamedTuple):
    """True preferences, and scores of two systems : [shape=(n_users, n_artists)] each."""

    relevant: np.ndarray
    systems: tuple[np.ndarray, np.ndarray]


class Coverage(NamedTuple):
    """Share of intervals that cover the truth, by column of `COLUMNS`."""

    two_way: np.ndarray
    within_hold_outs: np.ndarray


def simulate(
    n: int, *, n_users: int = 300, n_artists: int = 60, folds: int = 5, seeds: int = 3,
    n_truth: int = 400,
) -> Coverage:  # fmt: skip
    """Simulate the coverage of 95 % intervals over `n` simulations."""
    size = {"n_users": n_users, "n_artists": n_artists}
    rng = np.random.default_rng(99)
    truth = np.mean(
        [_mean(list(_holdouts(_world(rng, **size), rng, folds, 1))) for _ in range(n_truth)], axis=0
    )
    held = np.zeros((2, n, len(COLUMNS)), dtype=bool)
    for number in range(n):
        rng = np.random.default_rng(number)
        cells = list(_holdouts(_world(rng, **size), rng, folds, seeds))
        both = metrics.two_way(cells, n_resamples=N_RESAMPLES, seed=number)
        alone = np.mean(
            [
                metrics.resampled_means(cell.values, n_resamples=N_RESAMPLES, seed=place)
                for place, cell in enumerate(cells)
            ],
            axis=0,
        )
        for way, samples in enumerate((both, alone)):
            low, high = np.percentile(samples, [2.5, 97.5], axis=0)
            held[way, number] = (low <= truth) & (truth <= high)
    return Coverage(*held.mean(axis=1))


def _world(rng: np.random.Generator, *, n_users: int, n_artists: int) -> ToyWorld:
    taste, place = rng.standard_normal((n_users, 3)), rng.standard_normal((n_artists, 3))
    liking = taste @ place.T + 0.8 * rng.standard_normal(n_artists)  # some are more popular
    relevant = liking + rng.logistic(size=liking.shape) > 2
    good, worse = (
        taste @ (place + noise * rng.standard_normal(place.shape)).T
        + 0.5 * rng.standard_normal(n_artists)
        for noise in (0.7, 1.2)
    )
    return ToyWorld(relevant, (good, worse))


def _holdouts(
    world: ToyWorld, rng: np.random.Generator, folds: int, seeds: int
) -> Iterator[HoldoutValues]:
    n_users, n_artists = world.relevant.shape
    for _ in range(seeds):
        half = rng.permutation(n_users)[: n_users // 2]
        fold = rng.permutation(n_artists) % folds
        for number in range(folds):
            artists = np.flatnonzero(fold == number)
            users = half[world.relevant[np.ix_(half, artists)].any(axis=1)]
            yield _values(world, users, artists)


def _values(world: ToyWorld, users: np.ndarray, artists: np.ndarray) -> HoldoutValues:
    relevant = world.relevant[np.ix_(users, artists)]
    scores = [system[np.ix_(users, artists)] for system in world.systems]

    def evaluated(left_out: np.ndarray) -> np.ndarray:
        exclude = np.broadcast_to(left_out, relevant.shape)
        each = [metrics.evaluate(one, relevant, exclude=exclude) for one in scores]
        good, worse = (np.stack([one["AUC"], one["nDCG@10"]]) for one in each)
        return np.concatenate([good, worse, good - worse])

    _, effects = metrics.group_effects(evaluated, artists)
    values = evaluated(np.zeros(len(artists), dtype=bool))
    return HoldoutValues(values.T, list(map(str, users)), effects, list(map(str, artists)))


def _mean(cells: list[HoldoutValues]) -> np.ndarray:
    return np.asarray(np.mean([np.nanmean(cell.values, axis=0) for cell in cells], axis=0))


def main() -> None:
    """Print the coverage of both kinds of interval."""
    coverage = simulate(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
    print("95 % claimed        ", "listeners and artists", "listeners within hold-outs")
    for column, both, alone in zip(COLUMNS, *coverage, strict=True):
        print(f"{column:20}  {both:20.1%}  {alone:25.1%}")


if __name__ == "__main__":
    main()
