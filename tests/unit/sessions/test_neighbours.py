"""Session neighbours, rules and popularity, beside slow twins."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiorec.data import Sessions
from audiorec.sessions import (
    AssociationRules,
    ContentNeighbours,
    Popularity,
    SequentialRules,
    SessionModel,
    SessionNeighbours,
    SessionPopularity,
)
from audiorec.sessions.neighbours import Kind

from ..session_lists import sessions_of_lists

IDS = [str(i) for i in range(6)]
LISTS = st.lists(st.lists(st.sampled_from(IDS), min_size=1, max_size=6), min_size=1, max_size=12)
FITS: list[Callable[[Sessions], SessionModel]] = [
    Popularity.fit,
    SessionPopularity.fit,
    SequentialRules.fit,
    AssociationRules.fit,
    SessionNeighbours.fit,
    lambda sessions: SessionNeighbours.fit(sessions, kind="sknn"),
]


def slow_neighbours(
    past: list[list[str]], played: list[str], *, kind: Kind, k: int, sample_size: int
) -> np.ndarray:
    position = {item: i for i, item in enumerate(played, 1)}
    sharing = [r for r, items in enumerate(past) if set(items) & set(played)][-sample_size:]
    found = []
    for row in sharing:
        shared = set(past[row]) & set(played)
        worth = len(shared) if kind == "sknn" else sum(position[i] / len(played) for i in shared)
        similarity = worth / np.sqrt(len(set(past[row])) * len(set(played)))
        steps = len(played) - max(position[i] for i in shared) + 1
        found.append((similarity, row, 1 if kind == "sknn" else 1 / steps))
    found.sort(key=lambda entry: (-round(entry[0], 12), -entry[1]))
    scores = np.zeros(len(IDS))
    for similarity, row, decay in found[:k]:
        for item in set(past[row]):
            scores[int(item)] += similarity * decay
    return scores


@given(LISTS, st.lists(st.sampled_from(IDS), min_size=1, max_size=5),
       st.sampled_from(["sknn", "vsknn"]), st.integers(1, 4), st.integers(1, 6))  # fmt: skip
def test_neighbours_score_as_the_slow_twin(
    past: list[list[str]], played: list[str], kind: Kind, k: int, sample_size: int
) -> None:
    model = SessionNeighbours.fit(
        sessions_of_lists(past, item_ids=IDS), kind=kind, k=k, sample_size=sample_size
    )
    items = np.array([int(i) for i in played])
    got = model.scores(items, skipped=np.zeros(len(items), dtype=bool))
    expected = slow_neighbours(past, played, kind=kind, k=k, sample_size=sample_size)
    np.testing.assert_allclose(got, expected, atol=1e-5)


@given(LISTS, st.sampled_from(IDS))
def test_rules_count_as_the_slow_twin(past: list[list[str]], last: str) -> None:
    sessions = sessions_of_lists(past, item_ids=IDS)
    sequential, association = np.zeros(6), np.zeros(6)
    for items in past:
        for i, a in enumerate(items):
            for j, b in enumerate(items):
                sequential[int(b)] += 1 / (j - i) if a == last and j > i else 0
                association[int(b)] += a == last and i != j
    items, none = np.array([0, int(last)]), np.zeros(2, dtype=bool)
    got = SequentialRules.fit(sessions).scores(items, skipped=none)
    np.testing.assert_allclose(got, sequential, atol=1e-5)
    got = AssociationRules.fit(sessions).scores(items, skipped=none)
    np.testing.assert_allclose(got, association, atol=1e-5)


def test_recency_sets_vsknn_apart_from_sknn() -> None:
    sessions = sessions_of_lists([["0", "4"], ["1", "5"]], item_ids=IDS)
    played, none = np.array([0, 1]), np.zeros(2, dtype=bool)
    vsknn = SessionNeighbours.fit(sessions).scores(played, skipped=none)
    sknn = SessionNeighbours.fit(sessions, kind="sknn").scores(played, skipped=none)
    assert vsknn[5] > vsknn[4]
    assert sknn[5] == pytest.approx(sknn[4])


def test_popularity_and_session_popularity() -> None:
    sessions = sessions_of_lists([["0", "1"], ["1", "2"], ["1", "2"]], item_ids=IDS)
    played, none = np.array([0, 0, 2]), np.zeros(3, dtype=bool)
    assert Popularity.fit(sessions).scores(played, skipped=none)[:3].tolist() == [1, 3, 2]
    scores = SessionPopularity.fit(sessions).scores(played, skipped=none)
    assert np.argsort(-scores)[:3].tolist() == [0, 2, 1]


@pytest.mark.parametrize("fit", FITS)
def test_one_and_many_agree_and_what_was_skipped_says_nothing(
    fit: Callable[[Sessions], SessionModel],
) -> None:
    rng = np.random.default_rng(0)
    past = [[str(i) for i in rng.integers(6, size=4)] for _ in range(30)]
    sessions = sessions_of_lists(past, item_ids=IDS)
    model = fit(sessions)
    items, none = np.array([1, 4, 4, 2]), np.zeros(4, dtype=bool)
    prefixes = model.prefix_scores(items, skipped=none)
    for n in range(1, 5):
        np.testing.assert_array_equal(model.scores(items[:n], skipped=none[:n]), prefixes[n - 1])
    skipped = np.array([False, False, True, False])
    np.testing.assert_array_equal(
        model.scores(items, skipped=skipped), model.scores(items[[0, 1, 3]], skipped=none[:3])
    )
    # A session of skips alone has nothing to go by but popularity.
    everything = model.scores(items, skipped=np.ones(4, dtype=bool))
    assert int(everything.argmax()) == int(sessions.supports.argmax())
    # Nor is anything learned from a skipped play.
    gone = replace(sessions, skipped=sessions.items == 5)
    assert fit(gone).scores(np.array([1]), skipped=none[:1])[5] == 0


def test_items_that_no_neighbour_has_are_ordered_by_popularity() -> None:
    sessions = sessions_of_lists([["0", "1"], ["2", "3"], ["2", "4"], ["2", "4"]], item_ids=IDS)
    scores = SessionNeighbours.fit(sessions).scores(np.array([0]), skipped=np.array([False]))
    assert np.argsort(-scores, kind="stable").tolist()[2:5] == [2, 4, 3]


def test_content_neighbours_of_the_last_item() -> None:
    features = np.array([[1, 0], [0.9, 0.1], [0, 1], [0, 0]], dtype=np.float32)
    model = ContentNeighbours(features)
    played, none = np.array([2, 0]), np.zeros(2, dtype=bool)
    assert np.argsort(-model.scores(played, skipped=none)).tolist() == [1, 2, 3, 0]
    skipped = np.array([False, True])
    assert model.scores(played, skipped=skipped)[1] == pytest.approx(0.110, abs=1e-3)
    nothing = model.scores(played, skipped=np.ones(2, dtype=bool))
    assert nothing.tolist() == [0, 0, 0, 0]


def test_ten_thousand_sessions_answer_fast() -> None:
    rng = np.random.default_rng(0)
    items = (rng.pareto(1, 100_000) * 20).astype(int) % 5000
    ids = [str(i) for i in range(5000)]
    sessions = Sessions(
        tuple(ids), items.astype(np.int32), np.arange(0, 100_001, 10),
        np.arange(10_000.0), np.zeros(100_000, dtype=bool),
    )  # fmt: skip
    model = SessionNeighbours.fit(sessions, k=500, sample_size=5000)
    played, none = items[:20], np.zeros(20, dtype=bool)
    model.scores(played, skipped=none)
    seconds = []
    for _ in range(20):
        start = time.thread_time()  # whatever else the machine is at
        model.scores(played, skipped=none)
        seconds.append(time.thread_time() - start)
    assert min(seconds) < 0.005
