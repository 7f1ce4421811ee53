"""Layout of tracks in the plane: t-SNE on nearest neighbours from the index.

With uniform affinities to the nearest neighbours and attraction raised by a factor that grows
with the number of points, t-SNE is equivalent to UMAP (Böhm, Berens & Kobak 2022, "Attraction-
repulsion spectrum in neighbor embeddings"). New points are added among the old ones, which do not
move (Poličar, Stražar & Zupan 2023, "Embedding to reference t-SNE space").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from audiorec.exceptions import ArtifactError, ParameterError
from audiorec.index import Index
from audiorec.progress import Progress, silent

if TYPE_CHECKING:
    from openTSNE import TSNEEmbedding
    from scipy.sparse import csr_matrix

# Imports in functions: openTSNE and scipy, needed only for a layout.

N_NEIGHBORS = 15  # of each track, which attract it
LEAST = 8  # fewest tracks for a layout by neighbours
QUERIES = 1024  # tracks per search
EARLY_STEPS, STEPS, NEW_STEPS = 250, 500, 100
FEWER_STEPS = 25  # for many points: more steps move 99 % of them by less than a point's width
EARLY_EXAGGERATION = 12.0
START_SPREAD = 1e-4  # standard deviation of the first positions
FFT_FROM = 4000  # points; for fewer, Barnes-Hut is faster
MOST_TOGETHER = 25_000  # tracks; of more, a sample is laid out, and the others are added to it


class Layout(NamedTuple):
    """Positions of tracks in the plane.

    Attributes
    ----------
    ids : tuple of str
    positions : np.ndarray [shape=(n, 2)], float32
    fitted : np.ndarray [shape=(n,)], bool
        Whether each was part of the layout; the others were added later.
    """

    ids: tuple[str, ...]
    positions: np.ndarray
    fitted: np.ndarray


def can_lay_out() -> bool:
    """Whether openTSNE is installed."""
    return find_spec("openTSNE") is not None


def fit_layout(
    index: Index,
    *,
    seed: int = 0,
    n_jobs: int = 1,
    start: Mapping[str, np.ndarray] | None = None,
    progress: Progress = silent,
) -> Layout:
    """Lay out all tracks of an index; of more than `MOST_TOGETHER`, a sample, then the others.

    Parameters
    ----------
    index : Index
    seed : int
        Same index, same seed, same positions.
    n_jobs : int
        Threads.
    start : mapping of str to np.ndarray [shape=(2,)], optional
        Initial positions by track_id, so that regions stay about where they were.
    progress : Progress
    """
    _check_library()
    n = min(len(index), MOST_TOGETHER)
    chosen = ids = index.ids  # a new tuple at each access
    if n < len(ids):
        rows = np.sort(np.random.default_rng(seed).choice(len(ids), n, replace=False))
        chosen = tuple(ids[row] for row in rows)
    first = _principal_plane(np.asarray(index.embeddings().take(chosen).vectors, dtype=np.float32))
    if n < LEAST:
        return Layout(ids, first.astype(np.float32), np.ones(n, dtype=bool))
    rows = _neighbour_rows(index, chosen, n_neighbors=min(N_NEIGHBORS, (n - 1) // 3), among=chosen)
    if start:
        first = _start_positions(chosen, rows, start, otherwise=first)
    positions = _optimized(
        _rescaled(first), _affinities(rows, n), seed=seed, n_jobs=n_jobs, progress=progress
    )
    layout = Layout(chosen, positions, np.ones(n, dtype=bool))
    if n < len(ids):
        layout = extend_layout(layout, index, n_jobs=n_jobs)
    return layout._replace(fitted=np.ones(len(ids), dtype=bool))


def extend_layout(layout: Layout, index: Index, *, n_jobs: int = 1) -> Layout:
    """Add the tracks of an index that a layout lacks to it.

    Parameters
    ----------
    layout : Layout
        Its tracks keep their positions; those no longer in the index are left out.
    index : Index
        Of the same space.
    n_jobs
        See `fit_layout`.

    Returns
    -------
    layout : Layout
        In the order of the index.
    """
    old = {id_: row for row, id_ in enumerate(layout.ids)}
    ids = index.ids
    known = [id_ for id_ in ids if id_ in old]
    new = [id_ for id_ in ids if id_ not in old]
    if not known:
        raise ParameterError("layout and index have no track in common; lay the tracks out anew")
    kept = [old[id_] for id_ in known]
    positions, fitted = layout.positions[kept], layout.fitted[kept]
    if new:
        _check_library()
        rows = _neighbour_rows(index, new, n_neighbors=min(N_NEIGHBORS, len(known)), among=known)
        placed = _positions_of_new_tracks(positions, rows, n_jobs=n_jobs)
        positions = np.concatenate([positions, placed])
        fitted = np.concatenate([fitted, np.zeros(len(new), dtype=bool)])
    at = {id_: row for row, id_ in enumerate([*known, *new])}
    order = [at[id_] for id_ in ids]
    return Layout(ids, positions[order], fitted[order])


def _check_library() -> None:
    if not can_lay_out():
        raise ArtifactError("the map needs openTSNE; pip install 'audiorec-music[serve]'")


def _neighbour_rows(
    index: Index, ids: Sequence[str], *, n_neighbors: int, among: Sequence[str] | None = None
) -> np.ndarray:
    """Return rows in `among` of each track's neighbours : np.ndarray [shape=(n, n_neighbors)]."""
    rows = {id_: row for row, id_ in enumerate(index.ids if among is None else among)}
    vectors = index.embeddings().take(ids).vectors
    found = np.empty((len(ids), n_neighbors), dtype=np.int32)
    for begin in range(0, len(ids), QUERIES):
        part = ids[begin : begin + QUERIES]
        answers = index.search(vectors[begin : begin + QUERIES], n_neighbors + 1, include=among).ids
        for row, (id_, answer) in enumerate(zip(part, answers, strict=True), start=begin):
            others = [rows[other] for other in answer if other != id_][:n_neighbors]
            found[row] = np.resize(others, n_neighbors)  # an approximate index may return fewer
    return found


def _affinities(rows: np.ndarray, n: int) -> csr_matrix:
    """Compute symmetric affinities that sum to 1 : csr_matrix [shape=(n, n)]."""
    one_way = _to_neighbours(rows, n)
    both = one_way + one_way.T
    both.sort_indices()
    return both / both.sum()


def _to_neighbours(rows: np.ndarray, n: int) -> csr_matrix:
    """Make rows of equal weights that sum to 1 : csr_matrix [shape=(len(rows), n)]."""
    from scipy.sparse import csr_matrix

    n_rows, k = rows.shape
    own = np.repeat(np.arange(n_rows), k)
    weights = np.full(n_rows * k, 1 / k)
    matrix = csr_matrix((weights, (own, rows.ravel())), shape=(n_rows, n))
    matrix.sort_indices()
    return matrix


def _principal_plane(vectors: np.ndarray) -> np.ndarray:
    """Compute the first two principal components : np.ndarray [shape=(n, 2)], float64."""
    centred = vectors - vectors.mean(axis=0)
    _, axes = np.linalg.eigh((centred.T @ centred).astype(np.float64))
    plane = centred @ axes[:, ::-1][:, :2]
    if plane.shape[1] < 2:
        plane = np.pad(plane, ((0, 0), (0, 2 - plane.shape[1])))
    return np.asarray(plane * np.where(plane.sum(axis=0) < 0, -1.0, 1.0), dtype=np.float64)


def _start_positions(
    ids: Sequence[str],
    rows: np.ndarray,
    start: Mapping[str, np.ndarray],
    *,
    otherwise: np.ndarray,
) -> np.ndarray:
    """Return initial positions; a track without one starts amid its neighbours."""
    has = np.array([id_ in start for id_ in ids])
    if not has.any():
        return otherwise
    positions = np.array([start.get(id_, (0.0, 0.0)) for id_ in ids], dtype=np.float64)
    positions[has] -= positions[has].mean(axis=0)
    weights = has[rows[~has]].astype(np.float64)
    summed = np.einsum("nk,nkd->nd", weights, positions[rows[~has]])
    positions[~has] = summed / np.maximum(weights.sum(axis=1, keepdims=True), 1)
    return positions


def _rescaled(positions: np.ndarray) -> np.ndarray:
    return positions / max(float(positions.std(axis=0).max()), 1e-12) * START_SPREAD


def _optimized(
    start: np.ndarray, affinities: csr_matrix, *, seed: int, n_jobs: int, progress: Progress
) -> np.ndarray:
    n = len(start)
    jitter = np.random.default_rng(seed).normal(scale=START_SPREAD / 100, size=start.shape)
    done = [0]

    def tell(iteration: int, error: float, embedding: np.ndarray) -> None:
        progress("map", done[0] + iteration, EARLY_STEPS + STEPS)

    embedding = _embedding(
        start + jitter,
        affinities,
        n_jobs=n_jobs,
        random_state=seed,
        callbacks=tell,
        callbacks_every_iters=50,
    )
    embedding = embedding.optimize(EARLY_STEPS, exaggeration=EARLY_EXAGGERATION, momentum=0.5)
    done[0] = EARLY_STEPS
    attraction = float(np.interp(np.log10(n), [3, 5], [1, 4]))
    embedding = embedding.optimize(STEPS, exaggeration=attraction, momentum=0.8)
    return np.asarray(embedding, dtype=np.float32)


def _embedding(positions: np.ndarray, affinities: csr_matrix, **settings: Any) -> TSNEEmbedding:
    from openTSNE import TSNEEmbedding
    from openTSNE.affinity import Affinities

    class PrecomputedAffinities(Affinities):
        """Affinities that are already computed."""

        def __init__(self, matrix: csr_matrix) -> None:
            super().__init__()
            self.P = matrix

    method = "fft" if len(positions) >= FFT_FROM else "bh"
    return TSNEEmbedding(
        positions, PrecomputedAffinities(affinities), negative_gradient_method=method, **settings
    )


def _positions_of_new_tracks(positions: np.ndarray, rows: np.ndarray, *, n_jobs: int) -> np.ndarray:
    """Place new tracks by the rows of their neighbours : np.ndarray [shape=(n, 2)]."""
    from openTSNE.tsne import PartialTSNEEmbedding
    from scipy.sparse import csr_matrix

    n = len(positions)
    amid = np.median(positions[rows], axis=1).astype(np.float64)
    if n < LEAST:
        return amid.astype(np.float32)
    reference = _embedding(positions.astype(np.float64), csr_matrix((n, n)), n_jobs=n_jobs)
    new = PartialTSNEEmbedding(
        amid,
        reference,
        _to_neighbours(rows, n),
        negative_gradient_method="bh",
        n_jobs=n_jobs,
    )
    new = new.optimize(
        NEW_STEPS if len(rows) <= MOST_TOGETHER else FEWER_STEPS,
        learning_rate=0.1,
        exaggeration=1.5,
        momentum=0.8,
        max_grad_norm=0.25,
    )
    return np.asarray(new, dtype=np.float32)
