"""The study of sessions: warm and new tracks, intervals, and where content comes from."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from audiorec.audio import MelConfig
from audiorec.data import Sessions, make_sessions
from audiorec.data.catalog import Catalog, Track
from audiorec.embeddings import Embeddings
from audiorec.evaluation import mel_statistics
from audiorec.exceptions import DataError
from audiorec.external_embeddings import import_embeddings
from audiorec.mel import MelStore
from audiorec.pipeline import Recipe
from audiorec.progress import silent
from audiorec.sessions import (
    GRU4RecConfig,
    SessionsConfig,
    hit_rate,
    mean_reciprocal_rank,
    metrics,
    rank_next_items,
)
from audiorec.sessions.base import RepeatedPrefixScoring
from audiorec.studies import StudyInputs
from audiorec.studies import sessions as study
from audiorec.workspace import Workspace

from ..session_lists import sessions_of_lists
from ..sessions.conftest import N, make_workspace, ring_plays, ring_vectors
from ..stored_mels import store_mels

GRU = GRU4RecConfig(
    layers=(16,), batch_size=8, n_epochs=12, n_sample=12, learning_rate=0.1,
    dropout_p_hidden=0.0, dropout_p_embed=0.0,
)  # fmt: skip


def ring(n_sessions: int = 160) -> Sessions:
    rows = [line.split(",") for line in ring_plays(n_sessions).splitlines()[1:]]
    return make_sessions(
        pl.DataFrame(
            [(user, track, int(at)) for user, track, _, at, _ in rows],
            schema=["user_id", "track_id", "timestamp"], orient="row",
        )
    )  # fmt: skip


def one_epoch() -> Recipe:
    evaluate = Recipe().evaluate.model_copy(update={"seeds": (0,)})
    return Recipe(sessions=SessionsConfig(epochs=1), evaluate=evaluate)


@pytest.fixture(scope="module")
def report() -> study.SessionsReport:
    return study.evaluate_sessions(
        ring(), gru=GRU, content=ring_vectors(), artists={}, seeds=(0,), progress=silent
    )


def test_only_content_reaches_new_tracks(report: study.SessionsReport) -> None:
    assert report.facts["n_cold"] == pytest.approx(0.2 * N, abs=1)
    for name in ("popularity", "rules", "sknn", "vsknn", "gru4rec", "association rules"):
        assert report.systems[name]["mrr@20_cold"] < 0.15, name
    assert report.systems["gru4rec with content"]["mrr@20_cold"] > 0.3
    gain = report.differences["MRR@20 of gru4rec with content over vsknn, new tracks"]
    assert 0 < gain["low"] <= gain["value"] <= gain["high"]


def test_the_planted_order_is_told(report: study.SessionsReport) -> None:
    assert report.systems["gru4rec"]["mrr@20_warm"] > 0.8
    assert report.systems["rules"]["mrr@20_warm"] > 0.8
    assert report.systems["popularity"]["mrr@20_warm"] < 0.5
    for row in report.systems.values():
        for metric in ("hr@20_all", "mrr@20_warm", "mrr@20_cold"):
            assert row[f"{metric}_low"] <= row[metric] <= row[f"{metric}_high"]
        assert 0 < row["coverage"] <= 1
        assert row["answer_microseconds"] > 0


def test_it_prints_and_is_plain_json(report: study.SessionsReport) -> None:
    report = report._replace(facts={**report.facts, "content": "ring"})
    again = json.loads(json.dumps(report.to_json()))
    assert set(again["systems"]) == set(report.systems)
    text = report.to_text()
    assert "gru4rec with content" in text
    assert max(len(line) for line in text.splitlines()[2:]) < 120


def test_without_content_there_are_no_new_tracks(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "w", ring_plays())
    recipe = one_epoch()
    report = study.run(StudyInputs(workspace, recipe))
    assert report.facts["content"] == "none"
    assert "gru4rec with content" not in report.systems
    assert report.differences == {}
    assert report.to_json()["systems"]["vsknn"]["mrr@20_cold"] is None
    np.savez(
        tmp_path / "truth.npz",
        track_ids=np.array(ring_vectors().ids), audible=np.asarray(ring_vectors().vectors),
    )  # fmt: skip
    report = study.run(StudyInputs(workspace, recipe, truth=tmp_path / "truth.npz"))
    assert report.facts["content"] == "true attributes"
    assert "gru4rec with content" in report.systems


def test_content_is_of_the_spectrograms_where_there_are_some(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "w", ring_plays())
    config = MelConfig(n_mels=4, clip_seconds=2.0)
    n_frames = config.frames(config.clip_seconds)
    mels = {
        id_: np.repeat([[x], [y], [0], [-1]], n_frames, axis=1) + [[0], [0], [0], [1]] * (
            np.arange(n_frames) % 2
        )
        for id_, (x, y) in zip(ring_vectors().ids, ring_vectors().vectors, strict=True)
    }  # fmt: skip
    store_mels(workspace.mels, mels, config=config)
    store = MelStore(workspace.mels)
    found = mel_statistics(store, store.ids)
    assert found.ids == ring_vectors().ids
    np.testing.assert_allclose(found.vectors[:, :2], ring_vectors().vectors, atol=1e-3)
    np.testing.assert_allclose(found.vectors[:, 3:], [[-0.5, 0, 0, 0, 0.5]] * N, atol=1e-2)
    with Catalog(workspace.catalog) as catalog:
        catalog.upsert(Track(f"t{i:02d}", f"/m/{i}", artist=f"A{i // 6}") for i in range(N))
    facts = study.run(StudyInputs(workspace, one_epoch())).facts
    assert facts["content"] == "mean and deviation of mel bands"
    assert facts["n_cold"] == N // 2  # one of two artists


def test_content_is_of_imported_vectors_where_nothing_else_is(tmp_path: Path) -> None:
    workspace, vectors = Workspace(tmp_path / "w"), ring_vectors()
    table = pl.DataFrame({"track_id": vectors.ids, "vector": np.asarray(vectors.vectors).tolist()})
    table.write_parquet(tmp_path / "ring.parquet")
    import_embeddings(workspace, tmp_path / "ring.parquet")
    content, called = study._content(workspace, None)
    assert called.startswith("vectors of ") and called.endswith("ring.parquet")
    assert content is not None and content.ids == vectors.ids


def test_bots_are_no_sessions(tmp_path: Path) -> None:
    bot = [f"bot,t{i % N:02d},1,{9_000_000 + 40 * i},0\n" for i in range(2_000)]
    workspace = make_workspace(tmp_path / "w", ring_plays(60) + "".join(bot))
    facts = study.run(StudyInputs(workspace, one_epoch())).facts
    assert facts["n_train"] + facts["n_test"] == 60


def test_too_few_sessions_are_one_line() -> None:
    content = Embeddings(["a", "b"], np.eye(2, dtype=np.float32))
    with pytest.raises(DataError, match="too few|cannot be split"):
        study.evaluate_sessions(
            sessions_of_lists([["a", "b"], ["a", "b"]]),
            gru=GRU, content=content, artists={}, seeds=(0,), progress=silent,
        )  # fmt: skip


class Fixed(RepeatedPrefixScoring):
    name = "fixed"

    def scores(self, items: np.ndarray, *, skipped: np.ndarray) -> np.ndarray:
        return np.array([4.0, 3.0, 2.0, 1.0, 0.0], dtype=np.float32)


def test_figures_of_a_system_that_always_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "CUTOFF", 2)
    monkeypatch.setattr(study, "CUTOFF", 2)
    sessions = sessions_of_lists([["4", "0", "1"], ["3", "2"]], item_ids="01234")
    new = np.array([True, False, True, False, False])
    found = study._answers(lambda _: Fixed(), sessions, sessions, new)
    # Item 1 is second of all, and first of those that are not new; 2 is third.
    assert found.counts.tolist() == [[2, 1, 1], [1, 0, 1]]
    assert found.hits.tolist() == [[2, 1, 1], [0, 0, 0]]
    assert found.reciprocal_ranks.tolist() == [[1.5, 1, 1], [0, 0, 0]]
    assert found.coverage == 2 / 5
    popular = sessions_of_lists([["0", "0", "1"], ["2", "0"]], item_ids="01234")
    found = study._answers(lambda _: Fixed(), popular, sessions, new)
    assert found.popularity == pytest.approx((4 / 4 + 2 / 4) / 2)  # 0 is above 4 items, 1 above 2


def test_new_tracks_are_those_of_new_artists() -> None:
    sessions = sessions_of_lists([[f"t{i:02d}" for i in range(N)]])
    artists = {f"t{i:02d}": f"a{i // 3}" for i in range(N)}
    cold = study._cold_rows(sessions, ring_vectors(), artists, seed=0).reshape(-1, 3)
    assert cold.any() and not cold.all()
    assert (cold.all(axis=1) == cold.any(axis=1)).all()


def test_sessions_are_drawn_alike_for_every_system() -> None:
    sums, counts = np.arange(40.0), np.full(40, 50.0)
    value, drawn = study._resampled([sums, sums[::-1]], [counts, counts])
    again, redrawn = study._resampled([sums + 5, sums[::-1] + 5], [counts, counts])
    assert value == pytest.approx(0.39) and again == pytest.approx(0.49)
    np.testing.assert_allclose(redrawn - drawn, 0.1)
    assert drawn.std() == pytest.approx(sums.std() / 50 / 40**0.5 / 2**0.5, rel=0.15)


def test_ranks_among_all_and_among_known_and_never_of_skips() -> None:
    from dataclasses import replace

    sessions = sessions_of_lists([["4", "2", "1"], ["3", "4", "0"]], item_ids="01234")
    sessions = replace(sessions, skipped=np.array([0, 0, 1, 0, 0, 0], dtype=bool))
    new = np.array([True, False, True, False, False])
    ranked = rank_next_items(Fixed(), sessions, new=new)
    assert ranked.targets.tolist() == [2, 4, 0]
    assert ranked.ranks.tolist() == [3, 5, 1]
    assert ranked.known_ranks.tolist() == [3, 3, 1]
    assert ranked.sessions.tolist() == [0, 1, 1]
    assert hit_rate(ranked.ranks, k=3) == pytest.approx(2 / 3)
    assert mean_reciprocal_rank(ranked.ranks, k=3) == pytest.approx((1 / 3 + 1) / 3)
    assert np.isnan(hit_rate(np.array([])))
