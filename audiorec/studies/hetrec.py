"""HetRec 2011 Last.fm: recall of the factors compared with implicit, on the same split.

``python -m audiorec.studies.hetrec DIRECTORY`` holds out a fifth of the artists of each listener,
factorises the rest by ``pipelines/datasets/listening.toml`` and by implicit with its default
settings (on raw counts, and weighted by BM25 as in its example for Last.fm), and ranks for each
listener all artists that they have not played in the rest.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import scipy.sparse
from implicit.cpu.als import AlternatingLeastSquares
from implicit.nearest_neighbours import bm25_weight
from threadpoolctl import threadpool_limits

from audiorec.data import add_dataset
from audiorec.data.plays import Interactions, load_plays, to_interactions, writing_plays
from audiorec.factors import FactorsConfig, fit_factors
from audiorec.metrics import rank, recall, resampled_means
from audiorec.pipeline import Recipe, shipped_folder

TEST_FRACTION = 0.2
K = 10
SEEDS = (0, 1, 2)


def read_hetrec(directory: Path) -> Interactions:
    """Read listeners and artists of the data set from a folder."""
    with tempfile.TemporaryDirectory() as scratch:
        plays = Path(scratch) / "plays"
        with writing_plays(plays) as writer:
            add_dataset(writer, "hetrec", directory)
            writer.commit()
        return to_interactions(load_plays(plays))


def split_pairs(
    user_items: scipy.sparse.csr_matrix, *, seed: int
) -> tuple[scipy.sparse.csr_matrix, np.ndarray]:
    """Split counts into training and a held-out mask : np.ndarray [shape=(n_users, n_items)]."""
    rng = np.random.default_rng(seed)
    train = user_items.copy()
    held_out = np.zeros(user_items.shape, dtype=bool)
    for user in range(user_items.shape[0]):
        span = slice(*user_items.indptr[user : user + 2])
        n = round(TEST_FRACTION * (span.stop - span.start))
        chosen = span.start + rng.choice(span.stop - span.start, n, replace=False)
        held_out[user, user_items.indices[chosen]] = True
        train.data[chosen] = 0
    train.eliminate_zeros()
    return train, held_out


def recall_of(
    users: np.ndarray, items: np.ndarray, train: scipy.sparse.csr_matrix, held_out: np.ndarray
) -> np.ndarray:
    """Compute recall@K of each listener, by inner product : np.ndarray [shape=(n_users,)]."""
    return recall(rank(users @ items.T, held_out, exclude=train.toarray() > 0), k=K)


def of_implicit(
    train: scipy.sparse.csr_matrix, *, weighting: str, n: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Fit vectors by implicit with its default settings."""
    weighted = train if weighting == "counts" else bm25_weight(train, K1=100, B=0.8).tocsr()
    model = AlternatingLeastSquares(factors=n, random_state=seed)
    with threadpool_limits(limits=1, user_api="blas"):  # as implicit recommends
        model.fit(weighted.astype(np.float32), show_progress=False)
    return model.user_factors, model.item_factors


def run(directory: Path, config: FactorsConfig) -> dict[str, np.ndarray]:
    """Compute each model's recall : np.ndarray [shape=(n_listeners,)], mean over the splits."""
    whole = read_hetrec(directory)
    found: dict[str, list[np.ndarray]] = {}
    for seed in SEEDS:
        train, held_out = split_pairs(whole.user_items, seed=seed)
        interactions = Interactions(train, whole.users, whole.tracks)
        ours = fit_factors(interactions, config=config, seed=seed)
        vectors = {"audiorec": (ours.users.vectors, ours.tracks.vectors)} | {
            f"implicit, {weighting}": of_implicit(
                train, weighting=weighting, n=config.factors, seed=seed
            )
            for weighting in ("counts", "bm25")
        }
        for name, (users, items) in vectors.items():
            found.setdefault(name, []).append(recall_of(users, items, train, held_out))
    return {name: np.mean(rows, axis=0) for name, rows in found.items()}


def main() -> None:
    """Print the recall of each model, and the difference to ours."""
    parser = argparse.ArgumentParser(description="Recall of factors on HetRec 2011 Last.fm.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--recipe", type=Path, default=shipped_folder() / "datasets/listening.toml")
    arguments = parser.parse_args()
    found = run(arguments.directory, Recipe.load(arguments.recipe).factors)
    ours = found["audiorec"]
    print(
        f"recall@{K}, {TEST_FRACTION:.0%} of each listener's artists held out, {len(SEEDS)} splits"
    )
    for name, values in found.items():
        ahead = (ours - values)[:, None]
        low, high = np.nanpercentile(resampled_means(ahead, seed=0), [2.5, 97.5])
        said = "" if name == "audiorec" else f"  audiorec ahead by [{low:+.4f} .. {high:+.4f}]"
        print(f"{name:18} {np.nanmean(values):.4f}{said}")


if __name__ == "__main__":
    main()
