"""One listener's history: sessions factorised in place of listeners, from plays to the blend."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from audiorec import artifacts
from audiorec.data import import_plays
from audiorec.exceptions import DataError, ParameterError
from audiorec.factors import Factors, load_factors
from audiorec.pipeline import Pipeline, Recipe, forget
from audiorec.workspace import Workspace

SESSIONS = Recipe(factors={"factors": 4, "regularization": 1.0, "rows": "sessions"})
N_SESSIONS, LENGTH, PER_STYLE = 60, 6, 8


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    """One listener, whose every session is of one of two styles; and a friend's one play."""
    rng = np.random.default_rng(0)
    rows = []
    for number in range(N_SESSIONS):
        style = "xy"[number % 2]
        chosen = rng.choice(PER_STYLE, LENGTH, replace=False)
        start = 1_700_000_000 + number * 86_400
        rows += [("me", f"{style}{t}", start + 200 * i) for i, t in enumerate(chosen)]
    rows.append(("friend", "x0", 1_700_000_000))
    frame = pl.DataFrame(rows, schema=["user_id", "track_id", "timestamp"], orient="row")
    frame.with_columns(plays=pl.lit(1)).write_csv(tmp_path / "plays.csv")
    made = Workspace(tmp_path / "workspace")
    with made.writing():
        import_plays(made.plays, tmp_path / "plays.csv")
    return made


def test_what_is_played_together_comes_together(workspace):
    (report,) = Pipeline(workspace, recipe=SESSIONS, remember=False).run(("factors",))
    assert report.summary.startswith("60 sessions of 2 listeners, 16 tracks")
    factors = load_factors(workspace.factors)
    assert factors.users.ids == ("friend", "me") and len(factors.sessions) == N_SESSIONS
    tracks = factors.tracks.normalized()
    alike = tracks.vectors @ tracks.vectors.T
    same = np.array([[a[0] == b[0] for b in tracks.ids] for a in tracks.ids])
    assert alike[same].min() > alike[~same].max()
    mine = factors.tracks.vectors @ factors.users["me"]
    assert mine.min() > 0.3 and mine.max() < 0.6, "the share of their sessions that has it: 3 in 8"
    friend = factors.tracks.vectors @ factors.users["friend"]
    in_style = np.array([i[0] == "x" for i in factors.tracks.ids])
    assert friend[in_style].mean() > 0.2 > friend[~in_style].mean()


def test_listeners_alone_give_none(workspace):
    recipe = Recipe(factors={"factors": 4})
    with pytest.raises(DataError, match=r"rows = \"sessions\"\), or do without"):
        Pipeline(workspace, recipe=recipe, remember=False).run(("factors",))


def test_the_gap_makes_them_stale(workspace):
    Pipeline(workspace, recipe=SESSIONS, remember=False).run(("factors",))
    made = artifacts.load_manifest(workspace.factors, kind="factors")
    assert made.extra["session_gap_minutes"] == 30.0
    (again,) = Pipeline(workspace, recipe=SESSIONS, remember=False).run(("factors",))
    assert not again.worked
    half_a_day = Recipe(factors=SESSIONS.factors, sessions={"session_gap_minutes": 720.0})
    (other,) = Pipeline(workspace, recipe=half_a_day, remember=False).run(("factors",))
    assert other.worked and other.summary.startswith("60 sessions")


def test_a_listener_is_forgotten_with_their_sessions(workspace):
    Pipeline(workspace, recipe=SESSIONS, remember=False).run(("factors",))
    with workspace.writing():
        forget(workspace, "me")
    factors = load_factors(workspace.factors)
    assert factors.users.ids == ("friend",) and factors.sessions is None


def test_factors_of_other_dimensions_do_not_fit(workspace):
    Pipeline(workspace, recipe=SESSIONS, remember=False).run(("factors",))
    factors = load_factors(workspace.factors)
    narrow = type(factors.users)(("s",), np.ones((1, 3), dtype=np.float32))
    with pytest.raises(ParameterError, match="3 dimensions do not fit"):
        Factors(factors.users, factors.tracks, narrow)
