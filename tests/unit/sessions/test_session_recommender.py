"""Next tracks of a workspace: with and without audio, cold tracks, and bad questions."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from audiorec import artifacts
from audiorec.data.catalog import Catalog
from audiorec.exceptions import (
    AmbiguousNameError,
    ArtifactError,
    DataError,
    NoSessionsError,
    NotFoundError,
    ParameterError,
)
from audiorec.pipeline import Pipeline, Recipe
from audiorec.recommend.rank_fusion import fuse_ranks
from audiorec.sessions import (
    SessionHit,
    SessionRecommender,
    SessionsConfig,
    SessionTrack,
    answer_session,
    have_sessions,
    next_tracks,
    train_sessions,
)
from audiorec.sessions.store import StoredModels
from audiorec.workspace import Workspace

from ...loaded_modules import modules_loaded_by_command
from .conftest import CONFIG, GRU, make_workspace, ring_plays, ring_vectors

MODELS = ("gru4rec", "vsknn", "sknn", "rules")


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "audiorec", *map(str, arguments)], capture_output=True, text=True,
        check=False,
    )  # fmt: skip


@pytest.mark.parametrize("model", MODELS)
def test_what_follows_on_the_ring_comes_first(silent_workspace: Workspace, model: str) -> None:
    answer = next_tracks(silent_workspace, ["t03", "t04"], k=3, model=model)
    assert answer[0].track_id in ("t05", "t06")
    assert [t.score for t in answer] == sorted((t.score for t in answer), reverse=True)
    assert not {"t03", "t04"} & {t.track_id for t in answer}


def test_the_default_is_the_best_of_the_last_days_and_recorded(silent_workspace: Workspace) -> None:
    manifest = artifacts.load_manifest(silent_workspace.sessions, kind="sessions")
    scores = manifest.extra["validation"]
    assert set(scores) == set(MODELS)
    best = max(scores, key=lambda name: scores[name]["mrr@20"])
    assert manifest.extra["default"] == best
    opened = SessionRecommender(silent_workspace)
    assert opened.rank([SessionTrack("t01")]).model == best


def test_what_is_excluded_or_not_included_is_not_answered(silent_workspace: Workspace) -> None:
    everything = [t.track_id for t in next_tracks(silent_workspace, ["t03"], k=99)]
    assert sorted(everything) == sorted({f"t{i:02d}" for i in range(12)} - {"t03"})
    some = next_tracks(silent_workspace, ["t03"], exclude={everything[0]}, k=1)
    assert some[0].track_id == everything[1]
    assert [t.track_id for t in next_tracks(silent_workspace, ["t03"], include={"t09"})] == ["t09"]


def test_sessions_that_cannot_be_answered(silent_workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(
        NotFoundError, match=r"no track of the session is known to \w+ \('x', 'y'\)"
    ):
        next_tracks(silent_workspace, ["x", "y"])
    with pytest.raises(NotFoundError, match="the session has no track"):
        next_tracks(silent_workspace, [])
    with pytest.raises(ParameterError, match="model='deep' must be auto or one of gru4rec"):
        next_tracks(silent_workspace, ["t01"], model="deep")
    empty = Workspace(tmp_path / "empty")
    empty.create()
    with pytest.raises(ArtifactError, match="there are no session models .* 'audiorec sessions'"):
        next_tracks(empty, ["t01"])


def test_unknown_tracks_among_known_ones_are_passed_over(silent_workspace: Workspace) -> None:
    opened = SessionRecommender(silent_workspace)
    for model in MODELS:
        ranking = opened.rank([SessionTrack("x"), SessionTrack("t03")], model=model)
        assert ranking.unknown == ("x",)
        alone = opened.rank([SessionTrack("t03")], model=model)
        np.testing.assert_array_equal(ranking.scores, alone.scores)


@pytest.mark.parametrize("model", MODELS)
def test_ten_thousand_tracks_are_a_session_too(silent_workspace: Workspace, model: str) -> None:
    session = [f"t{i % 12:02d}" for i in range(10_000)]
    assert next_tracks(silent_workspace, session, model=model) == []  # all were played
    tracks = [SessionTrack(id_) for id_ in session]
    assert len(SessionRecommender(silent_workspace).rank(tracks, model=model).ids) == 12


def test_a_track_that_nobody_has_played_is_answered_and_answered_to(
    content_workspace: Workspace,
) -> None:
    answer = next_tracks(content_workspace, ["t03", "t04"], k=11, model="gru4rec")
    assert "t05" in [t.track_id for t in answer[:4]]
    assert {"t06", "t07"} & {t.track_id for t in next_tracks(content_workspace, ["t05"], k=3)}
    # Neighbours know nothing of it, and say so; auto passes such a session on to what does.
    opened = SessionRecommender(content_workspace)
    assert opened.rank([SessionTrack("t05")]).model == "gru4rec"
    for model in ("vsknn", "sknn", "rules", "popularity"):
        with pytest.raises(NotFoundError, match=rf"is known to {model} \('t05'\)"):
            opened.rank([SessionTrack("t05")], model=model)
        both = opened.rank([SessionTrack("t05"), SessionTrack("t03")], model=model)
        assert both.unknown == ("t05",)


def test_a_track_that_came_after_training_is_known_by_its_content(
    content_workspace: Workspace, tmp_path: Path
) -> None:
    later = Workspace(tmp_path / "later")
    shutil.copytree(content_workspace.root, later.root)
    ring_vectors("new").save(later.embeddings, inputs={"model": "m"})
    opened = SessionRecommender(later)
    assert opened.has("new")
    assert not SessionRecommender(content_workspace).has("new")
    ranking = opened.rank([SessionTrack("t11"), SessionTrack("t00")], model="gru4rec")
    assert "new" in [t.track_id for t, _ in zip(ranking.best(), range(5), strict=False)]
    # Asked by its id or by its vector alone, the answer is the same.
    vector = ring_vectors("new")["new"]
    by_id = opened.rank([SessionTrack("new")], model="gru4rec")
    by_vector = opened.rank([SessionTrack("/a.mp3", vector=vector)], model="gru4rec")
    np.testing.assert_allclose(by_id.scores, by_vector.scores, atol=1e-5)


def test_content_without_axes_is_read_on(tmp_path: Path) -> None:
    directory = tmp_path / "sessions"
    mean, scale = np.array([0.1, -0.2], dtype=np.float32), np.array([2.0, 0.5], dtype=np.float32)
    artifacts.save(
        directory, kind="sessions", config={}, inputs={}, extra={"default": "gru4rec"},
        arrays={"ids": np.array(["a"]), "content-mean": mean, "content-scale": scale},
    )  # fmt: skip
    space = StoredModels(directory).content_space
    assert space is not None
    vector = np.array([[0.6, 0.8]], dtype=np.float32)
    np.testing.assert_allclose(space.features(vector), (vector - mean) / scale, rtol=1e-6)


def test_a_map_without_an_intercept_is_read_on(
    content_workspace: Workspace, tmp_path: Path
) -> None:
    made = StoredModels(content_workspace.sessions).gru
    assert made.project is not None
    former = made.with_content_map(made.project[:-1])
    directory = tmp_path / "sessions"
    artifacts.save(
        directory, kind="sessions", config={}, inputs={},
        extra={"default": "gru4rec", "elu": 0.0, "cold_bias": 0.5},
        arrays={f"gru-{name}": array for name, array in former.to_arrays().items()}
        | {"ids": np.array(["a"])},
    )  # fmt: skip
    features = np.array([[0.6, 0.8]], dtype=np.float32)
    expected = features @ made.project[:-1]
    expected[:, -1] += 0.5
    found = StoredModels(directory).gru.embed_content(features)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_other_content_vectors_are_refused(content_workspace: Workspace, tmp_path: Path) -> None:
    other = Workspace(tmp_path / "other")
    shutil.copytree(content_workspace.root, other.root)
    ring_vectors().save(other.embeddings, inputs={"model": "another"})
    with pytest.raises(ArtifactError, match="of other content vectors .* 'audiorec sessions'"):
        SessionRecommender(other)


def test_without_audio_answers_tracks_that_no_file_is_of(content_workspace: Workspace) -> None:
    hits = answer_session(content_workspace, ["t10"], k=12).hits
    assert "t11" not in [hit.track_id for hit in hits]
    more = answer_session(content_workspace, ["t10"], k=12, without_audio=True).hits
    assert "t11" in [hit.track_id for hit in more]
    assert hits[0].artist.startswith("A")
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))


def test_what_is_missing_or_the_same_recording_is_not_answered(
    content_workspace: Workspace, tmp_path: Path
) -> None:
    workspace = Workspace(tmp_path / "w")
    shutil.copytree(content_workspace.root, workspace.root)
    before = [hit.track_id for hit in answer_session(workspace, ["t02"], k=12).hits]
    first, second, third, *_ = before
    with Catalog(workspace.catalog) as catalog:
        same = [catalog.get(id_) for id_ in ("t02", second, first, third)]
        catalog.upsert([replace(t, clip_hash=h) for t, h in zip(same, "aabb", strict=True)])
        catalog.mark_missing([before[3]])
    after = [hit.track_id for hit in answer_session(workspace, ["t02"], k=12).hits]
    # The second is what is playing, the third is the first, and the fourth is gone.
    assert after == [id_ for id_ in before if id_ not in (second, third, before[3])]


def test_names_are_titles_too_and_skips_change_the_answer(content_workspace: Workspace) -> None:
    by_id = answer_session(content_workspace, ["t02", "t03"])
    assert answer_session(content_workspace, ["A2 - T2", "T3"]) == by_id
    skipped = answer_session(content_workspace, ["t02"], skipped=["t04"], model="vsknn")
    assert "t04" not in [hit.track_id for hit in skipped.hits]
    unskipped = answer_session(content_workspace, ["t02"], model="vsknn")
    assert [h.track_id for h in skipped.hits[:3]] == [
        h.track_id for h in unskipped.hits if h.track_id != "t04"
    ][:3]


def test_the_stage_is_stale_on_plays_and_settings_alone(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "w", ring_plays())
    recipe = Recipe(sessions=SessionsConfig(epochs=1))

    def worked(recipe: Recipe) -> bool:
        return Pipeline(workspace, recipe=recipe).run(("sessions",))[0].worked

    assert worked(recipe)
    assert not worked(recipe)
    longer = recipe.sessions.model_copy(update={"session_gap_minutes": 40.0})
    assert worked(recipe.model_copy(update={"sessions": longer}))
    (tmp_path / "more.csv").write_text("user_id,track_id,plays,timestamp\nu,t01,1,9\nu,t02,1,99\n")
    from audiorec.data import import_plays

    import_plays(workspace.plays, tmp_path / "more.csv")
    assert "plays are newer" in SessionRecommender(workspace).stale
    done = run("-w", workspace.root, "next", "t01", "--json")
    assert json.loads(done.stdout)["stale"] is True
    assert "plays are newer than the model; run 'audiorec run'" in done.stderr
    assert worked(recipe)
    assert SessionRecommender(workspace).stale == ""
    done = run("-w", workspace.root, "next", "t01", "--json")
    assert json.loads(done.stdout)["stale"] is False and not done.stderr


@pytest.mark.parametrize("during", ["sessions (validation)", "sessions (all)"])
def test_a_killed_stage_goes_on_to_the_same_bytes(
    silent_workspace: Workspace, tmp_path: Path, during: str
) -> None:
    class Killed(Exception):
        pass

    def kill(stage: str, done: int, _total: int | None, _note: str = "") -> None:
        if (stage, done) == (during, 1):
            raise Killed

    workspace = make_workspace(tmp_path / "w", ring_plays())
    with pytest.raises(Killed):
        train_sessions(workspace, config=CONFIG, gru=GRU, inputs={}, progress=kill)
    assert not artifacts.exists(workspace.sessions)
    epochs: list[int] = []
    train_sessions(
        workspace, config=CONFIG, gru=GRU, inputs={},
        progress=lambda stage, done, *_: epochs.append(done) if stage == during else None,
    )  # fmt: skip
    assert min(epochs, default=1) >= 1
    whole = artifacts.load_manifest(silent_workspace.sessions, kind="sessions")
    again = artifacts.load_manifest(workspace.sessions, kind="sessions")
    assert {n: e.digest for n, e in again.files.items()} == {
        n: e.digest for n, e in whole.files.items()
    }
    assert again.extra["validation"] == whole.extra["validation"]
    assert not workspace.session_states.exists()


def test_settings_and_suspects_decide_what_is_learned_from(tmp_path: Path) -> None:
    once = "".join(f"u0,{track},1,{9_000_000 + at},0\n" for at, track in ((0, "t01"), (99, "rare")))
    workspace = make_workspace(tmp_path / "w", ring_plays() + once)

    def learned(gap: float = 30.0, without: tuple[str, ...] = ()) -> tuple[int, set[str]]:
        config = SessionsConfig(model="rules", session_gap_minutes=gap)
        train_sessions(workspace, config=config, inputs={}, without_users=without)
        stored = StoredModels(workspace.sessions)
        return stored.manifest.extra["sessions"], set(stored.ids.tolist())

    assert learned() == (60, {f"t{i:02d}" for i in range(12)})  # "rare" has a single play
    assert learned(without=("u0",))[0] == 48
    with pytest.raises(NoSessionsError):
        learned(gap=3.0)  # tracks follow each other after 200 s
    assert learned(gap=5.0)[0] == 60


def test_plays_without_times_are_no_sessions(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "w", "user_id,track_id,plays\nu,a,3\nu,b,1\n")
    assert not have_sessions(workspace.plays)
    with pytest.raises(DataError, match="there are no sessions: 2 plays have neither a time"):
        train_sessions(workspace, config=CONFIG, inputs={})
    pipeline = Pipeline(workspace, recipe=Recipe(sessions=CONFIG))
    with pytest.raises(DataError, match="there are no sessions"):
        pipeline.run(("sessions",))


def test_run_passes_over_plays_that_never_follow_one_another(tmp_path: Path) -> None:
    lines = [f"u{u},{t},1,{day * 86_400}" for u in range(5) for day, t in enumerate("abcd")]
    workspace = make_workspace(
        tmp_path / "w", "\n".join(["user_id,track_id,plays,timestamp", *lines]) + "\n"
    )
    reports = Pipeline(workspace, recipe=Recipe()).run(("factors", "sessions"))
    assert not reports[-1].worked
    assert "not needed: no session has two plays" in reports[-1].summary
    with pytest.raises(NoSessionsError, match="import more listening with times"):
        Pipeline(workspace, recipe=Recipe()).run(("sessions",))


@pytest.mark.parametrize(
    ("n_sessions", "config", "why"),
    [
        (20, SessionsConfig(), "20 sessions are too few to learn from, 50 are needed"),
        (60, SessionsConfig(model="rules"), "[sessions] model is 'rules'"),
    ],
)
def test_where_gru4rec_is_not_trained_it_says_so(
    tmp_path: Path, n_sessions: int, config: SessionsConfig, why: str
) -> None:
    workspace = make_workspace(tmp_path / "w", ring_plays(n_sessions))
    ring_vectors("new").save(workspace.embeddings, inputs={"model": "m"})
    started: list[str] = []
    summary = train_sessions(
        workspace, config=config, inputs={"model": "m"},
        progress=lambda stage, *_: started.append(stage),
    )  # fmt: skip
    assert summary.split("gru4rec not trained: ")[1].startswith(why)
    assert not started
    opened = SessionRecommender(workspace)
    assert opened.rank([SessionTrack("t01")]).model in ("rules", "vsknn", "sknn")
    with pytest.raises(ArtifactError, match="gru4rec was not trained: .*; choose another --model"):
        opened.rank([SessionTrack("t01")], model="gru4rec")
    with pytest.raises(NotFoundError, match="no track of the session is known"):
        opened.rank([SessionTrack("new")])


def test_a_model_of_the_recipe_answers_by_default(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "w", ring_plays())
    for model in ("popularity", "gru4rec"):
        recipe = Recipe(sessions=SessionsConfig(model=model, epochs=1))
        assert Pipeline(workspace, recipe=recipe).run(("sessions",))[0].worked
        assert SessionRecommender(workspace).rank([SessionTrack("t01")]).model == model


def test_a_file_from_outside_is_answered_to(content_workspace: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "outside.wav"
    file.write_bytes(b"a sound")
    heard: list[Path] = []

    def embed(path: Path, _catalog: Catalog) -> SessionTrack:
        heard.append(path)
        return SessionTrack(str(path), vector=ring_vectors()["t05"])

    answer = answer_session(content_workspace, [str(file)], k=3, embed=embed)
    assert heard == [file]
    assert answer.model == "gru4rec"
    assert {"t06", "t07"} & {hit.track_id for hit in answer.hits}
    with pytest.raises(NotFoundError, match="in no session and in no catalogue"):
        answer_session(content_workspace, [str(file)])


def test_next_on_the_command_line(silent_workspace: Workspace) -> None:
    done = run("-w", silent_workspace.root, "next", "t03", "t04", "-k", 3, "--json")
    answer = json.loads(done.stdout)
    assert done.returncode == 0
    assert answer["session"] == ["t03", "t04"]
    assert answer["space"] == "sessions"
    assert len(answer["results"]) == 3
    assert set(answer["results"][0]) == {"rank", "track_id", "score", "artist", "title", "path"}
    done = run("-w", silent_workspace.root, "next", "nothing")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "no session has a track 'nothing'" in done.stderr
    assert run("-w", silent_workspace.root, "next").returncode == 2


def test_next_starts_light(silent_workspace: Workspace) -> None:
    loaded = modules_loaded_by_command("-w", silent_workspace.root, "next", "t03")
    assert "numpy" in loaded
    heavy = {"torch", "librosa", "faiss", "polars", "scipy", "pydantic", "lightning"}
    assert not loaded & heavy


def test_run_learns_sessions_where_there_is_no_music(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "w", ring_plays())
    reports = Pipeline(workspace, recipe=Recipe(sessions=CONFIG)).run()
    done = {report.stage: (report.worked, report.summary) for report in reports}
    assert done["sessions"][0]
    assert done["train"] == (False, "not needed: no music is catalogued")


def test_recommend_takes_a_session_without_a_user(silent_workspace: Workspace) -> None:
    done = run("-w", silent_workspace.root, "recommend", "--session", "t03", "--json")
    answer = json.loads(done.stdout)
    assert answer["session"] == ["t03"]
    assert answer["results"][0]["track_id"] in ("t02", "t04", "t05")
    assert run("-w", silent_workspace.root, "recommend").returncode == 2


def test_two_answers_are_joined_by_their_ranks() -> None:
    def ranking(*ids: str) -> list[SessionHit]:
        return [SessionHit(rank, id_, 0.0, "", "", "") for rank, id_ in enumerate(ids, start=1)]

    joined = fuse_ranks(ranking("a", "b", "c"), ranking("c", "b", "d"))
    assert [hit.track_id for hit in joined] == ["c", "b", "a", "d"]
    assert [hit.rank for hit in joined] == [1, 2, 3, 4]
    assert joined[0].score == pytest.approx(1 / 63 + 1 / 61)


def test_a_name_of_several_tracks_is_told_with_their_ids(
    content_workspace: Workspace, tmp_path: Path
) -> None:
    copy = Workspace(Path(shutil.copytree(content_workspace.root, tmp_path / "ws")))
    with Catalog(copy.catalog) as catalog:
        catalog.upsert([replace(catalog.get(id_), title="Same") for id_ in ("t01", "t02")])
    with pytest.raises(AmbiguousNameError, match=r"'Same' could be 2 tracks.*t01.*t02"):
        answer_session(copy, ["Same"])


def test_a_session_of_unknown_content_ranks_nothing(content_workspace: Workspace) -> None:
    opened = SessionRecommender(content_workspace)
    with pytest.raises(NotFoundError, match="no track of the session is known"):
        opened.rank([SessionTrack("x"), SessionTrack("y")])


def test_models_without_an_array_say_what_makes_them(
    silent_workspace: Workspace, tmp_path: Path
) -> None:
    copy = Workspace(Path(shutil.copytree(silent_workspace.root, tmp_path / "ws")))
    made = artifacts.load_manifest(copy.sessions, kind="sessions")
    artifacts.commit(
        copy.sessions, kind="sessions", config=made.config, inputs=made.inputs, extra=made.extra,
        files={name: file for name, file in made.files.items() if name != "plays"},
    )  # fmt: skip
    with pytest.raises(ArtifactError, match="has no 'plays'; run 'audiorec sessions' to make it"):
        next_tracks(copy, ["t03"], model="vsknn")


def test_a_file_of_the_catalogue_is_its_track(content_workspace: Workspace, tmp_path: Path) -> None:
    copy = Workspace(Path(shutil.copytree(content_workspace.root, tmp_path / "ws")))
    file = tmp_path / "a.wav"
    file.write_bytes(b"a sound")
    with Catalog(copy.catalog) as catalog:
        catalog.upsert(replace(catalog.get("t02"), path=str(file)))
    by_id = answer_session(copy, ["t02"])
    assert answer_session(copy, [str(file)])[:2] == by_id[:2]
