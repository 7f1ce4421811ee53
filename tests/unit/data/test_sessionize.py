"""Plays whose listeners are sessions."""

from __future__ import annotations

import polars as pl
import pytest

from audiorec.data import session_rows
from audiorec.exceptions import NoSessionsError

BEGIN = 1_700_000_000


def plays(*rows: tuple[str, str, int | None], **more: list) -> pl.DataFrame:
    schema = {"user_id": pl.String, "track_id": pl.String, "timestamp": pl.Int64}
    frame = pl.DataFrame(rows, schema=schema, orient="row").with_columns(plays=pl.lit(1.0))
    return frame.with_columns(pl.Series(name, values) for name, values in more.items())


def groups(frame: pl.DataFrame) -> set[frozenset[str]]:
    """Tracks of each row of the factorisation."""
    return {frozenset(rows["track_id"]) for _, rows in frame.group_by("user_id")}


def test_a_pause_parts_sessions():
    minute = 60
    frame = plays(
        ("me", "a", BEGIN), ("me", "b", BEGIN + 29 * minute), ("me", "c", BEGIN + 60 * minute),
        ("me", "counted", None), ("you", "a", BEGIN + minute),
    )  # fmt: skip
    found = session_rows(frame).plays
    assert groups(found) == {frozenset("ab"), frozenset("c"), frozenset("a")}
    assert groups(session_rows(frame, gap_minutes=31).plays) == {frozenset("abc"), frozenset("a")}
    assert found.columns == frame.columns


def test_playlists_and_named_sessions_are_sessions():
    frame = plays(
        ("evening", "a", None), ("evening", "b", None), ("me", "c", BEGIN), ("me", "d", BEGIN + 1),
        playlist=[True, True, False, False], session_id=[None, None, "1", "2"],
    )  # fmt: skip
    assert groups(session_rows(frame).plays) == {frozenset("ab"), frozenset("c"), frozenset("d")}


def test_ids_hold_no_name_and_stay_when_plays_come():
    first = plays(("anna", "a", BEGIN), ("anna", "b", BEGIN + 60))
    more = pl.concat([first, plays(("anna", "c", BEGIN + 120), ("anna", "d", BEGIN + 90_000))])
    before, after = session_rows(first).plays, session_rows(more).plays
    assert before["user_id"].n_unique() == 1
    assert set(before["user_id"]) < set(after["user_id"])
    assert "anna" not in "".join(after["user_id"])
    assert session_rows(more).owners == dict.fromkeys(after["user_id"], "anna")


def test_without_times_there_are_none():
    with pytest.raises(NoSessionsError, match="neither a time nor a session_id"):
        session_rows(plays(("me", "a", None)))
