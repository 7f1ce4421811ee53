"""What the factorisation minimises, as a function of one track's vector.

With the listeners' factors X held fixed, a track y costs

    sum over listeners u of c_u (p_u - x_u . y)^2  =  y' A y - 2 b . y + s,

    A = X'X + X' (C - I) X,    b = X' C p,    s = sum of c_u p_u

where C - I is 0 but for the track's own listeners (Hu, Koren & Volinsky 2008, section 4). A network
that predicts y from sound can learn from that alone: the weighted prediction error of van den Oord,
Dieleman & Schrauwen 2013, equation 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from audiorec.artifacts import fingerprint
from audiorec.data.interactions import Interactions
from audiorec.factors.als import signed_confidence
from audiorec.factors.config import FactorsConfig
from audiorec.factors.store import Factors


class QuadraticForms(NamedTuple):
    """A, b and s of some tracks, divided by the mean of s over all tracks of the listening.

    Attributes
    ----------
    gram : np.ndarray [shape=(n, d, d)], float32
    cross : np.ndarray [shape=(n, d)], float32
    constant : np.ndarray [shape=(n,)], float32
    """

    gram: np.ndarray
    cross: np.ndarray
    constant: np.ndarray


class WeightedError:
    """The forms of tracks, made when asked for: what is kept is the plays and the listeners.

    Parameters
    ----------
    factors : Factors
        The space; of it the listeners.
    interactions : Interactions
        The plays that it was made from; listeners that it does not know are passed over.
    config : FactorsConfig
        The settings that it was made with.
    """

    def __init__(
        self, factors: Factors, interactions: Interactions, *, config: FactorsConfig
    ) -> None:
        shared = [row for row, user in enumerate(interactions.users) if user in factors.users]
        plays = interactions.user_items[np.asarray(shared, dtype=np.int64)].T.tocsr()
        self.tracks = interactions.tracks
        self._listeners = np.asarray(
            factors.users.take([interactions.users.ids[row] for row in shared]).vectors
        )
        self._everybody = factors.users.vectors.astype(np.float64)
        self._silent = self._everybody.T @ self._everybody
        self._plays = plays
        self._weights = signed_confidence(plays.data, config=config)
        liked = float(np.maximum(self._weights, 0.0).sum())
        self._unit = liked / plays.shape[0] if liked else 1.0

    @property
    def fingerprint(self) -> str:
        """Digest of all that the forms depend on."""
        parts = (
            self._everybody, self._listeners, self._plays.indptr, self._plays.indices, self._weights
        )  # fmt: skip
        return fingerprint(
            [
                list(self.tracks.ids),
                *(fingerprint(np.ascontiguousarray(p).tobytes()) for p in parts),
            ]
        )

    def forms(self, track_ids: Sequence[str]) -> QuadraticForms:
        """Forms of tracks, in their order.

        Raises
        ------
        NotFoundError
            If the listening does not know a track.
        """
        d = self._silent.shape[0]
        gram = np.empty((len(track_ids), d, d), dtype=np.float32)
        cross = np.empty((len(track_ids), d), dtype=np.float32)
        constant = np.empty(len(track_ids), dtype=np.float32)
        for place, row in enumerate(self.tracks.rows(track_ids)):
            span = slice(self._plays.indptr[row], self._plays.indptr[row + 1])
            heard = self._listeners[self._plays.indices[span]].astype(np.float64)
            signed = self._weights[span]
            liked = np.maximum(signed, 0.0)  # c p
            gram[place] = (self._silent + (heard.T * (abs(signed) - 1)) @ heard) / self._unit
            cross[place] = liked @ heard / self._unit
            constant[place] = liked.sum() / self._unit
        return QuadraticForms(gram, cross, constant)
