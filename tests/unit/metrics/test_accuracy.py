"""Every metric against values worked out by hand and against a slow twin over all tied orders."""

from __future__ import annotations

from itertools import permutations, product
from math import log2

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from audiorec import metrics
from audiorec.exceptions import ParameterError

# ---- readable twins: one listener, one order --------------------------------------------------


def slow_auc(ranked: list[bool]) -> float:
    pairs = [(i, j) for i, r in enumerate(ranked) for j, s in enumerate(ranked) if r and not s]
    return sum(i < j for i, j in pairs) / len(pairs)


def slow_average_precision(ranked: list[bool], *, k: int) -> float:
    total = 0.0
    for place in range(min(k, len(ranked))):
        if ranked[place]:
            total += sum(ranked[: place + 1]) / (place + 1)
    return total / min(k, sum(ranked))


def slow_ndcg(ranked: list[bool], *, k: int) -> float:
    def dcg(order: list[bool]) -> float:
        return sum(1 / log2(place + 2) for place, hit in enumerate(order[:k]) if hit)

    return dcg(ranked) / dcg(sorted(ranked, reverse=True))


def slow_recall(ranked: list[bool], *, k: int) -> float:
    return sum(ranked[:k]) / sum(ranked)


def over_all_orders(metric, scores: list[float], relevant: list[bool], **settings) -> float:
    """Mean of a one-order metric over every order that the scores allow."""
    groups = [
        [relevant[i] for i, s in enumerate(scores) if s == value]
        for value in sorted(set(scores), reverse=True)
    ]
    values = [
        metric([hit for group in orders for hit in group], **settings)
        for orders in product(*(list(permutations(group)) for group in groups))
    ]
    return float(np.mean(values))


TWINS = [
    (metrics.auc, slow_auc, {}),
    (metrics.average_precision, slow_average_precision, {"k": 500}),
    (metrics.average_precision, slow_average_precision, {"k": 2}),
    (metrics.ndcg, slow_ndcg, {"k": 3}),
    (metrics.ndcg, slow_ndcg, {"k": 50}),
    (metrics.recall, slow_recall, {"k": 1}),
    (metrics.recall, slow_recall, {"k": 3}),
]


@pytest.mark.parametrize(("fast", "slow", "settings_"), TWINS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_the_expected_value_over_all_orders_of_the_tied(fast, slow, settings_, data) -> None:
    n = data.draw(st.integers(2, 6))
    scores = data.draw(st.lists(st.integers(0, 3).map(float), min_size=n, max_size=n))
    relevant = data.draw(
        st.lists(st.booleans(), min_size=n, max_size=n).filter(lambda r: 0 < sum(r) < len(r))
    )
    found = fast(metrics.rank(np.array([scores]), np.array([relevant])), **settings_)[0]
    assert found == pytest.approx(over_all_orders(slow, scores, relevant, **settings_))


def test_values_worked_out_by_hand() -> None:
    scores = np.array([[9.0, 8, 7, 6, 5]])
    relevant = np.array([[True, False, True, False, False]])
    positions = metrics.rank(scores, relevant)
    assert metrics.auc(positions)[0] == pytest.approx(5 / 6)
    assert metrics.average_precision(positions)[0] == pytest.approx((1 + 2 / 3) / 2)
    assert metrics.average_precision(positions, k=1)[0] == pytest.approx(1.0)
    assert metrics.ndcg(positions, k=10)[0] == pytest.approx(1.5 / (1 + 1 / log2(3)))
    assert metrics.ndcg(positions, k=2)[0] == pytest.approx(1 / (1 + 1 / log2(3)))
    assert metrics.recall(positions, k=2)[0] == pytest.approx(0.5)


def test_equal_scores_are_chance_exactly() -> None:
    scores, relevant = np.zeros((1, 4)), np.array([[True, False, False, False]])
    positions = metrics.rank(scores, relevant)
    assert metrics.auc(positions)[0] == 0.5
    assert metrics.recall(positions, k=1)[0] == 0.25
    assert metrics.average_precision(positions)[0] == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4)


def test_a_tie_across_the_cut_counts_in_part() -> None:
    scores = np.array([[3.0, 2, 2, 1]])
    relevant = np.array([[False, True, False, False]])
    positions = metrics.rank(scores, relevant)
    assert metrics.recall(positions, k=2)[0] == 0.5


def test_nothing_relevant_has_no_value() -> None:
    scores = np.array([[2.0, 1.0], [2.0, 1.0]])
    relevant = np.array([[False, False], [True, False]])
    for values in metrics.evaluate(scores, relevant).values():
        assert np.isnan(values[0])
        assert np.nanmean(values) == 1.0


def test_auc_has_no_value_where_everything_is_relevant() -> None:
    values = metrics.evaluate(np.array([[2.0, 1.0]]), np.array([[True, True]]))
    assert np.isnan(values.pop("AUC")[0])
    assert all(value[0] == pytest.approx(1.0) for value in values.values())


def test_the_excluded_are_as_if_they_were_not_there() -> None:
    rng = np.random.default_rng(3)
    scores = rng.integers(0, 5, (40, 12)).astype(np.float32)
    relevant = rng.random((40, 12)) < 0.4
    exclude = rng.random((40, 12)) < 0.3
    found = metrics.evaluate(scores, relevant, exclude=exclude)
    for row in range(40):
        kept = ~exclude[row]
        alone = metrics.evaluate(scores[row : row + 1, kept], relevant[row : row + 1, kept])
        for name, value in alone.items():
            np.testing.assert_allclose(found[name][row], value[0], equal_nan=True)


worlds = st.tuples(st.integers(1, 8), st.integers(2, 30)).flatmap(
    lambda shape: st.tuples(
        hnp.arrays(np.float32, shape, elements=st.floats(-5, 5, width=32)),
        hnp.arrays(np.bool_, shape),
    )
)


@settings(deadline=None)
@given(worlds)
def test_values_are_from_0_to_1_and_1_where_the_order_is_ideal(world) -> None:
    scores, relevant = world
    has = relevant.any(axis=1)
    for name, values in metrics.evaluate(scores, relevant).items():
        inside = values[~np.isnan(values)]
        assert ((inside >= -1e-12) & (inside <= 1 + 1e-12)).all(), name
    ideal = metrics.evaluate(relevant.astype(np.float32), relevant)
    for name in ("AUC", "mAP@500", "nDCG@10", "nDCG@50", "recall@50"):
        known = ~np.isnan(ideal[name])
        assert known[has].all() or name == "AUC"
        np.testing.assert_allclose(ideal[name][known], 1.0)
    turned, straight = metrics.rank(-scores, relevant), metrics.rank(scores, relevant)
    np.testing.assert_allclose(metrics.auc(turned), 1 - metrics.auc(straight), equal_nan=True)


@settings(deadline=None, max_examples=30)
@given(worlds)
def test_one_listener_and_many_agree(world) -> None:
    scores, relevant = world
    together = metrics.evaluate(scores, relevant)
    for row in range(len(scores)):
        alone = metrics.evaluate(scores[row : row + 1], relevant[row : row + 1])
        for name in together:
            np.testing.assert_array_equal(together[name][row], alone[name][0])


def test_blocks_of_listeners_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    scores, relevant = rng.random((50, 20)), rng.random((50, 20)) < 0.2
    whole = metrics.evaluate(scores, relevant)
    monkeypatch.setattr("audiorec.metrics.accuracy.BLOCK_CELLS", 70)
    for name, values in metrics.evaluate(scores, relevant).items():
        np.testing.assert_array_equal(values, whole[name])


def test_arguments_stay_as_they_were() -> None:
    scores = np.array([[1.0, 2.0]])
    relevant, exclude = np.array([[True, False]]), np.array([[False, True]])
    for array in (scores, relevant, exclude):
        array.flags.writeable = False
    metrics.evaluate(scores, relevant, exclude=exclude)


@pytest.mark.parametrize(
    ("scores", "relevant", "message"),
    [
        (np.zeros(3), np.zeros(3, bool), "listeners x candidates"),
        (np.zeros((1, 3)), np.zeros((1, 2), bool), "must have the shape of scores"),
        (np.zeros((1, 2)), np.zeros((1, 2)), "must be boolean"),
        (np.array([[0.0, np.nan]]), np.zeros((1, 2), bool), "NaN or infinity"),
    ],
)
def test_bad_input_has_one_clear_line(scores, relevant, message) -> None:
    with pytest.raises(ParameterError, match=message) as caught:
        metrics.rank(scores, relevant)
    assert "\n" not in str(caught.value)


def test_k_must_be_positive() -> None:
    positions = metrics.rank(np.zeros((1, 2)), np.zeros((1, 2), bool))
    with pytest.raises(ParameterError, match="k=0 must be a positive"):
        metrics.ndcg(positions, k=0)
