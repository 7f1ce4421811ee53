"""How readily items are recommended that are placed by their content alone.

Content predicts less than an item's own plays, so scores by content alone lie closer together, and
seldom reach the first places. A fifth of the items that were played is therefore taken for new, its
residuals left out, and one number is found, added to the bias of all of these, with which they
stand among the first places as often as they are played next.
"""

from __future__ import annotations

import numpy as np
import torch

from audiorec.data.sessions import Sessions
from audiorec.sessions.gru import GRUModel
from audiorec.sessions.gru4rec import GRU4Rec

NEW_FRACTION = 0.2
MAX_SESSIONS = 200
MIN_ITEMS = 80  # of those that were played: of fewer, the first places are too many of all
PLACES = 20
LIMIT = 20.0  # of the bias, either way
BISECTIONS = 30


def fit_cold_bias(network: GRU4Rec, sessions: Sessions) -> float:
    """Bias with which items taken for new come up as often as they are played.

    Parameters
    ----------
    network : GRU4Rec
        With content, trained on `sessions`.
    sessions : Sessions

    Returns
    -------
    bias : float
        0 where too little was played to tell.
    """
    played = sessions.supports > 0
    able = np.flatnonzero(played & network.known.numpy())
    rng = np.random.default_rng(network.config.seed)
    if len(able) < MIN_ITEMS:
        return 0.0
    chosen = rng.permutation(able)[: int(NEW_FRACTION * len(able))]
    new = np.zeros(sessions.n_items, dtype=bool)
    new[chosen] = True
    rows = np.flatnonzero(sessions.lengths >= 2)
    rows = rng.permutation(rows)[:MAX_SESSIONS]
    if not len(rows):
        return 0.0
    known, fresh, share = _leading_scores(network, sessions.take(rows), new=new, played=played)
    if not 0 < share < 1:
        return 0.0
    return _balance(known, fresh, share)


def _leading_scores(
    network: GRU4Rec, sessions: Sessions, *, new: np.ndarray, played: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Highest scores of known and of new items at each position, and the new ones' share of plays.

    Returns
    -------
    known, fresh : np.ndarray [shape=(n, <= PLACES)]
    share : float
    """
    model = GRUModel.from_network(network)
    with torch.no_grad():
        content = (network.features @ network.project).numpy()  # type: ignore[operator]
    items = np.where(new[:, None], content, model.items)
    model = GRUModel(items, model.skip, model.cells, elu=model.elu)
    known, fresh, targets = [], [], []
    for row in range(len(sessions)):
        events = slice(sessions.offsets[row], sessions.offsets[row + 1])
        sequence, skipped = sessions.items[events], sessions.skipped[events]
        scores = model.prefix_scores(sequence[:-1], skipped=skipped[:-1])[~skipped[1:]]
        targets.append(new[sequence[1:][~skipped[1:]]])
        known.append(_highest(scores[:, played & ~new]))
        fresh.append(_highest(scores[:, new]))
    return np.concatenate(known), np.concatenate(fresh), float(np.concatenate(targets).mean())


def _highest(scores: np.ndarray) -> np.ndarray:
    k = min(PLACES, scores.shape[1])
    return np.partition(scores, scores.shape[1] - k, axis=1)[:, scores.shape[1] - k :]


def _balance(known: np.ndarray, fresh: np.ndarray, share: float) -> float:
    """Bias that gives new items their share of the first places, by bisection."""
    low, high = -LIMIT, LIMIT
    n_places = min(PLACES, known.shape[1] + fresh.shape[1])
    for _ in range(BISECTIONS):
        bias = (low + high) / 2
        both = np.concatenate([known, fresh + bias], axis=1)
        threshold = np.partition(both, both.shape[1] - n_places, axis=1)[:, -n_places]
        cold_share = float((fresh + bias >= threshold[:, None]).sum() / (len(both) * n_places))
        low, high = (bias, high) if cold_share < share else (low, bias)
    return (low + high) / 2
