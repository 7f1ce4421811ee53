"""Fold-in: vectors of new tracks and listeners for fitted factors, by one exact half-step.

With the other side's factors Y fixed, the best vector x of one track (or listener) solves

    (Y' C Y + lambda I) x = Y' C p + lambda x0

(Hu, Koren & Volinsky 2008, equation 4), where x0 is 0, or a prior such as the vector predicted
from audio, on which the ridge is then centred.

A prior whose mean cosine with the truth is q leaves 1 - q^2 of the variance unexplained, and is too
long by 1 / q: with a `PriorDecay`, its ridge is lambda / (1 - q^2), centred on q x0.

A listener who has not played a track is evidence against it only if they could have come across
it. So h listeners halve the weight of the prior, and unplayed tracks gain the weight it loses. With
n of them, s = 1 - 2^(-(n / h)^2) and r = (1 - s) lambda / (1 - q^2),

    (s Y'Y + Y'(C - s I) Y + s lambda I + r I) x = Y' C p + r q x0

where the second product is over the n alone. Without listeners the vector is the prior, with many
it is the factor, and the first play is a small step: a small number of first listeners is weak
evidence, whereas most of those who could have come across a popular track have passed it over.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import scipy.linalg
import scipy.sparse

from audiorec.embeddings import Embeddings, unit_norm
from audiorec.exceptions import ParameterError
from audiorec.factors.als import signed_confidence
from audiorec.factors.config import FactorsConfig
from audiorec.factors.store import Factors
from audiorec.id_map import IdMap

if TYPE_CHECKING:
    # It loads polars, which few commands need and which starts threads.
    from audiorec.data.plays import Interactions

# Assumed agreement of a prior that nobody has measured.
AGREEMENT = 0.6
# Upper bound of the agreement: with 1 no listener could correct a prior.
MOST_TRUSTED = 0.98
# With this many times the listeners that halve a prior, it has no weight.
MOST_HALVED = 64.0


def agreement_of(unseen: Embeddings, factors: Embeddings) -> float:
    """Mean cosine of vectors predicted for unseen artists' tracks and their fitted factors."""
    wanted = unit_norm(factors.take(unseen.ids).vectors)
    return float((unit_norm(unseen.vectors) * wanted).sum(axis=1).mean())


class PriorDecay(NamedTuple):
    """Decay of a prior's weight with the number of listeners.

    Attributes
    ----------
    prior_half_life_users : float
        Number of listeners that halve the weight of the prior; twice as many leave a sixteenth of
        it.
    agreement : float
        Mean cosine of priors and the factors that many listeners would give.
    """

    prior_half_life_users: float
    agreement: float = AGREEMENT

    def weights(self, n: int, *, ridge: float) -> tuple[float, float, float]:
        """Weights of unplayed tracks, of the squared norm, and of the prior, at `n` listeners."""
        s = 1.0 - 2.0 ** -(min(n / self.prior_half_life_users, MOST_HALVED) ** 2)
        q = min(max(self.agreement, 0.0), MOST_TRUSTED)
        r = (1.0 - s) * ridge / (1.0 - q * q)
        return s, s * ridge + r, q * r


def fold_in_tracks(
    factors: Factors,
    interactions: Interactions,
    *,
    config: FactorsConfig,
    prior: Embeddings | None = None,
    decay: PriorDecay | None = None,
    among: Sequence[str] | None = None,
) -> Embeddings:
    """Compute vectors of tracks from their listeners, the listeners' vectors held fixed.

    Parameters
    ----------
    factors : Factors
        The fitted factors.
    interactions : Interactions
        Listening to the new tracks, with negative feedback; listeners without factors are ignored.
    config : FactorsConfig
        The settings of the factors.
    prior : Embeddings, optional
        Centre of the ridge, for the tracks that it has; 0 for others. A track of `interactions`
        without known listeners gets its prior unchanged: before anyone could play it, a missing
        play is no evidence.
    decay : PriorDecay, optional
        Decay of the prior (see the module). By None the prior and missing plays both have full
        weight
        from the first listener on.
    among : sequence of str, optional
        Listeners whose plays and missing plays are used. All of them by default; half of them when
        the other half is to be predicted.

    Returns
    -------
    tracks : Embeddings
        One vector per track of `interactions`, in its order.

    Raises
    ------
    ParameterError
        If the prior has other dimensions than the factors.
    NotFoundError
        If `among` has a listener without factors.
    """
    known = factors.users if among is None else factors.users.take(among)
    item_users = interactions.user_items.T.tocsr()
    return _half_step(
        known, item_users, interactions.tracks, interactions.users, config, prior, decay
    )


def fold_in_users(
    factors: Factors,
    interactions: Interactions,
    *,
    config: FactorsConfig,
    prior: Embeddings | None = None,
    among: Sequence[str] | None = None,
) -> Embeddings:
    """Compute vectors of listeners from their plays, the tracks' vectors held fixed.

    The mirror of `fold_in_tracks`; `among` has the tracks that could have been played.
    """
    known = factors.tracks if among is None else factors.tracks.take(among)
    user_items = interactions.user_items.tocsr()
    return _half_step(known, user_items, interactions.users, interactions.tracks, config, prior)


def _half_step(
    known: Embeddings,
    plays: scipy.sparse.csr_matrix,
    rows: IdMap,
    columns: IdMap,
    config: FactorsConfig,
    prior: Embeddings | None,
    decay: PriorDecay | None = None,
) -> Embeddings:
    """Solve one vector per row of `plays` [shape=(len(rows), len(columns))]."""
    if prior is not None and prior.dim != known.dim:
        raise ParameterError(f"prior of {prior.dim} dimensions does not fit {known.dim}")
    shared = [column for column, id_ in enumerate(columns) if id_ in known]
    plays = plays[:, np.asarray(shared, dtype=np.int64)].tocsr()
    y = known.vectors.astype(np.float64)
    y_shared = y[known.id_map.rows([columns[column] for column in shared])]
    silent = y.T @ y
    weights = signed_confidence(plays.data, config=config)
    solved = np.zeros((len(rows), known.dim))
    for row, id_ in enumerate(rows):
        span = slice(plays.indptr[row], plays.indptr[row + 1])
        x0 = prior[id_].astype(np.float64) if prior is not None and id_ in prior else None
        if span.start == span.stop:
            solved[row] = 0.0 if x0 is None else x0
            continue
        y_user, c, p = y_shared[plays.indices[span]], abs(weights[span]), weights[span] > 0
        s, ridge, pull = 1.0, config.regularization, config.regularization
        if decay is not None and x0 is not None:
            s, ridge, pull = decay.weights(len(c), ridge=config.regularization)
        a = s * silent + ridge * np.eye(known.dim) + (y_user.T * (c - s)) @ y_user
        b = (c * p) @ y_user
        if x0 is not None:
            b = b + pull * x0
        solved[row] = _solve(a, b)
    return Embeddings(rows.ids, solved.astype(np.float32))


def _solve(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Solve a symmetric system; of least norm where it is singular (no regularization)."""
    try:
        return np.asarray(scipy.linalg.solve(a, b, assume_a="pos"))
    except np.linalg.LinAlgError:
        return np.asarray(np.linalg.lstsq(a, b)[0])
