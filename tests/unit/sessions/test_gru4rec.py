"""GRU4Rec beside the papers' equations, and its answers in numpy beside torch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from audiorec.data import Sessions
from audiorec.sessions import GRU4RecConfig, GRUModel, SessionsConfig, cold_start, train_gru4rec
from audiorec.sessions.batches import parallel_steps
from audiorec.sessions.cold_start import (
    PENALTY,
    PLACES,
    _balance,
    fit_content_map,
    place_by_content,
)
from audiorec.sessions.comparison import (
    LEAST_EPOCHS,
    MAX_BATCH,
    MAX_EVENTS,
    bounded_settings,
)
from audiorec.sessions.content_pca import MOST_AXES, ContentSpace, ItemContent
from audiorec.sessions.gru4rec import GRU4Rec, GRUCell, uniform
from audiorec.sessions.gru4rec_training import (
    AdagradMomentum,
    NegativeSampler,
    Trainer,
    score_epochs,
)
from audiorec.sessions.losses import bpr_max, cross_entropy, same_item
from audiorec.sessions.metrics import Scores, rank_of

from ..session_lists import sessions_of_lists

SMALL = GRU4RecConfig(layers=(8,), batch_size=2, n_epochs=2, n_sample=6)


@pytest.fixture
def sessions() -> Sessions:
    """A walk on a ring of 12 items, one way: the next item is known."""
    rng = np.random.default_rng(0)
    lists = [
        [f"{(start + i) % 12:02d}" for i in range(rng.integers(3, 7))]
        for start in rng.integers(12, size=80)
    ]
    return sessions_of_lists(lists)


def test_weights_begin_within_the_papers_bound() -> None:
    weights = uniform(30, 50, generator=torch.Generator().manual_seed(0), columns=3)
    bound = (6 / 80) ** 0.5
    assert weights.shape == (30, 150)
    assert 0.97 * bound < weights.abs().max() <= bound
    assert abs(float(weights.mean())) < 0.02


def test_the_cell_is_the_papers_and_not_torchs() -> None:
    cell = GRUCell(3, 4, generator=torch.Generator().manual_seed(1))
    x, h = torch.randn(2, 3), torch.randn(2, 4)
    w_r, w_z, w = cell.w.chunk(3, dim=1)
    u_r, u_z = cell.u_gates.chunk(2, dim=1)
    r, z = torch.sigmoid(x @ w_r + h @ u_r), torch.sigmoid(x @ w_z + h @ u_z)
    expected = (1 - z) * h + z * torch.tanh(x @ w + (r * h) @ cell.u)
    torch.testing.assert_close(cell(x, h), expected)
    other = (1 - z) * h + z * torch.tanh(x @ w + r * (h @ cell.u))
    assert not torch.allclose(cell(x, h), other)


def test_negatives_are_the_batchs_other_targets_but_the_same_item() -> None:
    same = same_item(torch.tensor([7, 8, 7]), torch.tensor([7, 8, 7, 8, 9]))
    assert same.tolist() == [
        [False, False, True, False, False],
        [False, False, False, True, False],
        [True, False, False, False, False],
    ]


def test_cross_entropy_takes_off_the_log_probability_of_the_draw() -> None:
    scores = torch.tensor([[1.0, 2.0, 0.5], [0.3, -1.0, 0.1]])
    log_q = torch.log(torch.tensor([0.5, 0.25, 0.1]))
    same = torch.zeros(2, 3, dtype=torch.bool)
    same[0, 2] = True
    both = torch.tensor([True, True])
    first = np.exp(1) / 0.5 / (np.exp(1) / 0.5 + np.exp(2) / 0.25)
    weights = np.exp([0.3, -1.0, 0.1]) / [0.5, 0.25, 0.1]
    second = weights[1] / weights.sum()
    expected = -(np.log(first) + np.log(second)) / 2
    got = cross_entropy(scores, log_q=log_q, same=same, counted=both)
    assert float(got) == pytest.approx(expected, rel=1e-5)
    alone = cross_entropy(scores, log_q=log_q, same=same, counted=torch.tensor([False, True]))
    assert float(alone) == pytest.approx(-np.log(second), rel=1e-5)


def test_with_all_items_drawn_the_correction_gives_the_full_softmax() -> None:
    # Sampled softmax with draws from q, weighed by 1 / q, tends to the softmax over all items.
    rng = np.random.default_rng(0)
    q = np.array([0.5, 0.3, 0.15, 0.05])
    logits = torch.tensor([0.2, -0.5, 1.0, 2.0])
    drawn = torch.from_numpy(rng.choice(4, size=200_000, p=q))
    sampled = torch.exp(logits[drawn] - torch.from_numpy(np.log(q)).float()[drawn]).mean()
    assert float(sampled) == pytest.approx(float(torch.exp(logits).sum()), rel=0.02)


def test_bpr_max_is_equation_10() -> None:
    scores = torch.tensor([[1.0, 0.2, -0.4], [0.0, 0.5, 0.9]])
    same = torch.zeros(2, 3, dtype=torch.bool)
    expected = []
    for row, negatives in ((0, [1, 2]), (1, [0, 2])):
        r = scores[row, negatives].numpy()
        s = np.exp(r) / np.exp(r).sum()
        above = 1 / (1 + np.exp(-(float(scores[row, row]) - r)))
        expected.append(-np.log((s * above).sum()) + 0.7 * (s * r**2).sum())
    got = bpr_max(scores, same=same, counted=torch.tensor([True, True]), bpreg=0.7)
    assert float(got) == pytest.approx(np.mean(expected), rel=1e-5)


def test_negatives_are_drawn_by_popularity_to_the_power_alpha() -> None:
    plays = np.array([100, 25, 4, 1])
    for alpha in (0.0, 0.5, 1.0):
        sampler = NegativeSampler(plays, n_sample=50_000, alpha=alpha)
        share = np.bincount(sampler.draw(), minlength=4) / 50_000
        expected = plays**alpha / (plays**alpha).sum()
        np.testing.assert_allclose(share, expected, atol=0.01)
        np.testing.assert_allclose(np.exp(sampler.log_sampled), expected, rtol=1e-5)
    np.testing.assert_allclose(np.exp(sampler.log_batch), plays / plays.sum(), rtol=1e-5)


def test_adagrad_with_momentum_and_rows_alike() -> None:
    optimiser = AdagradMomentum(learning_rate=0.1, momentum=0.5)
    weights = torch.zeros(1)
    squares = velocity = expected = 0.0
    for gradient in (2.0, 1.0, -3.0):
        optimiser.step("w", weights, torch.tensor([gradient]))
        squares += gradient**2
        velocity = 0.5 * velocity - 0.1 * gradient / (squares + 1e-6) ** 0.5
        expected += velocity
        assert float(weights) == pytest.approx(expected, rel=1e-5)
    table = torch.zeros(5, 1)
    for gradient in (2.0, 1.0, -3.0):
        optimiser.step_rows("t", table, torch.tensor([3]), torch.tensor([[gradient]]))
    assert float(table[3]) == pytest.approx(expected, rel=1e-5)
    assert table[[0, 1, 2, 4]].abs().sum() == 0


def test_dropout_lies_on_the_input_and_the_output_and_not_on_the_state() -> None:
    config = GRU4RecConfig(layers=(400,), dropout_p_embed=0.5, dropout_p_hidden=0.25)
    network = GRU4Rec(3, config=config).train()
    torch.manual_seed(0)
    inputs, state = torch.ones(1, 400), [torch.full((1, 400), 0.5)]
    output, after = network(inputs, torch.tensor([False]), state)
    dropped = output == 0
    assert 0.15 < float(dropped.float().mean()) < 0.35
    assert (after[0] != 0).all()
    torch.testing.assert_close(output[~dropped], after[0][~dropped] / 0.75)
    torch.manual_seed(0)
    given = torch.nn.functional.dropout(inputs, 0.5)
    torch.testing.assert_close(after[0], network.cells[0](given, state[0]))


def test_the_state_is_reset_where_a_session_ends(sessions: Sessions) -> None:
    trainer = Trainer(sessions, config=SMALL)
    seen: list[tuple[np.ndarray, np.ndarray]] = []
    forward = trainer.network.forward

    def spy(inputs: torch.Tensor, skipped: torch.Tensor, states: list[torch.Tensor]) -> object:
        seen.append(states[0].detach().numpy().copy())
        return forward(inputs, skipped, states)

    trainer.network.forward = spy  # type: ignore[method-assign,assignment]
    trainer.epoch(0)
    steps = list(parallel_steps(sessions, batch_size=2))
    assert len(steps) == len(seen)
    for step, states in zip(steps, seen, strict=True):
        assert (np.abs(states).sum(axis=1) == 0).tolist() == step.first.tolist()


def slow_epoch(sessions: Sessions, config: GRU4RecConfig) -> list[torch.Tensor]:
    """Items and other weights after an epoch: dense tables, each row and negative by itself."""
    plays = sessions.supports
    network = GRU4Rec(sessions.n_items, config=config, plays=plays)
    sampler = NegativeSampler(plays, n_sample=config.n_sample, alpha=config.sample_alpha)
    sampler.reseed(config.seed, 0)
    items = network.items.requires_grad_()
    weights = [items, *network.parameters()]
    squares, velocity = ([torch.zeros_like(w) for w in weights] for _ in range(2))
    popular = np.maximum(plays, 1) / plays.sum()
    drawn_with = plays**config.sample_alpha / (plays**config.sample_alpha).sum()
    states: dict[int, list[torch.Tensor]] = {}
    for step in parallel_steps(sessions, batch_size=config.batch_size):
        sampled = sampler.draw().tolist()
        columns = [*step.targets.tolist(), *sampled]
        q = [*popular[step.targets], *drawn_with[sampled]]
        losses = []
        for row, target in enumerate(step.targets.tolist()):
            slot = int(step.slots[row])
            if step.first[row]:
                states[slot] = [torch.zeros(1, n) for n in config.layers]
            x = items[step.inputs[row]][None, :-1]
            if step.skipped_inputs[row]:
                x = x + network.skip
            for layer, cell in enumerate(network.cells):
                x = cell(x, states[slot][layer])
                states[slot][layer] = x.detach()
            others = [c for c, item in enumerate(columns) if item != target]
            if step.skipped_targets[row]:
                continue

            def score(item: int, output: torch.Tensor = x[0]) -> torch.Tensor:
                r = output @ items[item, :-1] + items[item, -1]
                return torch.nn.functional.elu(r, 0.5) if config.loss == "bpr-max" else r

            own = score(target)
            if config.loss == "cross-entropy":
                off = [config.logq * float(np.log(q[c])) for c in (row, *others)]
                terms = torch.stack([own, *(score(columns[c]) for c in others)])
                losses.append(-torch.log_softmax(terms - torch.tensor(off), dim=0)[0])
            elif others:
                r = torch.stack([score(columns[c]) for c in others])
                s = torch.softmax(r, dim=0)
                ranking = -torch.log((s * torch.sigmoid(own - r)).sum())
                losses.append(ranking + config.bpreg * (s * r**2).sum())
        if not losses:
            continue
        gradients = torch.autograd.grad(
            torch.stack(losses).mean(), weights, allow_unused=True, materialize_grads=True
        )
        touched = torch.zeros(len(items), 1)
        touched[[*step.inputs.tolist(), *columns]] = 1
        with torch.no_grad():
            for number, (weight, gradient) in enumerate(zip(weights, gradients, strict=True)):
                moves = touched if number == 0 else torch.ones(1)
                squares[number] += moves * gradient**2
                move = (
                    config.momentum * velocity[number]
                    - config.learning_rate * gradient / (squares[number] + 1e-6) ** 0.5
                )
                velocity[number] = torch.where(moves > 0, move, velocity[number])
                weight.add_(moves * velocity[number])
    return [weight.detach() for weight in weights]


@pytest.mark.parametrize(
    "given",
    [
        {"n_sample": 4},
        {"n_sample": 4, "logq": 0.6, "sample_alpha": 1.0, "layers": (6, 5)},
        {"n_sample": 0, "momentum": 0.0, "batch_size": 5},
        {"loss": "bpr-max", "n_sample": 4, "layers": (6, 5)},
        {"loss": "bpr-max", "n_sample": 0, "momentum": 0.0},  # the last row has no negative
    ],
)
def test_an_epoch_is_that_of_the_slow_twin(given: dict[str, Any]) -> None:
    rng = np.random.default_rng(1)
    lists = [[str(i) for i in (9 * rng.random(n) ** 2).astype(int)] for n in (4, 2, 5, 3, 6, 9)]
    played = sessions_of_lists(lists)
    sessions = replace(played, skipped=rng.random(played.n_events) < 0.15)
    config = GRU4RecConfig(**{
        "layers": (6,), "batch_size": 3, "momentum": 0.4, "learning_rate": 0.1, "bpreg": 0.7,
        "dropout_p_embed": 0.0, "dropout_p_hidden": 0.0, "sample_alpha": 0.7, **given,
    })  # fmt: skip
    trainer = Trainer(sessions, config=config)
    begun = trainer.network.items.clone()
    assert np.isfinite(trainer.epoch(0))
    items, *others = slow_epoch(sessions, config)
    assert (items - begun).abs().max() > 0.1
    torch.testing.assert_close(trainer.network.items, items, rtol=1e-3, atol=1e-4)
    for fast, slow in zip(trainer.network.parameters(), others, strict=True):
        torch.testing.assert_close(fast.detach(), slow, rtol=1e-3, atol=1e-4)


def test_each_epoch_has_its_own_draws_and_drops_out(sessions: Sessions) -> None:
    def loss(epoch: int, **given: float) -> float:
        config = SMALL.model_copy(update={"dropout_p_embed": 0.0, "dropout_p_hidden": 0.0, **given})
        trainer = Trainer(sessions, config=config)
        trainer.network.eval()  # as scoring leaves it
        return trainer.epoch(epoch)

    assert loss(0) == loss(0) != loss(1)  # other negatives
    alone = {"n_sample": 0}
    assert loss(0, **alone) == loss(1, **alone)
    assert loss(0, dropout_p_hidden=0.5, **alone) != loss(1, dropout_p_hidden=0.5, **alone)


def test_the_embedding_is_shared_by_input_and_output(sessions: Sessions) -> None:
    network = GRU4Rec(sessions.n_items, config=SMALL)
    assert network.items.shape == (12, 9)
    assert not any(p.shape[0] == 12 for p in network.parameters())
    trainer = Trainer(sessions, config=SMALL)
    before = trainer.network.items.clone()
    trainer.epoch(0)
    assert (trainer.network.items != before).any(dim=1).all()


@pytest.mark.parametrize("loss", ["cross-entropy", "bpr-max"])
def test_it_learns_what_follows(sessions: Sessions, loss: str) -> None:
    config = GRU4RecConfig(layers=(16,), batch_size=8, n_epochs=8, n_sample=12, loss=loss,
                           dropout_p_hidden=0.0, learning_rate=0.1, bpreg=0.1)  # fmt: skip
    model = GRUModel.from_network(train_gru4rec(sessions, config=config))
    for item in range(12):
        scores = model.scores(np.array([item]), skipped=np.array([False]))
        assert int(scores.argmax()) == (item + 1) % 12


@pytest.mark.parametrize("loss", ["cross-entropy", "bpr-max"])
def test_numpy_answers_as_torch_does(sessions: Sessions, loss: str) -> None:
    config = GRU4RecConfig(layers=(10, 8), batch_size=4, n_epochs=1, n_sample=5, loss=loss)
    network = train_gru4rec(sessions, config=config)
    with torch.no_grad():
        network.skip += 0.3
        items, skipped = torch.tensor([3, 4, 9]), torch.tensor([False, True, False])
        table = network.items
        states = [torch.zeros(1, n) for n in config.layers]
        for item, was_skipped in zip(items, skipped, strict=True):
            output, states = network(table[item][None, :-1], was_skipped[None], states)
        expected = network.activate(output @ table[:, :-1].T + table[:, -1])[0].numpy()
    model = GRUModel.from_network(network)
    got = model.scores(items.numpy(), skipped=skipped.numpy())
    np.testing.assert_allclose(got, expected, atol=1e-5)
    again = GRUModel.from_arrays(model.to_arrays(), elu=model.elu)
    np.testing.assert_array_equal(again.scores(items.numpy(), skipped=skipped.numpy()), got)
    prefixes = model.prefix_scores(items.numpy(), skipped=skipped.numpy())
    np.testing.assert_allclose(prefixes[-1], got, atol=1e-6)


def test_a_skipped_target_teaches_nothing(sessions: Sessions) -> None:
    skipped = replace(sessions, skipped=np.ones(sessions.n_events, dtype=bool))
    trainer = Trainer(sessions, config=SMALL)
    trainer.sessions = skipped
    before = trainer.network.items.clone()
    assert trainer.epoch(0) == 0
    torch.testing.assert_close(trainer.network.items, before)


def test_a_track_that_is_only_ever_skipped_spoils_nothing(sessions: Sessions) -> None:
    skipped = replace(sessions, skipped=sessions.items == 3)
    assert skipped.supports[3] == 0
    trainer = Trainer(skipped, config=SMALL)
    assert np.isfinite(trainer.epoch(0))
    assert torch.isfinite(trainer.network.items).all()


def test_content_is_taken_along_its_principal_axes() -> None:
    rng = np.random.default_rng(0)
    vectors = (rng.normal(size=(300, 3)) @ rng.normal(size=(3, 200)) + 1).astype(np.float32)
    noisy = vectors + rng.normal(0, 0.3, vectors.shape).astype(np.float32)
    space, whole = ContentSpace.fit(noisy), ContentSpace.fit(noisy, most=200)
    few, all_ = space.features(noisy), whole.features(noisy)
    assert few.shape == (300, MOST_AXES)
    np.testing.assert_allclose(few, all_[:, :MOST_AXES], atol=1e-5)
    variances = few.var(axis=0)
    assert (np.diff(variances) < 1e-6).all()
    assert variances[:3].sum() > 0.7
    assert float((all_**2).sum(axis=1).mean()) == pytest.approx(1, abs=0.01)
    unit = noisy / np.linalg.norm(noisy, axis=1, keepdims=True)
    weighed = (unit - unit.mean(axis=0)) / unit.std(axis=0)
    np.testing.assert_allclose(all_ @ all_.T, weighed @ weighed.T / 200, atol=1e-3)
    assert ContentSpace.fit(noisy[:, :1]).features(noisy[:, :1]).shape == (300, 1)


def _content(n_items: int, *, unknown: tuple[int, ...] = ()) -> ItemContent:
    angle = 2 * np.pi * np.arange(n_items) / n_items
    features = np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)
    known = ~np.isin(np.arange(n_items), unknown)
    return ItemContent(features * known[:, None], known)


def _model(items: np.ndarray) -> GRUModel:
    """A network of random weights over these items."""
    network = GRU4Rec(len(items), config=GRU4RecConfig(layers=(items.shape[1] - 1,)))
    return GRUModel.from_network(network).with_items(items)


def _played(plays: list[int]) -> Sessions:
    """A session of each item alone."""
    ids = "".join(chr(97 + item) for item in range(len(plays)))
    lists = [[ids[item]] * n for item, n in enumerate(plays) if n]
    return sessions_of_lists(lists, item_ids=ids)


def test_an_items_own_embedding_weighs_with_its_plays(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    plays = [0, 10, 90, 5, 5, 5]
    items = rng.normal(size=(6, 5)).astype(np.float32)
    content = _content(6, unknown=(2,))
    placed = place_by_content(_model(items), _played(plays), content, seed=0)
    mapped = placed.embed_content(content.features)
    np.testing.assert_allclose(placed.items[0], mapped[0], atol=1e-6)
    np.testing.assert_allclose(placed.items[1], (items[1] + mapped[1]) / 2, atol=1e-6)
    np.testing.assert_array_equal(placed.items[2], items[2])  # no content: its own alone
    monkeypatch.setattr(cold_start, "_cold_bias", lambda *_, **__: 3.0)
    biased = place_by_content(_model(items), _played(plays), content, seed=0)
    gained = biased.items - placed.items
    np.testing.assert_allclose(gained[0, -1], 3, atol=1e-5)  # of what is new, and that alone
    np.testing.assert_array_equal(gained[1:], 0)
    again = biased.embed_content(content.features[:1])
    np.testing.assert_allclose(again[0], biased.items[0], atol=1e-6)
    unknown = _content(6, unknown=tuple(range(6)))
    nothing = place_by_content(_model(items), _played(plays), unknown, seed=0)
    assert nothing.project is None


def test_the_map_is_a_ridge_with_an_intercept() -> None:
    from sklearn.linear_model import Ridge

    rng = np.random.default_rng(0)
    features, targets = rng.normal(1, 2, (40, 5)), rng.normal(3, 1, (40, 3))
    alpha = PENALTY * 40 * features.var(axis=0).mean()
    reference = Ridge(alpha=alpha).fit(features, targets)
    found = fit_content_map(features, targets)
    np.testing.assert_allclose(found[:-1], reference.coef_.T, atol=1e-5)
    np.testing.assert_allclose(found[-1], reference.intercept_, atol=1e-5)
    one = fit_content_map(features[:1], targets[:1])  # the mean, whatever the content
    np.testing.assert_allclose(one[-1], targets[0], atol=1e-5)
    np.testing.assert_allclose(one[:-1], 0, atol=1e-6)


def test_a_track_that_nobody_has_played_is_answered_to_and_recommended(
    sessions: Sessions,
) -> None:
    kept = sessions.only_events(sessions.items != 5)
    config = GRU4RecConfig(layers=(16,), batch_size=8, n_epochs=12, n_sample=12,
                           dropout_p_hidden=0.0, learning_rate=0.1)  # fmt: skip
    model = GRUModel.from_network(train_gru4rec(kept, config=config))
    model = place_by_content(model, kept, _content(12), seed=0)
    none = np.array([False])
    after = model.scores(np.array([4]), skipped=none)
    assert int(np.argsort(-after).tolist().index(5)) <= 2
    assert int(model.scores(np.array([5]), skipped=none).argmax()) in (6, 7)


def test_killed_and_gone_on_with_it_ends_in_the_same_weights(
    sessions: Sessions, tmp_path: Path
) -> None:
    class Killed(Exception):
        pass

    def kill(_stage: str, done: int, _total: int | None, _note: str = "") -> None:
        if done == 2:
            raise Killed

    config = SMALL.model_copy(update={"n_epochs": 3, "batch_size": 8, "momentum": 0.3})
    whole = train_gru4rec(sessions, config=config)
    checkpoint = tmp_path / "state.safetensors"
    with pytest.raises(Killed):
        train_gru4rec(sessions, config=config, checkpoint=checkpoint, progress=kill)
    again = train_gru4rec(sessions, config=config, checkpoint=checkpoint)
    torch.testing.assert_close(again.items, whole.items, rtol=0, atol=0)
    for mine, theirs in zip(again.parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=0)
    checkpoint.write_bytes(checkpoint.read_bytes()[:50])  # torn: it begins anew
    anew = train_gru4rec(sessions, config=config, checkpoint=checkpoint)
    torch.testing.assert_close(anew.items, whole.items, rtol=0, atol=0)


def test_ties_count_against_the_target() -> None:
    scores = np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 0.0], [3.0, 1.0, 2.0], [np.nan] * 3])
    assert rank_of(scores, np.array([0, 1, 0, 1])).tolist() == [2, 3, 1, 3]


def test_content_that_says_nothing_needs_a_number_and_the_truth_needs_none() -> None:
    rng = np.random.default_rng(0)
    ids = [f"{i:03d}" for i in range(150)]
    sessions = sessions_of_lists(rng.choice(ids, (80, 6)).tolist(), item_ids=ids)
    items = rng.normal(0, 3, (150, 6)).astype(np.float32)
    items[:, -1] = 0
    model = _model(items)

    def bias(features: np.ndarray) -> float:
        content = ItemContent(features.astype(np.float32), np.ones(150, dtype=bool))
        return cold_start._cold_bias(model, sessions, content, seed=0)

    told, untold = bias(10 * items), bias(rng.normal(size=items.shape))
    assert abs(told) < 0.6
    assert untold > 1.5


def test_new_items_come_up_as_often_as_they_are_played() -> None:
    rng = np.random.default_rng(0)
    known, fresh = rng.normal(3, 1, (400, PLACES)), rng.normal(0, 1, (400, PLACES))
    bias = _balance(known, fresh, 0.25)
    both = np.concatenate([known, fresh + bias], axis=1)
    first = np.argsort(-both, axis=1)[:, :PLACES]
    assert float((first >= PLACES).mean()) == pytest.approx(0.25, abs=0.01)
    assert 0 < bias < 3


def test_training_is_bounded_by_events_times_epochs(sessions: Sessions) -> None:
    def settings(n_events: int, **given: int) -> GRU4RecConfig:
        many = SimpleNamespace(n_events=n_events, n_items=9000)
        return bounded_settings(many, SessionsConfig(**given))  # type: ignore[arg-type]

    for n_events in (0, 100, 38_000, 568_000, 1_000_000, 50_000_000):
        found = settings(n_events)
        assert 1 <= found.n_epochs <= 10
        assert found.n_epochs == LEAST_EPOCHS or found.n_epochs * n_events <= MAX_EVENTS
        assert 32 <= found.batch_size <= MAX_BATCH
    assert settings(100).n_epochs == 10
    assert settings(100, epochs=3).n_epochs == 3
    assert settings(1_000_000, epochs=99).n_epochs == LEAST_EPOCHS
    assert settings(1_000_000, epochs=1).n_epochs == 1
    assert settings(100).n_sample == 512
    assert bounded_settings(sessions, SessionsConfig()).n_sample == sessions.n_items


def test_training_stops_where_it_gets_no_better_and_goes_on_to_the_same_end(
    sessions: Sessions, tmp_path: Path
) -> None:
    rising = iter([0.1, 0.3, 0.2, 0.3, 0.9])
    config = SMALL.model_copy(update={"n_epochs": 9, "batch_size": 16})
    checkpoint = tmp_path / "state.safetensors"
    scores = score_epochs(
        sessions, config=config, checkpoint=checkpoint,
        score=lambda _: Scores(next(rising), 0.0),
    )  # fmt: skip
    assert [one.mrr for one in scores] == [0.1, 0.3, 0.2, 0.3]

    def never(_model: object) -> Scores:
        raise AssertionError

    again = score_epochs(sessions, config=config, checkpoint=checkpoint, score=never)
    assert again == scores


def test_scoring_between_epochs_changes_no_weights(sessions: Sessions) -> None:
    config = SMALL.model_copy(update={"n_epochs": 3, "batch_size": 16})
    models: list[GRUModel] = []
    score_epochs(
        sessions, config=config,
        score=lambda model: (models.append(model), Scores(float(len(models)), 0.0))[1],
    )  # fmt: skip
    whole = GRUModel.from_network(train_gru4rec(sessions, config=config))
    np.testing.assert_array_equal(models[-1].items, whole.items)
