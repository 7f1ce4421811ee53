"""Weighted matrix factorisation of plays, by alternating least squares.

A listener u who played track i r times shows the preference p = 1, with the confidence
c = 1 + alpha log(1 + r / epsilon); where r = 0, p = 0 and c = 1. Where skips and dislikes outweigh
the plays by r, p = 0 with more confidence than without any: c = 1 + dislike_alpha log(1 + r /
epsilon). Equation 3 of [1] holds for any c; implicit's solver takes a negative entry of the matrix
for p = 0 with its absolute value as the confidence (benfred/implicit, pull request 119).
The factors minimise

    sum over u, i of c (p - x_u . y_i)^2  +  lambda (sum |x_u|^2 + sum |y_i|^2)

References
----------
.. [1] Y. Hu, Y. Koren & C. Volinsky, "Collaborative filtering for implicit feedback datasets",
   ICDM 2008, equations 3 to 5.
.. [2] A. van den Oord, S. Dieleman & B. Schrauwen, "Deep content-based music recommendation",
   NIPS 2013, equations 1 to 3.
.. [3] G. Takacs, I. Pilaszy & D. Tikk, "Applications of the conjugate gradient method for implicit
   feedback collaborative filtering", RecSys 2011.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from audiorec.embeddings import Embeddings
from audiorec.exceptions import DataError
from audiorec.factors.config import DISLIKE_ALPHA, EPSILON, ITERATIONS, FactorsConfig
from audiorec.factors.store import Factors
from audiorec.progress import Progress, silent

if TYPE_CHECKING:
    import scipy.sparse
    from implicit.cpu.als import AlternatingLeastSquares

    # It loads polars, which few commands need and which starts threads.
    from audiorec.data.plays import Interactions

# Half-steps are exact up to this many factors; beyond, conjugate gradients are far faster.
EXACT_FACTORS = 128
# Iterations of conjugate gradients in a half-step. Three, as in [3], stop far from the minimum if
# the regularization is small.
CG_STEPS = 30


def confidence(plays: np.ndarray, *, alpha: float, epsilon: float) -> np.ndarray:
    """Confidence in a preference, from the number of plays ([2], equation 2).

    Parameters
    ----------
    plays : np.ndarray
        Counts, at least 0.
    alpha, epsilon : float

    Returns
    -------
    c : np.ndarray [shape=plays.shape], float64
        1 where there are no plays.
    """
    return np.asarray(1.0 + alpha * np.log1p(np.asarray(plays, dtype=np.float64) / epsilon))


def signed_confidence(net_plays: np.ndarray, *, config: FactorsConfig) -> np.ndarray:
    """Confidence in a preference, below 0 where the preference is 0.

    Parameters
    ----------
    net_plays : np.ndarray
        Plays; below 0 where skips and dislikes exceed them, as in `Interactions.user_items`.
    config : FactorsConfig

    Returns
    -------
    signed : np.ndarray [shape=net_plays.shape], float64
        Of size 1 or more: the confidence, c where p = 1 and -c where p = 0.
    """
    against = np.asarray(net_plays) < 0
    size = np.abs(np.asarray(net_plays, dtype=np.float64))
    played = confidence(size, alpha=config.alpha, epsilon=EPSILON)
    if not against.any():
        return played
    return np.where(against, -confidence(size, alpha=DISLIKE_ALPHA, epsilon=EPSILON), played)


def fit_factors(
    interactions: Interactions,
    *,
    config: FactorsConfig,
    iterations: int = ITERATIONS,
    seed: int = 0,
    progress: Progress = silent,
) -> Factors:
    """Fit factors of listeners and tracks to plays.

    Each sweep solves every listener from the tracks, then every track from the listeners: exactly,
    or by conjugate gradients ([3]) with more than `EXACT_FACTORS` factors. At the end the tracks
    are solved exactly from the listeners, so that `fold_in_tracks` of the same listening gives
    these track factors again: warm and cold tracks are treated alike. The same interactions and
    arguments give the same bytes, whatever the number of threads.

    Parameters
    ----------
    interactions : Interactions
        A listener or track without any plays gets a vector of zeros.
    config : FactorsConfig
    iterations : int
        Sweeps.
    seed : int
        Of the initial vectors.
    progress : Progress
        Called after each sweep.

    Returns
    -------
    factors : Factors
        Of all listeners and tracks in `interactions`.

    Raises
    ------
    DataError
        If all plays were skipped or disliked, or the regularization is too small for this many
        factors.

    Examples
    --------
    >>> import scipy.sparse
    >>> from audiorec.data.plays import Interactions
    >>> from audiorec.id_map import IdMap
    >>> plays = scipy.sparse.csr_matrix(np.eye(8) + np.eye(8, k=1))
    >>> users, tracks = IdMap(f"u{i}" for i in range(8)), IdMap(f"t{i}" for i in range(8))
    >>> interactions = Interactions(plays, users, tracks)
    >>> factors = fit_factors(interactions, config=FactorsConfig(factors=4, regularization=1.0))
    >>> factors.users.dim, len(factors.tracks)
    (4, 8)
    """
    if not (interactions.user_items.data > 0).any():
        raise DataError("there are no plays to learn from; import some with 'audiorec plays FILE'")
    weights = interactions.user_items.astype(np.float32)
    weights.data = signed_confidence(weights.data, config=config).astype(np.float32)

    # One BLAS thread: the solver has threads of its own. With more, a fit of 150,000 plays took 1.6
    # to 3 times as long, and its last bits depend on their number.
    with threadpool_limits(limits=1, user_api="blas"):
        try:
            model = _alternate(
                weights, config=config, iterations=iterations, seed=seed, progress=progress
            )
            tracks = model.recalculate_item(np.arange(weights.shape[1]), weights.T.tocsr())
        except ValueError as error:
            raise DataError(
                f"regularization={config.regularization:g} leaves {config.factors} factors of "
                f"{weights.shape[1]} tracks undetermined ({error}); raise [factors] "
                "regularization, or lower factors"
            ) from None
    return Factors(
        users=Embeddings(interactions.users.ids, model.user_factors),
        tracks=Embeddings(interactions.tracks.ids, tracks),
    )


def _alternate(
    weights: scipy.sparse.csr_matrix,
    *,
    config: FactorsConfig,
    iterations: int,
    seed: int,
    progress: Progress,
) -> AlternatingLeastSquares:
    """Run all sweeps, by the library's solver."""
    from implicit.cpu.als import AlternatingLeastSquares  # here: only for a fit

    def sweep_done(sweep: int, _seconds: float, _loss: float | None) -> None:
        progress("factors", sweep + 1, iterations)

    model = AlternatingLeastSquares(
        factors=config.factors,
        regularization=config.regularization,
        alpha=1.0,
        iterations=iterations,
        use_cg=config.factors > EXACT_FACTORS,
        random_state=seed,
    )
    model.cg_steps = CG_STEPS
    model.fit(weights, show_progress=False, callback=sweep_done)
    return model
