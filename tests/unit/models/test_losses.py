"""The losses against twins in plain numpy, and by their known values."""

import numpy as np
import pytest
import torch

from audiorec.models.config import TrainConfig
from audiorec.models.losses import (
    LOSSES,
    TEMPERATURE,
    Form,
    Targets,
    contrastive,
    contrastive_all,
    cosine,
    mse,
    wpe,
)


def pair(n=6, d=5, seed=0):
    """Predictions, and targets with all that any loss asks for."""
    rng = np.random.default_rng(seed)
    x, everything = rng.normal(size=(n, d)).astype("f4"), rng.normal(size=(3 * n, d)).astype("f4")
    rows = rng.permutation(3 * n)[: 2 * n].reshape(n, 2)
    shares = np.stack([0.75 + 0.25 * rng.random(n), np.zeros(n)], axis=1)
    shares[:, 1] = 1 - shares[:, 0]
    root = rng.normal(size=(n, d, d))
    given = {
        "factors": everything[rows[:, 0]],
        "rows": rows,
        "shares": shares.astype("f4"),
        "everything": everything,
        "form": (
            (root @ root.transpose(0, 2, 1)).astype("f4"),
            rng.normal(size=(n, d)).astype("f4"),
            rng.random(n).astype("f4"),
        ),
    }
    return x, given


def as_targets(given):
    form = Form(*map(torch.from_numpy, given["form"]))
    rest = {name: torch.from_numpy(values) for name, values in given.items() if name != "form"}
    return Targets(**rest, form=form)


def plain(factors):
    """Targets of nothing but factors, each an example of its own."""
    n = len(factors)
    return Targets(factors, torch.arange(n)[:, None], torch.ones(n, 1), factors)


def slow_mse(x, given):
    pairs = zip(x, given["factors"], strict=True)
    return sum(sum((a - b) ** 2 for a, b in zip(p, t, strict=True)) for p, t in pairs) / len(x)


def slow_cosine(x, given):
    pairs = zip(x, given["factors"], strict=True)
    return np.mean([1 - p @ t / np.linalg.norm(p) / np.linalg.norm(t) for p, t in pairs])


def log_chances(p, candidates):
    scores = [p @ t / np.linalg.norm(p) / np.linalg.norm(t) / TEMPERATURE for t in candidates]
    return np.array(scores) - np.log(np.sum(np.exp(scores)))


def slow_contrastive(x, given):
    return -np.mean([log_chances(p, given["factors"])[row] for row, p in enumerate(x)])


def slow_contrastive_all(x, given):
    total = 0.0
    for p, rows, shares in zip(x, given["rows"], given["shares"], strict=True):
        chances = log_chances(p, given["everything"])
        total -= sum(share * chances[row] for row, share in zip(rows, shares, strict=True))
    return total / len(x)


def slow_wpe(x, given):
    costs = []
    for y, a, b, s in zip(x, *given["form"], strict=True):
        bent = sum(a[i, j] * y[i] * y[j] for i in range(len(y)) for j in range(len(y)))
        costs.append(bent - 2 * b @ y + s)
    return np.mean(costs)


TWINS = {
    "mse": slow_mse,
    "cosine": slow_cosine,
    "contrastive": slow_contrastive,
    "contrastive-all": slow_contrastive_all,
    "wpe": slow_wpe,
}


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_equal_their_twins(name):
    x, given = pair()
    loss = LOSSES[name].function(torch.from_numpy(x), as_targets(given))
    assert loss.shape == ()
    assert float(loss) == pytest.approx(float(TWINS[name](x, given)), rel=1e-5)


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_every_loss_can_be_configured(name):
    assert TrainConfig(loss=name).loss == name


def test_known_values():
    x = torch.eye(3)
    assert float(mse(x, plain(x))) == 0
    assert float(mse(x, plain(-x))) == pytest.approx(4)
    assert float(cosine(7 * x, plain(x))) == pytest.approx(0, abs=1e-6)
    assert float(cosine(x, plain(-x))) == pytest.approx(2)
    assert float(cosine(x, plain(x.roll(1, 0)))) == pytest.approx(1)
    assert float(contrastive(x, plain(x))) < 1e-3 < float(contrastive(x, plain(x.roll(1, 0))))


def test_with_the_batch_for_a_memory_both_contrastive_losses_are_one():
    x, given = (torch.from_numpy(pair()[0]), as_targets(pair()[1]))
    targets = plain(given.factors)
    assert float(contrastive_all(x, targets)) == pytest.approx(float(contrastive(x, targets)))
    more = targets._replace(everything=given.everything[given.rows[:, 0]].repeat(3, 1))
    assert float(contrastive_all(x, more)) == pytest.approx(
        float(contrastive(x, targets)) + np.log(3), abs=1e-5
    )


def test_the_weighted_error_is_least_where_its_gradient_vanishes():
    _, given = pair()
    gram, cross, _ = given["form"]
    best = np.stack([np.linalg.solve(a, b) for a, b in zip(gram, cross, strict=True)])
    y = torch.from_numpy(best).requires_grad_()
    least = wpe(y, as_targets(given))
    least.backward()
    assert y.grad.abs().max() < 1e-4
    assert float(wpe(1.1 * y.detach(), as_targets(given))) > float(least.detach())


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_a_zero_prediction_has_a_finite_gradient(name):
    x, given = pair()
    zeros = torch.zeros(x.shape, requires_grad=True)
    LOSSES[name].function(zeros, as_targets(given)).backward()
    assert zeros.grad.isfinite().all()
