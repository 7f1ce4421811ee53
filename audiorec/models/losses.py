"""What the network minimises: how far its predictions lie from what listening says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

TEMPERATURE = 0.1  # of the contrastive losses: cosines are divided by it


class Form(NamedTuple):
    """A quadratic form per example, y^T gram y - 2 cross . y + constant.

    Attributes
    ----------
    gram : Tensor [shape=(batch, n_outputs, n_outputs)], float32
    cross : Tensor [shape=(batch, n_outputs)], float32
    constant : Tensor [shape=(batch,)], float32
        What y = 0 costs.
    """

    gram: Tensor
    cross: Tensor
    constant: Tensor


class Targets(NamedTuple):
    """What the predictions of a batch are held against; each loss takes what it needs.

    Attributes
    ----------
    factors : Tensor [shape=(batch, n_outputs)], float32
    rows : Tensor [shape=(batch, n_blended)], int64, or None
        Whose factors an example's are, as rows of `everything`.
    shares : Tensor [shape=(batch, n_blended)], float32, or None
        How much of each of `rows` the example is; they add up to 1.
    everything : Tensor [shape=(n_tracks, n_outputs)], float32, or None
        Factors of all tracks.
    form : Form or None
        What the listening to a track says of a prediction.
    """

    factors: Tensor
    rows: Tensor | None = None
    shares: Tensor | None = None
    everything: Tensor | None = None
    form: Form | None = None


class Loss(NamedTuple):
    """A loss and what its predictions are like.

    Attributes
    ----------
    function : callable
        ``function(predictions, targets)``, a Tensor [batch, n_outputs] and `Targets`, gives a
        scalar.
    norm : {"unit", "raw"}
        Unit where only the direction of a prediction is learned.
    needs : {"factors", "everything", "form"}
        What it takes from the targets.
    """

    function: Callable[[Tensor, Targets], Tensor]
    norm: Literal["unit", "raw"]
    needs: Literal["factors", "everything", "form"] = "factors"


def mse(predictions: Tensor, targets: Targets) -> Tensor:
    """Mean squared distance to the targets (van den Oord et al. 2013, eq. 5).

    Parameters
    ----------
    predictions : Tensor [shape=(batch, n_outputs)], float32
    targets : Targets

    Returns
    -------
    loss : Tensor [shape=()]
        Mean over the batch of the squared Euclidean distance.
    """
    return (predictions - targets.factors).square().sum(dim=1).mean()


def cosine(predictions: Tensor, targets: Targets) -> Tensor:
    """One minus the cosine between prediction and target, mean over the batch: 0 to 2.

    Parameters
    ----------
    predictions : Tensor [shape=(batch, n_outputs)], float32
    targets : Targets
    """
    return (1 - F.cosine_similarity(predictions, targets.factors, dim=1)).mean()


def contrastive(predictions: Tensor, targets: Targets) -> Tensor:
    """Cross-entropy of finding each prediction's own target among the batch's (InfoNCE).

    Parameters
    ----------
    predictions : Tensor [shape=(batch, n_outputs)], float32
    targets : Targets

    Notes
    -----
    van den Oord, Li & Vinyals, "Representation learning with contrastive predictive coding",
    2018, eq. 4, with cosines over `TEMPERATURE` as scores.
    """
    scores = _scores(predictions, targets.factors)
    return F.cross_entropy(scores, torch.arange(len(scores), device=scores.device))


def contrastive_all(predictions: Tensor, targets: Targets) -> Tensor:
    """Cross-entropy of finding each prediction's own target among those of all tracks.

    Parameters
    ----------
    predictions : Tensor [shape=(batch, n_outputs)], float32
    targets : Targets
        With `rows`, `shares` and `everything`.

    Notes
    -----
    As `contrastive`, with a memory of every track in place of the batch. An example that is
    blended of two is to find both, each by its share (Zhang et al., "mixup", 2018, eq. 1).
    """
    assert targets.everything is not None and targets.rows is not None
    assert targets.shares is not None
    scores = F.log_softmax(_scores(predictions, targets.everything), dim=1)
    return -(targets.shares * scores.gather(1, targets.rows)).sum(dim=1).mean()


def wpe(predictions: Tensor, targets: Targets) -> Tensor:
    """Weighted prediction error: what the factorisation minimises, with predicted factors.

    Parameters
    ----------
    predictions : Tensor [shape=(batch, n_outputs)], float32
    targets : Targets
        With `form`, of which see `audiorec.factors.WeightedError`.

    Returns
    -------
    loss : Tensor [shape=()]
        Over the batch, in parts of what predictions of 0 would cost on average.

    Notes
    -----
    van den Oord et al. 2013, eq. 6: the sum over listeners u of c (p - x_u . y)^2, where y is the
    prediction and the listeners' factors x_u are held fixed.
    """
    form = targets.form
    assert form is not None
    bent = torch.einsum("bi,bij,bj->b", predictions, form.gram, predictions)
    return (bent - 2 * (form.cross * predictions).sum(dim=1) + form.constant).mean()


def _scores(predictions: Tensor, candidates: Tensor) -> Tensor:
    return F.normalize(predictions, dim=1) @ F.normalize(candidates, dim=1).T / TEMPERATURE


LOSSES: dict[str, Loss] = {
    "mse": Loss(mse, "raw"),
    "cosine": Loss(cosine, "unit"),
    "contrastive": Loss(contrastive, "unit"),
    "contrastive-all": Loss(contrastive_all, "unit", needs="everything"),
    "wpe": Loss(wpe, "raw", needs="form"),
}
