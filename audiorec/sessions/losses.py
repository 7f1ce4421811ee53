"""Losses of GRU4Rec over the targets of a batch and further negatives (CIKM 2018, section 3)."""

from __future__ import annotations

import torch


def same_item(targets: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    """Mask of the columns with the row's target item, except for the row's own column.

    Parameters
    ----------
    targets : torch.Tensor [shape=(b,)], int64
    columns : torch.Tensor [shape=(b + n_sample,)], int64
        The targets, and the sampled negatives after them.

    Returns
    -------
    same : torch.Tensor [shape=(b, b + n_sample)], bool
    """
    same = targets[:, None] == columns[None, :]
    same[torch.arange(len(targets)), torch.arange(len(targets))] = False
    return same


def cross_entropy(
    scores: torch.Tensor, *, log_q: torch.Tensor, same: torch.Tensor, counted: torch.Tensor
) -> torch.Tensor:
    """Cross-entropy of sampled softmax, corrected by the probability of each draw.

    Parameters
    ----------
    scores : torch.Tensor [shape=(b, b + n_sample)]
        Row i's target is column i.
    log_q : torch.Tensor [shape=(b + n_sample,)]
        Log-probability of each column's draw, subtracted from its scores (Bengio & Senecal 2008).
    same : torch.Tensor [shape=(b, b + n_sample)], bool
        Columns that are not negatives, see `same_item`.
    counted : torch.Tensor [shape=(b,)], bool
        Rows that count.
    """
    logits = (scores - log_q).masked_fill(same, -torch.inf)
    rows = torch.arange(len(scores))
    losses = torch.logsumexp(logits, dim=1) - logits[rows, rows]
    return losses[counted].mean()


def bpr_max(
    scores: torch.Tensor, *, same: torch.Tensor, counted: torch.Tensor, bpreg: float
) -> torch.Tensor:
    """BPR-max: -log sum_j s_j sigmoid(r_i - r_j) + bpreg sum_j s_j r_j^2 (equation 10).

    s_j is the softmax over the negatives alone; a row that has none does not count.

    Parameters
    ----------
    scores, same, counted
        See `cross_entropy`.
    bpreg : float
    """
    rows = torch.arange(len(scores))
    none = same.clone()
    none[rows, rows] = True
    # Not -inf: the softmax of a row without a negative would spoil every gradient.
    lowest = torch.finfo(scores.dtype).min
    weights = torch.softmax(scores.masked_fill(none, lowest), dim=1).masked_fill(none, 0.0)
    above = torch.sigmoid(scores[rows, rows, None] - scores)
    ranking = -torch.log((weights * above).sum(dim=1) + 1e-24)
    losses = ranking + bpreg * (weights * scores**2).sum(dim=1)
    counted = counted & ~none.all(dim=1)
    return losses[counted].sum() / counted.sum().clamp(min=1)
