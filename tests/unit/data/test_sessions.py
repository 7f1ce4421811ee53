"""Sessions from plays with times, with a session_id, and from playlists."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiorec.data import Sessions, import_plays, load_sessions, make_sessions
from audiorec.exceptions import ArtifactError, DataError, ParameterError

from ..session_lists import sessions_of_lists

DAY = 86_400


def frame(*rows: tuple[object, ...], columns: str = "user_id track_id timestamp") -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=columns.split(), orient="row")


def named(sessions: Sessions) -> list[list[str]]:
    return [[sessions.item_ids[i] for i in sessions.session(r)] for r in range(len(sessions))]


def test_a_pause_longer_than_the_gap_parts_sessions() -> None:
    plays = frame(
        ("u", "a", 0), ("u", "b", 1800), ("u", "c", 3601), ("v", "a", 100), ("u", "d", 3700)
    )  # fmt: skip
    assert named(make_sessions(plays)) == [["a", "b"], ["a"], ["c", "d"]]
    assert named(make_sessions(plays, gap_minutes=31)) == [["a", "b", "c", "d"], ["a"]]


def test_sessions_come_in_order_of_their_starts() -> None:
    plays = frame(("u", "late", 9000), ("v", "early", 10), ("w", "middle", 500))
    sessions = make_sessions(plays)
    assert named(sessions) == [["early"], ["middle"], ["late"]]
    assert sessions.starts.tolist() == [10, 500, 9000]


def test_a_session_id_holds_whatever_the_times_say() -> None:
    columns = "user_id track_id timestamp session_id"
    plays = frame(
        ("u", "a", 0, "x"), ("u", "b", 9 * DAY, "x"), ("u", "c", 60, "y"), ("v", "d", 61, "x"),
        columns=columns,
    )  # fmt: skip
    assert named(make_sessions(plays)) == [["a", "b"], ["c"], ["d"]]


def test_times_that_go_backwards_are_sorted_and_counted() -> None:
    columns = "user_id track_id timestamp session_id"
    plays = frame(
        ("u", "b", 50, "x"), ("u", "a", 10, "x"), ("u", "c", 60, "y"), ("u", "d", 70, "y"),
        columns=columns,
    )  # fmt: skip
    sessions = make_sessions(plays)
    assert named(sessions) == [["a", "b"], ["c", "d"]]
    assert sessions.left_out.backward_sessions == 1
    assert sessions.left_out.summary() == "1 sessions sorted whose times went backwards"


def test_equal_times_keep_the_order_of_the_file_and_are_counted() -> None:
    sessions = make_sessions(frame(("u", "z", 5), ("u", "a", 5), ("u", "m", 5), ("u", "b", 6)))
    assert named(sessions) == [["z", "a", "m", "b"]]
    assert sessions.left_out.tied_events == 2
    assert "2 plays at equal times" in sessions.left_out.summary()


def test_playlists_are_sessions_without_a_time_and_come_first() -> None:
    columns = "user_id track_id timestamp playlist"
    plays = frame(
        ("u", "a", 5, False), ("list", "z", None, True), ("list", "y", None, True),
        ("u", "b", 6, False), columns=columns,
    )  # fmt: skip
    sessions = make_sessions(plays)
    assert named(sessions) == [["z", "y"], ["a", "b"]]
    assert np.isnan(sessions.starts[0])
    assert sessions.starts[1] == 5


def test_skips_are_kept_as_such() -> None:
    columns = "user_id track_id timestamp skipped"
    plays = frame(("u", "a", 1, 0.0), ("u", "b", 2, 1.0), ("u", "c", 3, None), columns=columns)
    sessions = make_sessions(plays)
    assert sessions.skipped.tolist() == [False, True, False]
    assert sessions.supports.tolist() == [1, 0, 1]


def test_plays_without_any_order_are_no_sessions() -> None:
    with pytest.raises(DataError, match=r"no sessions: 2 plays have neither a time nor"):
        make_sessions(frame(("u", "a", None), ("u", "b", None)).cast({"timestamp": pl.Int64}))
    with pytest.raises(ParameterError, match="gap_minutes=0 must be above 0"):
        make_sessions(frame(("u", "a", 1)), gap_minutes=0)


def test_rare_items_and_sessions_of_one_are_left_out_until_all_have_enough() -> None:
    lists = [["a", "b"], ["a", "b"], ["a", "c"], ["b", "d"], ["d", "c"], ["e"]]
    kept = sessions_of_lists(lists).pruned(min_support=3)
    # c and d have two plays each; without them their sessions are of one, and a and b have two.
    assert len(kept) == 0
    kept = sessions_of_lists(lists).pruned(min_support=2)
    assert named(kept) == lists[:5]
    assert kept.left_out.rare_items == 1
    assert kept.left_out.single_sessions == 1
    assert kept.item_ids == ("a", "b", "c", "d")


def test_a_session_with_one_play_beside_skips_is_one_of_one() -> None:
    columns = "user_id track_id timestamp skipped"
    plays = frame(("u", "a", 1, 0.0), ("u", "b", 2, 1.0), columns=columns)
    kept = make_sessions(plays).pruned(min_support=1)
    assert len(kept) == 0
    assert kept.left_out.single_sessions == 1


@given(st.lists(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=6), min_size=1))
def test_leaving_out_events_keeps_the_order_of_the_rest(lists: list[list[str]]) -> None:
    sessions = sessions_of_lists(lists, item_ids="abcdef")
    kept = sessions.only_events(sessions.items >= 2)
    slow = [[i for i in ids if i not in "ab"] for ids in lists]
    assert named(kept) == [ids for ids in slow if len(ids) >= 2]


def test_stored_plays_and_playlists_become_sessions(tmp_path: Path) -> None:
    csv = tmp_path / "plays.csv"
    csv.write_text(
        "user_id,track_id,plays,timestamp,skipped,session_id\n"
        "u,a,1,100,0,s1\nu,b,1,99000,1,s1\nu,c,1,99100,0,s1\nv,a,1,5,0,\nv,c,1,90,0,\nv,b,1,99,0,\n"
    )
    music = tmp_path / "music"
    music.mkdir()
    (music / "list.m3u").write_text("z.mp3\ny.mp3\nz.mp3\n")
    paths = {str(music / f"{name}.mp3"): name for name in "yz"}
    directory = tmp_path / "plays"
    import_plays(directory, csv)
    import_plays(directory, music, source="m3u", paths=paths)
    sessions = load_sessions(directory)
    assert named(sessions) == [["z", "y", "z"], ["a", "c", "b"], ["a", "b", "c"]]
    assert sessions.skipped.tolist() == [False] * 7 + [True, False]
    assert named(load_sessions(directory, without_users={"u"})) == [
        ["z", "y", "z"],
        ["a", "c", "b"],
    ]
    with pytest.raises(DataError, match=r"no session has two plays .* at least 9 plays"):
        load_sessions(directory, min_support=9)


def test_without_stored_plays_it_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="there are no plays"):
        load_sessions(tmp_path / "none")
