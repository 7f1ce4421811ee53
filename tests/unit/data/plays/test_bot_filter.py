"""Bots among listeners: planted ones are found, people are not, and a readable twin agrees."""

from __future__ import annotations

from collections import defaultdict
from unittest.mock import patch

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiorec.data.plays import (
    InteractionsConfig,
    bot_filter,
    check_keep,
    daily_plays,
    find_suspects,
)
from audiorec.exceptions import DataError

DAY = 86_400
CONFIG = InteractionsConfig()


def frame(rows, columns=("user_id", "track_id", "plays", "timestamp")) -> pl.DataFrame:
    types = {"user_id": pl.String, "track_id": pl.String, "plays": pl.Float64,
             "timestamp": pl.Int64}  # fmt: skip
    return pl.DataFrame(rows, schema={name: types[name] for name in columns}, orient="row")


def people(n=200, *, seed=0, timed=True) -> list[tuple]:
    """Heavy-tailed listeners: up to hundreds of tracks, favourites played a hundred times."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(n):
        tracks = rng.permutation(400)[: int(np.clip(40 * rng.lognormal(0, 1), 3, 400))]
        for track in tracks:
            plays = min(int(1 + rng.lognormal(0.5, 1.3)), 300)
            for _ in range(1 if not timed else min(plays, 20)):
                time = int(rng.integers(700)) * DAY + int(rng.integers(DAY)) if timed else None
                rows.append((f"p{user:03d}", f"t{track:03d}", float(max(1, plays // 20)), time))
    return rows


def flood(user: str, n=3000, *, day=100) -> list[tuple]:
    """Thousands of single plays in a day, of a few hundred tracks, over two days."""
    start = day * DAY
    return [(user, f"t{i * 7 % 300:03d}", 1.0, start + i * DAY // n) for i in range(n)] + [
        (user, "t001", 1.0, start + DAY)
    ]


def loop(user: str, n=600, *, timed=True) -> list[tuple]:
    """One track over and over, on several days."""
    return [(user, "t042", float(n), (50 + d) * DAY if timed else None) for d in range(3)]


def copies(n: int, *, tracks=12, prefix="copy", seed=0, even=False) -> list[tuple]:
    rng = np.random.default_rng(seed)
    history = [
        (f"t{track:03d}", 1.0 if even else float(1 + i), int(rng.integers(700)) * DAY)
        for i, track in enumerate(rng.permutation(400)[:tracks])
    ]
    return [(f"{prefix}{user}", *row) for user in range(n) for row in history]


def names(suspects) -> set[tuple[str, str]]:
    return set(suspects.frame.select("user_id", "rule").rows())


def test_people_with_heavy_tails_are_believed() -> None:
    for rows in (people(), people(timed=False), people(seed=1)):
        assert not len(find_suspects(frame(rows), config=CONFIG))


def test_planted_bots_are_named_with_rule_reason_and_figures() -> None:
    rows = people() + flood("flood") + loop("loop") + copies(5)
    suspects = find_suspects(frame(rows), config=CONFIG)
    bots = {"flood", "loop", *(f"copy{n}" for n in range(5))}
    assert suspects.users == bots
    assert suspects.counts == {"daily": 1, "identical": 5, "repeat": 1}
    assert suspects.n_listeners == 207
    assert suspects.reason("flood") == "3000 plays on 1970-04-11"
    assert suspects.reason("loop") == "1800 of 1800 plays (100.0 %) are of track t042"
    assert suspects.reason("copy3") == (
        "the same 12 tracks, as often, as 4 other listeners, copy0 the first of them"
    )
    assert suspects.reason("p001") == ""
    row = suspects.frame.row(by_predicate=pl.col("user_id") == "flood", named=True)
    assert (row["figure"], row["limit"], row["kept"]) == (3000, 1000, False)
    assert suspects.summary() == "left out 7 suspect listeners (1 daily, 5 identical, 1 repeat)"
    assert "flood" in suspects and "p001" not in suspects


def test_leaving_out_gives_the_listening_without_them_again() -> None:
    genuine = frame(people())
    everything = pl.concat([genuine, frame(flood("a") + loop("z") + copies(4))])
    assert find_suspects(everything, config=CONFIG).without(everything).equals(genuine)
    assert find_suspects(genuine, config=CONFIG).without(genuine).equals(genuine)


def test_a_track_can_be_on_repeat_in_one_day_among_other_listening() -> None:
    other = [("p000", f"t{n:03d}", 9.0, (n + 1) * DAY) for n in range(200)]
    busy = [("p000", "t001", 1.0, 7 * DAY + n * 100) for n in range(501)]
    suspects = find_suspects(frame(people() + other + busy), config=CONFIG)
    assert suspects.frame["rule"].to_list() == ["repeat"]
    assert suspects.reason("p000") == "501 plays of track t001 on 1970-01-08"


def test_a_favourite_is_no_repeat_and_nor_is_a_count_that_is_usual_in_the_data() -> None:
    """Twenty other tracks, or counts of years for everybody, make a large count a person's."""
    fan = [("fan", "t000", 5000.0, None), *(("fan", f"t{n:03d}", 5.0, None) for n in range(1, 22))]
    assert not len(find_suspects(frame(people(timed=False) + fan), config=CONFIG))
    single = [("single", "t000", 30_000.0, None)]
    usual = [(u, t, plays * 2000, time) for u, t, plays, time in people(timed=False)]
    assert not len(find_suspects(frame(usual + single), config=CONFIG))
    assert find_suspects(frame(people(timed=False) + single), config=CONFIG).users == {"single"}


def test_without_times_or_without_the_column_no_day_is_counted() -> None:
    rows = [(*row[:3], None) for row in people() + flood("flood") + copies(3)]
    untimed = find_suspects(frame(rows), config=CONFIG)
    assert untimed.counts == {"identical": 3}
    bare = frame([row[:3] for row in rows], columns=("user_id", "track_id", "plays"))
    assert find_suspects(bare, config=CONFIG).frame.equals(untimed.frame)


def test_a_time_that_may_be_the_last_of_many_plays_is_no_day_of_plays() -> None:
    """A table of totals with the time of the last play, a bot's whole life in one day of it."""
    totals = [(f"p{u:03d}", f"t{t:03d}", 90.0, (t // 20 + u) * DAY) for u in range(30)
              for t in range(u, u + 60)]  # fmt: skip
    bot = [("bot", f"t{t:03d}", 400.0, 900 * DAY + t) for t in range(40)]
    assert not len(find_suspects(frame(totals), config=CONFIG))
    assert find_suspects(frame(totals + bot), config=CONFIG).users == {"bot"}


def test_who_has_heard_all_of_a_small_catalogue_is_no_copy() -> None:
    """Three of them have heard everything there is, in counts of their own."""
    rows = [(f"p{u}", f"t{t}", float(1 + (t * u) % 7), None) for u in range(30)
            for t in range(30 if u < 3 else u)]  # fmt: skip
    assert not len(find_suspects(frame(rows), config=CONFIG))


def test_small_or_even_histories_coincide_and_nobody_is_suspect() -> None:
    """Three who heard one album through, or a short record with the same counts."""
    for rows in (copies(3, tracks=12, even=True), copies(3, tracks=7), copies(2, tracks=30)):
        assert not len(find_suspects(frame(people() + rows), config=CONFIG))
    assert len(find_suspects(frame(people() + copies(3, tracks=16, even=True)), config=CONFIG)) == 3


def test_the_same_tracks_in_other_counts_are_copies_when_they_are_many() -> None:
    rows = copies(4, tracks=20)
    jittered = [(u, t, plays + int(u[-1]) * (i % 3), time) for i, (u, t, plays, time)
                in enumerate(rows)]  # fmt: skip
    suspects = find_suspects(frame(people() + jittered), config=CONFIG)
    assert suspects.counts == {"identical": 4}
    assert suspects.reason("copy1").startswith("the same 20 tracks as 3 other listeners")


def test_who_is_kept_is_told_and_not_left_out() -> None:
    rows = people() + flood("flood") + copies(3)
    config = InteractionsConfig(keep=("flood", "copy1"))
    suspects = find_suspects(frame(rows), config=config)
    assert suspects.users == {"copy0", "copy2"}
    assert set(suspects.frame.filter(pl.col("kept"))["user_id"]) == {"flood", "copy1"}
    assert "copy1" not in suspects and suspects.counts == {"identical": 2}
    check_keep(frame(rows), config=config)
    with pytest.raises(DataError, match=r"\[interactions\] keep names 'flod', who has no plays"):
        check_keep(frame(rows), config=InteractionsConfig(keep=("flood", "flod")))


def test_rules_can_be_switched_off() -> None:
    rows = frame(people() + flood("flood") + loop("loop") + copies(3))
    assert find_suspects(rows, config=InteractionsConfig(rules=())).users == frozenset()
    assert find_suspects(rows, config=InteractionsConfig(rules=("repeat",))).users == {"loop"}


def test_a_rule_that_names_most_listeners_is_told_and_not_followed() -> None:
    strict = InteractionsConfig(rules=("daily",))
    with patch.object(bot_filter, "PLAYS_PER_DAY", 1):
        suspects = find_suspects(frame(people()), config=strict)
    assert not suspects.users
    assert suspects.summary().startswith("rule 'daily' not followed: it names ")
    few = frame(flood("flood") + copies(3))
    assert len(find_suspects(few, config=CONFIG)) == 4


def test_nobody_is_suspect_where_nobody_is() -> None:
    suspects = find_suspects(frame([]), config=CONFIG)
    assert not suspects.users and suspects.summary() == ""
    assert suspects.to_json() == {
        "listeners": 0, "left_out": 0, "rules": {}, "not_followed": {}, "suspects": [],
    }  # fmt: skip


def slow_suspects(rows) -> set[tuple[str, str]]:
    """One listener and one rule after the other."""
    daily, total = defaultdict(float), defaultdict(lambda: defaultdict(float))
    days_of, pair_days = defaultdict(set), defaultdict(set)
    for user, track, plays, time in rows:
        total[user][track] += plays
        if time is not None:
            daily[user, track, time // DAY] += plays
            days_of[user].add(time // DAY)
            pair_days[user, track].add(time // DAY)
    totals_only = all(len(days) == 1 for days in pair_days.values())
    day_total = defaultdict(float)
    found = set()
    for (user, _, day), plays in daily.items():
        if totals_only and len(days_of[user]) > 1:
            continue
        day_total[user, day] += plays
        if plays > bot_filter.REPEAT_PER_DAY:
            found.add((user, "repeat"))
    found |= {(user, "daily") for (user, _), n in day_total.items() if n > bot_filter.PLAYS_PER_DAY}
    catalogue = len({track for _, track, _, _ in rows})
    usual = np.median([max(tracks.values()) for tracks in total.values()])
    for user, tracks in total.items():
        top = max(tracks.values())
        if (
            top >= max(bot_filter.REPEAT_PLAYS, 20 * usual)
            and top >= bot_filter.REPEAT_FRACTION * sum(tracks.values())
        ):  # fmt: skip
            found.add((user, "repeat"))
        same = [u for u in total if total[u] == tracks]
        uneven = len(set(tracks.values())) > 1
        long = uneven and len(tracks) >= bot_filter.IDENTICAL_TRACKS
        if long and len(same) >= bot_filter.IDENTICAL_LISTENERS:
            found.add((user, "identical"))
        alike = [u for u in total if set(total[u]) == set(tracks)]
        some = 2 * bot_filter.IDENTICAL_TRACKS <= len(tracks) <= catalogue / 2
        if some and len(alike) >= bot_filter.IDENTICAL_LISTENERS:
            found.add((user, "identical"))
    return found


few_rows = st.lists(
    st.tuples(
        st.sampled_from("abcdefg"), st.sampled_from("vwxyz"), st.sampled_from([1.0, 2.0, 40.0]),
        st.one_of(st.none(), st.sampled_from([0, 5, DAY - 1, DAY, 3 * DAY])),
    ),
    min_size=1, max_size=40,
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(few_rows, st.randoms(use_true_random=False))
def test_a_readable_twin_agrees_whatever_the_order(rows, random) -> None:
    limits = {
        "PLAYS_PER_DAY": 45, "REPEAT_PER_DAY": 41, "REPEAT_FRACTION": 0.8, "REPEAT_PLAYS": 30,
        "IDENTICAL_LISTENERS": 2, "IDENTICAL_TRACKS": 1,
    }  # fmt: skip
    with patch.multiple(bot_filter, **limits):
        suspects = find_suspects(frame(rows), config=CONFIG)
        assert names(suspects) == slow_suspects(rows)
        shuffled = list(rows)
        random.shuffle(shuffled)
        assert find_suspects(frame(shuffled), config=CONFIG).frame.equals(suspects.frame)
        assert find_suspects(daily_plays(frame(rows)), config=CONFIG).frame.equals(suspects.frame)
