"""Cold start: embeddings of unplayed items from their content, for a trained GRU4Rec.

The network is trained on plays alone. A ridge regression then maps the content of played items to
their trained embeddings and biases. An item without plays has the mapped embedding; one with plays
is the closer to its own embedding, the more it was played.

Content predicts less than an item's own plays, so scores by content alone vary less, and seldom
reach the first ranks. A fifth of the played items is therefore treated as new and embedded by a map
of the others, and one constant is chosen, added to the bias of all of these, with which they are in
the first ranks as often as they are played next.
"""

from __future__ import annotations

import numpy as np

from audiorec.data import Sessions
from audiorec.models.ridge import solve_ridge
from audiorec.sessions.content_pca import ItemContent
from audiorec.sessions.gru4rec_numpy import GRUModel

PENALTY = 0.1  # of the ridge, relative to the mean variance of content along its axes
HALF_PLAYS = 10.0  # plays at which an item's own embedding and the content's have equal weight
NEW_FRACTION = 0.2
MAX_SESSIONS = 200
MIN_ITEMS = 80  # played items: with fewer, the first ranks are too many of all
PLACES = 20
LIMIT = 20.0  # of the constant, in both directions
BISECTIONS = 30


def place_by_content(
    model: GRUModel, sessions: Sessions, content: ItemContent, *, seed: int
) -> GRUModel:
    """Extend a model by embeddings for all items with content.

    Parameters
    ----------
    model : GRUModel
        Trained on `sessions` without content.
    sessions : Sessions
    content : ItemContent
        Of every item of the sessions.
    seed : int

    Returns
    -------
    model : GRUModel
        The same model if no played item has content.
    """
    plays = sessions.supports
    able = np.flatnonzero((plays > 0) & content.known)
    if not len(able):
        return model
    project = fit_content_map(content.features[able], model.items[able])
    mapped = model.with_content_map(project).embed_content(content.features)
    bias = _cold_bias(model, sessions, content, seed=seed)
    own = (plays[able] / (plays[able] + HALF_PLAYS))[:, None]
    items = model.items.copy()
    items[able] = own * model.items[able] + (1 - own) * mapped[able]
    cold = (plays == 0) & content.known
    items[cold] = mapped[cold]
    items[cold, -1] += bias
    project[-1, -1] += bias
    return model.with_content_map(project).with_items(items)


def fit_content_map(features: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Fit a ridge regression of targets on features, with an unpenalised intercept.

    Parameters
    ----------
    features : np.ndarray [shape=(n, d)]
    targets : np.ndarray [shape=(n, k)]

    Returns
    -------
    weights : np.ndarray [shape=(d + 1, k)], float32
        The intercept last.
    """
    x, y = features.astype(np.float64), targets.astype(np.float64)
    centred = x - x.mean(axis=0)
    penalty = max(PENALTY * float((centred**2).sum()) / centred.shape[1], 1e-9)
    weights, intercept = solve_ridge(x, y, np.ones(len(x)), [penalty])[0]
    return np.concatenate([weights, intercept[None]]).astype(np.float32)


def _cold_bias(model: GRUModel, sessions: Sessions, content: ItemContent, *, seed: int) -> float:
    """Bias with which items treated as new are recommended as often as they are played.

    0 if there are too few plays to estimate it.
    """
    played = sessions.supports > 0
    able = np.flatnonzero(played & content.known)
    rng = np.random.default_rng(seed)
    rows = np.flatnonzero(sessions.lengths >= 2)
    if len(able) < MIN_ITEMS or not len(rows):
        return 0.0
    shuffled = rng.permutation(able)
    new, rest = np.split(shuffled, [int(NEW_FRACTION * len(able))])
    project = fit_content_map(content.features[rest], model.items[rest])
    items = model.items.copy()
    items[new] = model.with_content_map(project).embed_content(content.features[new])
    known, fresh, share = _leading_scores(
        model.with_items(items),
        sessions.take(rng.permutation(rows)[:MAX_SESSIONS]),
        new=np.isin(np.arange(len(items)), new),
        played=played,
    )
    return _balance(known, fresh, share) if 0 < share < 1 else 0.0


def _leading_scores(
    model: GRUModel, sessions: Sessions, *, new: np.ndarray, played: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Highest scores of known and of new items at each position, and the new ones' share of plays.

    Returns
    -------
    known, fresh : np.ndarray [shape=(n, <= PLACES)]
    share : float
    """
    known, fresh, targets = [], [], []
    for row in range(len(sessions)):
        events = slice(sessions.offsets[row], sessions.offsets[row + 1])
        sequence, skipped = sessions.items[events], sessions.skipped[events]
        scores = model.prefix_scores(sequence[:-1], skipped=skipped[:-1])[~skipped[1:]]
        targets.append(new[sequence[1:][~skipped[1:]]])
        known.append(_highest(scores[:, played & ~new]))
        fresh.append(_highest(scores[:, new]))
    shares = np.concatenate(targets)
    return np.concatenate(known), np.concatenate(fresh), float(shares.mean()) if len(shares) else 0


def _highest(scores: np.ndarray) -> np.ndarray:
    k = min(PLACES, scores.shape[1])
    return np.partition(scores, scores.shape[1] - k, axis=1)[:, scores.shape[1] - k :]


def _balance(known: np.ndarray, fresh: np.ndarray, share: float) -> float:
    """Bias that gives new items their fraction of the first ranks, by bisection."""
    low, high = -LIMIT, LIMIT
    n_places = min(PLACES, known.shape[1] + fresh.shape[1])
    for _ in range(BISECTIONS):
        bias = (low + high) / 2
        both = np.concatenate([known, fresh + bias], axis=1)
        threshold = np.partition(both, both.shape[1] - n_places, axis=1)[:, -n_places]
        cold_share = float((fresh + bias >= threshold[:, None]).sum() / (len(both) * n_places))
        low, high = (bias, high) if cold_share < share else (low, bias)
    return (low + high) / 2
