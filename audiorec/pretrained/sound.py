"""A space of sound alone, for music that nobody is known to have listened to.

Features of a pretrained network say the same thing many times over, so that the cosine of two
tracks tells mostly what they share with everything. Soft whitening evens that out: principal
components are brought to like variance, the faintest of them less so. Where the catalogue names
artists, directions in which tracks of one artist scatter are held back (within-class covariance
normalisation; Hatch, Kajarekar & Stolcke 2006), if that brings tracks of artists who were left
out nearer to each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from audiorec.data.grouping import group_kfold, group_means
from audiorec.embeddings import Embeddings, unit_norm
from audiorec.exceptions import ParameterError
from audiorec.pretrained.heard import Part

# The pooled feature maps say more of how music sounds than what the tags are read from.
SPACE_PARTS: tuple[Part, ...] = ("mean_pool",)
# A component of mean variance is brought to half of what full whitening would make of it.
SOFTNESS = 1.0
MAX_DIMENSIONS = 256
# How much of the scatter within artists is left as it is; the rest is held back.
SHRINKAGES = (0.8, 0.5)
MIN_ARTISTS = 10  # with several tracks each: fewer decide nothing
MAX_ASKED = 2_000  # tracks that decide, at most


class SoundSpace(NamedTuple):
    """A fitted projection.

    Attributes
    ----------
    centre, scale : np.ndarray [shape=(n_features,)], float64
        Mean and deviation of the features.
    weights : np.ndarray [shape=(n_features, dim)], float64
        For the standardised features.
    n_artists : int
        Artists with several tracks.
    plain, learned : float
        How often a track of an artist who was left out is nearer to another of theirs than to
        somebody else's, from 0.5, chance, to 1: by whitening, and with what artists taught. NaN
        where there are too few artists to tell.
    shrinkage : float
        Of the scatter within artists; 1 where they taught nothing that holds for others.
    """

    centre: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    n_artists: int
    plain: float
    learned: float
    shrinkage: float

    @property
    def dim(self) -> int:
        """Dimensions of the space."""
        return int(self.weights.shape[1])

    @property
    def uses_artists(self) -> bool:
        """Whether artists have a part in it."""
        return self.shrinkage < 1

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Where tracks lie : np.ndarray [shape=(n, dim)], float32."""
        placed = (features - self.centre) / self.scale @ self.weights
        return np.asarray(placed, dtype=np.float32)

    def summary(self) -> str:
        """What was learned, in a few words."""
        if not self.n_artists:
            return "no artist has several tracks"
        if np.isnan(self.plain):
            few = f"{self.n_artists} artists with several tracks are"
            few = few if self.n_artists > 1 else "1 artist with several tracks is"
            return f"{few} too few to learn from"
        kept = "used" if self.uses_artists else "left out"
        return (
            f"unseen artists' tracks are nearer to their own {self.plain:.1%} of the time, "
            f"{self.learned:.1%} with what {self.n_artists} artists taught: {kept}"
        )


def fit_sound_space(
    features: Embeddings, *, groups: Mapping[str, str], seed: int = 0
) -> SoundSpace:
    """Fit the space, and decide on artists who were left out whether artists have a part in it.

    Parameters
    ----------
    features : Embeddings
    groups : mapping of str to str
        Artist of each track; a track without one stands alone.
    seed : int
        Deals the artists into folds.

    Raises
    ------
    ParameterError
        If there are fewer than two tracks.
    """
    if len(features) < 2:
        raise ParameterError(
            f"a space of sound needs two tracks and there are {len(features)}; scan more music"
        )
    from threadpoolctl import threadpool_limits

    artists = np.unique([groups.get(i, i) for i in features.ids], return_inverse=True)[1]
    several = np.bincount(artists) > 1
    with threadpool_limits(limits=1, user_api="blas"):
        centre, scale, weights = _whitening(features.vectors.astype(np.float64))
        placed = (features.vectors - centre) / scale @ weights
        plain, learned, shrinkage = _decide(placed, artists, several=several, seed=seed)
        if shrinkage < 1:
            weights = weights @ _held_back(placed, artists, shrinkage=shrinkage)
    return SoundSpace(centre, scale, weights, int(several.sum()), plain, learned, shrinkage)


def _whitening(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Centre, scale and weights that soften the differences between principal components."""
    centre, deviation = x.mean(axis=0), x.std(axis=0)
    scale = np.where(deviation > 1e-6 * np.maximum(np.abs(centre), 1), deviation, np.inf)
    _, singular, components = np.linalg.svd((x - centre) / scale, full_matrices=False)
    variance = singular**2 / len(x)
    kept = min(MAX_DIMENSIONS, max(1, int((variance > 1e-9 * variance.max(initial=0)).sum())))
    soft = np.sqrt(variance[:kept] + SOFTNESS * max(variance.mean(), 1e-12))
    return centre, scale, components[:kept].T / soft


def _held_back(placed: np.ndarray, artists: np.ndarray, *, shrinkage: float) -> np.ndarray:
    """What evens out the scatter within artists : np.ndarray [shape=(dim, dim)]."""
    count = np.bincount(artists)
    off = (placed - group_means(placed, artists)[artists])[count[artists] > 1]
    scatter = off.T @ off
    scatter *= len(scatter) / max(np.trace(scatter), 1e-12)
    values, vectors = np.linalg.eigh((1 - shrinkage) * scatter + shrinkage * np.eye(len(scatter)))
    return np.asarray(vectors / np.sqrt(values))


def _decide(
    placed: np.ndarray, artists: np.ndarray, *, several: np.ndarray, seed: int
) -> tuple[float, float, float]:
    """How good plain whitening is, how good the best with artists, and which shrinkage to take."""
    if several.sum() < MIN_ARTISTS:
        return float("nan"), float("nan"), 1.0
    folds = group_kfold([str(artist) for artist in artists], seed=seed)
    found: dict[float, list[np.ndarray]] = {shrinkage: [] for shrinkage in (1.0, *SHRINKAGES)}
    most = -(-MAX_ASKED // (int(folds.max()) + 1))
    for fold in range(int(folds.max()) + 1):
        test = folds == fold
        asked = np.flatnonzero(test & several[artists])
        if not len(asked) or test.all():
            continue
        asked = asked[np.unique(np.linspace(0, len(asked) - 1, most).astype(int))]
        for shrinkage, values in found.items():
            turned = placed
            if shrinkage < 1:
                turned = placed @ _held_back(placed[~test], artists[~test], shrinkage=shrinkage)
            values.append(_nearer(unit_norm(turned), artists, asked))
    joined = {shrinkage: np.concatenate(values) for shrinkage, values in found.items()}
    best = max(SHRINKAGES, key=lambda shrinkage: float(joined[shrinkage].mean()))
    gain = joined[best] - joined[1.0]
    sure = gain.mean() > gain.std() / np.sqrt(len(gain))  # more than one standard error
    plain, learned = float(joined[1.0].mean()), float(joined[best].mean())
    return plain, learned, best if sure else 1.0


def _nearer(unit: np.ndarray, artists: Sequence[int] | np.ndarray, asked: np.ndarray) -> np.ndarray:
    """For each track asked, how often one of its artist is nearer than somebody else's."""
    labels = np.asarray(artists)
    values = np.empty(len(asked))
    for n, row in enumerate(asked):
        scores = unit @ unit[row]
        own = labels == labels[row]
        others = np.sort(scores[~own])
        own[row] = False
        below = np.searchsorted(others, scores[own])
        values[n] = (below / max(1, len(others))).mean()
    return values
