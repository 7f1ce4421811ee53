"""What is excluded stands in no answer, whatever the rules and whatever is asked."""

from __future__ import annotations

import shutil

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audiorec.data import Exclusion, excluded_tracks, import_plays, save_exclusions
from audiorec.data.catalog import save_descriptors
from audiorec.exceptions import ArtifactError, NotFoundError
from audiorec.playlist import PlaylistRequest, build_playlist
from audiorec.recommend import Library, join_with_listener, tracks_played_by
from audiorec.recommend.rank_fusion import N_FUSED
from audiorec.sessions import GRU4RecConfig, SessionsConfig, answer_session, train_sessions
from audiorec.workspace import Workspace

from .conftest import DIM, SEEDS, N, make_workspace

GRU = GRU4RecConfig(
    layers=(8,), batch_size=8, n_epochs=1, n_sample=8, learning_rate=0.1, dropout_p_hidden=0.0
)
ASKED = SEEDS | {"reorder": {"seeds": tuple(f"t{n:03d}" for n in range(20))}}


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """Sessions of two listeners over all tracks, a tempo and an energy of each."""
    path = tmp_path_factory.mktemp("exclusions")
    vectors = np.random.default_rng(0).standard_normal((N, DIM)).astype(np.float32)
    workspace = make_workspace(path / "ws", vectors)
    rng = np.random.default_rng(1)
    rows = [
        (
            ("me", "you")[number % 2],
            f"t{track:03d}",
            1.0,
            1_600_000_000 + 7200 * number + 200 * step,
        )
        for number in range(80)
        for step, track in enumerate(rng.choice(N, 6, replace=False))
    ]
    schema = ["user_id", "track_id", "plays", "timestamp"]
    pl.DataFrame(rows, schema=schema, orient="row").write_csv(path / "plays.csv")
    import_plays(workspace.plays, path / "plays.csv")
    train_sessions(workspace, config=SessionsConfig(), gru=GRU, inputs={})
    values = {f"t{n:03d}": (str(n), rng.uniform(60, 90, 5).astype(np.float32)) for n in range(N)}
    save_descriptors(workspace.descriptors, values)
    return Library(workspace)


RULES = st.lists(
    st.one_of(
        st.builds(Exclusion, st.just("genre"), st.sampled_from(["jazz", "rock", "house"])),
        st.builds(Exclusion, st.just("artist"), st.integers(0, 45).map("Artist {}".format)),
        st.builds(Exclusion, st.just("longer"), st.sampled_from(["4:30", "4:00"])),
        st.builds(Exclusion, st.just("path"), st.integers(0, 9).map("t{}*".format)),
    ),
    max_size=4,
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    kind=st.sampled_from(sorted(ASKED)),
    rules=RULES,
    diversity=st.sampled_from([0.0, 0.5]),
    window=st.integers(0, 6),
)
def test_nothing_that_is_excluded_ever_comes(library, kind, rules, diversity, window):
    file = library.workspace.exclusions
    save_exclusions(file, rules)
    try:
        hidden = excluded_tracks(library.catalog, rules)
        length = None if kind == "reorder" else 15
        request = PlaylistRequest(
            kind=kind, length=length, diversity=diversity, artist_window=window, **ASKED[kind]
        )
        try:
            playlist = build_playlist(library, request)
        except NotFoundError as error:
            assert "hidden" in str(error) or "no track" in str(error)
        else:
            assert hidden.isdisjoint(hit.track_id for hit in playlist.hits)
            assert len(playlist.entries) == 15 or playlist.notes or kind == "reorder"
        answers = [
            library.similar(["t000"], k=30),
            library.similar(["t000", "t050"], k=30),
            *library.similar_many([["t000"], ["t001", "t002"]], k=30),
            library.recommend("me", k=30),
            answer_session(library.workspace, ["t000", "t001"], k=200, without_audio=True).hits,
        ]
        for hits in answers:
            assert hidden.isdisjoint(hit.track_id for hit in hits)
    finally:
        file.unlink(missing_ok=True)


def test_continue_goes_on_as_the_sessions_do(library):
    seeds = ("t000", "t001")
    after = answer_session(library.workspace, seeds, k=100).hits
    playlist = build_playlist(library, PlaylistRequest(kind="continue", seeds=seeds, length=5))
    assert all("played after such tracks" in entry.reason for entry in playlist.entries)
    assert {hit.track_id for hit in playlist.hits} <= {hit.track_id for hit in after}


def test_continue_says_what_is_wrong_with_the_sessions(library, tmp_path):
    copy = tmp_path / "ws"
    shutil.copytree(library.workspace.root, copy)
    ids = min((copy / "sessions").glob("ids*"))
    ids.write_bytes(ids.read_bytes()[:-9])
    request = PlaylistRequest(kind="continue", seeds=("t000",), length=5)
    with pytest.raises(ArtifactError, match="run 'audiorec sessions'"):
        build_playlist(Library(Workspace(copy)), request)
    shutil.rmtree(copy / "sessions")
    playlist = build_playlist(Library(Workspace(copy)), request)
    assert all("goes on from" in entry.reason for entry in playlist.entries)


def test_a_listener_and_a_session_are_joined(library):
    answer = answer_session(library.workspace, ["t000", "t001"], k=N_FUSED)
    played = tracks_played_by(library.workspace, "me")
    joined = join_with_listener(library, answer, "me", k=20)
    assert [hit.rank for hit in joined] == list(range(1, 21))
    assert {"t000", "t001", *played}.isdisjoint(hit.track_id for hit in joined)
    with_heard = join_with_listener(library, answer, "me", k=20, include_played=True)
    assert not played.isdisjoint(hit.track_id for hit in with_heard)
    assert {"t000", "t001"}.isdisjoint(hit.track_id for hit in with_heard)


def test_the_sessions_do_answer_where_nothing_is_excluded(library):
    hits = answer_session(library.workspace, ["t000", "t001"], k=200, without_audio=True).hits
    assert len(hits) > 50
