"""The whole evaluation on a planted world, its report, and what it keeps."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import product
from typing import get_args

import numpy as np
import polars as pl
import pytest

from audiorec import evaluation as package
from audiorec import metrics
from audiorec.evaluation import SYSTEMS, evaluate, run, score_cache, systems
from audiorec.evaluation.systems import find_system
from audiorec.evaluation.systems.registry import RENAMED
from audiorec.exceptions import ParameterError
from audiorec.models import ModelConfig, TrainConfig
from audiorec.pipeline import EvaluateConfig, Recipe

MODELS = tuple(name for name, system in SYSTEMS.items() if system.role == "model")
HEAVY = (*MODELS, "spectrogram-statistics + ridge", "ridge on true attributes")
LIGHT = tuple(name for name in SYSTEMS if name not in HEAVY)
SHOWN = ("AUC", "mAP@500", "nDCG@10", "nDCG@50", "recall@50")
TOLD = (*SHOWN, "nDCG@500", "recall@10")
IN_JSON = {*TOLD, "recall@500"}  # names that scripts know


def scored(planted, *, work_directory=None, systems=LIGHT, **settings):
    section = EvaluateConfig(**(planted.recipe.evaluate.model_dump() | settings))
    return evaluate(
        planted.store,
        planted.plays,
        planted.tracks,
        recipe=planted.recipe.model_copy(update={"evaluate": section}),
        work_directory=work_directory,
        systems=systems,
    )


@pytest.fixture(scope="module")
def body(planted):
    return scored(planted).to_json()


def test_keys_and_names(body) -> None:
    assert list(body)[:3] == ["split", "n_users", "n_tracks"]
    assert set(body["systems"]) == set(body["share_of_oracle"]) == set(LIGHT)
    for table in (body["systems"], body["share_of_oracle"], body["intervals"]["systems"]):
        assert all(tuple(row) == tuple(metrics.METRICS) for row in table.values())
    assert metrics.METRICS.keys() >= IN_JSON
    assert body["seeds"] == [0, 1]
    assert [cell["seed"] for cell in body["cells"]] == [0, 1]
    assert json.loads(json.dumps(body, allow_nan=False)) == body


@pytest.mark.parametrize("metric", TOLD)
def test_the_oracles_share_is_one_and_randoms_is_nought(body, metric: str) -> None:
    shares, ends = body["share_of_oracle"], body["intervals"]["share_of_oracle"]
    assert shares["ALS fold-in"][metric] == 1.0
    assert ends["ALS fold-in"][metric] == [1.0, 1.0]
    assert shares["random"][metric] == 0.0
    low, high = ends["random"][metric]
    assert low < 0 < high


@pytest.mark.parametrize("metric", TOLD)
def test_a_share_is_what_the_table_says(body, metric: str) -> None:
    values = {name: row[metric] for name, row in body["systems"].items()}
    floor, ceiling = values["random"], values["ALS fold-in"]
    for name, value in values.items():
        share = (value - floor) / (ceiling - floor)
        assert body["share_of_oracle"][name][metric] == pytest.approx(share)
        low, high = body["intervals"]["systems"][name][metric]
        assert low <= value <= high


def test_lists_longer_than_the_catalogue_tell_nothing_and_say_nothing(body) -> None:
    assert body["n_tracks"] < 500
    assert {row["recall@500"] for row in body["systems"].values()} == {1.0}
    assert body["share_of_oracle"]["ALS fold-in"]["recall@500"] is None
    assert not any("recall@500" in note for note in body["notes"])


def test_the_spread_is_that_of_the_cells(planted, body) -> None:
    for name in LIGHT:
        shares = [cell["share_of_oracle"][name]["AUC"] for cell in body["cells"]]
        assert body["spread"][name]["AUC"] == pytest.approx(np.std(shares, ddof=1))
    assert scored(planted, seeds=(0,), systems=()).to_json()["spread"]["random"]["AUC"] is None


def test_planted_taste_is_found_and_controls_stay_where_they_belong(body) -> None:
    share = {name: row["nDCG@50"] for name, row in body["share_of_oracle"].items()}
    # above 1 too: folding in from some twenty listeners is noisier than a planted linear truth
    assert 0.9 < share["mel statistics + ridge"] < 1.2
    assert abs(share["shuffled"]) < 0.15
    assert 0.1 < share["genre + ridge"] < share["mel statistics + ridge"]
    assert abs(share["artist mean"]) < 0.03  # it knows no unknown artist: chance exactly
    assert body["systems"]["random"]["AUC"] == pytest.approx(0.5, abs=0.01)
    assert body["systems"]["ALS on all plays"]["AUC"] > 0.7
    low, high = body["intervals"]["differences"]["genre + ridge - mel statistics + ridge"][
        "nDCG@50"
    ]
    assert low <= high < 0


def test_notes_tell_what_is_known_of_artists(planted, body) -> None:
    assert "artist mean: share of tracks covered 0." in body["notes"]
    by_track = scored(planted, splits=("track-cold",), systems=("artist mean",)).to_json()
    covered = [
        cell["facts"]["artist mean"]["share of tracks covered"] for cell in by_track["cells"]
    ]
    assert min(covered) > 0.8
    assert by_track["share_of_oracle"]["artist mean"]["nDCG@50"] > 0.5


def test_a_catalogue_without_genres_leaves_that_system_out(planted) -> None:
    bare = replace(planted, tracks=[replace(track, genre="") for track in planted.tracks])
    body = scored(bare, seeds=(0,)).to_json()
    assert "genre + ridge" not in body["systems"]
    assert "genre + ridge is left out: the catalogue names 0 genres." in body["notes"]


def test_several_splits_and_folds(planted) -> None:
    report = scored(planted, splits=("artist-cold", "track-cold"), seeds=(0,), folds=3, systems=())
    bodies = report.to_json()
    assert [body["split"] for body in bodies] == ["artist-cold", "track-cold"]
    assert [cell["fold"] for cell in bodies[0]["cells"]] == [0, 1, 2]
    assert set(bodies[0]["systems"]) == {"random", "ALS fold-in"}
    assert sum(cell["n_tracks"] for cell in bodies[0]["cells"]) == len(planted.store.ids)


def test_the_text_is_a_table(planted) -> None:
    text = scored(planted, seeds=(0,)).to_text()
    lines = text.splitlines()
    assert lines[0].startswith("artist-cold: ")
    assert all(metric in lines[2] for metric in SHOWN)
    assert max(map(len, lines[: 4 + len(LIGHT)])) <= 120
    named = [line for line in lines if any(line.startswith(name) for name in LIGHT)]
    assert len(named) >= len(LIGHT)
    assert len({len(line) for line in lines[4 : 4 + len(LIGHT)]}) == 1
    assert "nan" not in text


def without_seconds(body):
    return {key: value for key, value in body.items() if key != "seconds"}


def test_what_is_scored_is_kept(planted, tmp_path, monkeypatch) -> None:
    first = scored(planted, work_directory=tmp_path).to_json()
    monkeypatch.setattr(
        run, "with_factors", lambda *_, **__: pytest.fail("nothing should be learned")
    )
    again = scored(planted, work_directory=tmp_path).to_json()
    assert without_seconds(first) == without_seconds(again)
    assert first["seconds"]["systems"] == again["seconds"]["systems"]
    assert again["seconds"]["total"] >= sum(again["seconds"]["systems"].values()) > 0


def test_a_killed_evaluation_goes_on_and_ends_the_same(planted, tmp_path, monkeypatch) -> None:
    whole = scored(planted).to_json()
    real, calls = score_cache.score, []

    def dies_at_the_fifth(holdout, system, **settings):
        calls.append(system)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return real(holdout, system, **settings)

    monkeypatch.setattr(score_cache, "score", dies_at_the_fifth)
    with pytest.raises(KeyboardInterrupt):
        scored(planted, work_directory=tmp_path)
    resumed = scored(planted, work_directory=tmp_path).to_json()
    assert len(calls) == 5 + 2 * len(LIGHT) - 4
    assert without_seconds(resumed) == without_seconds(whole)


def test_other_inputs_are_scored_anew(planted, tmp_path, monkeypatch) -> None:
    scored(planted, seeds=(0,), work_directory=tmp_path)
    calls = []
    real = score_cache.score
    monkeypatch.setattr(score_cache, "score", lambda h, n, **s: calls.append(n) or real(h, n, **s))
    fewer = replace(planted, plays=planted.plays.head(-30))
    scored(fewer, seeds=(0,), work_directory=tmp_path)
    assert calls == [SYSTEMS[name] for name in LIGHT]
    calls.clear()
    recipe = planted.recipe.model_copy(
        update={"train": TrainConfig(crop_seconds=0.8, unit_norm=False)}
    )
    scored(replace(planted, recipe=recipe), seeds=(0,), work_directory=tmp_path)
    assert calls == [SYSTEMS[name] for name in LIGHT if "train" in SYSTEMS[name].sections]


@pytest.fixture
def table_of_metrics():
    """`metrics.METRICS`, to be changed for as long as a test runs."""
    before = dict(metrics.METRICS)
    yield metrics.METRICS
    metrics.METRICS.clear()
    metrics.METRICS.update(before)


def test_other_metrics_are_not_read_from_scores_kept_before(
    planted, tmp_path, table_of_metrics
) -> None:
    def figures():
        body = scored(planted, seeds=(0,), systems=(), work_directory=tmp_path).to_json()
        return body["systems"]["ALS fold-in"]

    before = figures()
    table_of_metrics["AUC again"] = table_of_metrics["AUC"]
    assert figures() == before | {"AUC again": before["AUC"]}
    turned = dict(reversed(table_of_metrics.items()))
    table_of_metrics.clear()
    table_of_metrics.update(turned)
    assert list(figures().items()) == [*reversed([*before.items(), ("AUC again", before["AUC"])])]
    (manifest, *_) = tmp_path.glob("als-fold-in-*/manifest.json")
    assert "recall@10" in json.loads(manifest.read_text())["inputs"]["metrics"]


def test_a_system_whose_file_was_edited_is_scored_anew(planted, tmp_path, monkeypatch) -> None:
    scored(planted, seeds=(0,), systems=(), work_directory=tmp_path)
    monkeypatch.setattr(inspect, "findsource", lambda function: (["edited"], 0))
    edited = replace(SYSTEMS["random"])
    monkeypatch.undo()
    monkeypatch.setitem(SYSTEMS, "random", edited)
    calls = []
    real = score_cache.score
    monkeypatch.setattr(score_cache, "score", lambda h, n, **s: calls.append(n) or real(h, n, **s))
    scored(planted, seeds=(0,), systems=(), work_directory=tmp_path)
    assert calls == [edited]


def test_damaged_scores_are_made_again(planted, tmp_path) -> None:
    first = scored(planted, seeds=(0,), work_directory=tmp_path).to_json()
    for manifest in list(tmp_path.glob("*/manifest.json"))[:3]:
        manifest.write_text("{")
    again = scored(planted, seeds=(0,), work_directory=tmp_path).to_json()
    assert without_seconds(first) == without_seconds(again)


def test_the_headline_is_what_recommend_ranks_by_and_the_cosine_stands_beside(body) -> None:
    assert body["scoring"] == "inner product"
    beside = body["cosine"]
    assert beside["systems"]["random"] == body["systems"]["random"]
    assert beside["systems"]["ALS on all plays"] != body["systems"]["ALS on all plays"]


def test_each_scoring_is_divided_by_the_oracle_of_the_same_scoring(body) -> None:
    """By the cosine's oracle, the oracle's own inner product would come to another share than 1."""
    for table in (body, body["cosine"]):
        values, shares = table["systems"], table["share_of_oracle"]
        assert shares["ALS fold-in"]["nDCG@50"] == 1.0
        assert table["intervals"]["share_of_oracle"]["ALS fold-in"]["nDCG@50"] == [1.0, 1.0]
        floor, ceiling = values["random"]["nDCG@50"], values["ALS fold-in"]["nDCG@50"]
        for name in ("mel statistics + ridge", "play count of half A"):
            expected = (values[name]["nDCG@50"] - floor) / (ceiling - floor)
            assert shares[name]["nDCG@50"] == pytest.approx(expected)
    assert body["systems"]["ALS fold-in"] != body["cosine"]["systems"]["ALS fold-in"]


def test_half_as_play_count_is_a_row_and_ranks_alike_for_all(planted, body) -> None:
    from audiorec.evaluation import HoldoutKey, prepare_data
    from audiorec.evaluation.holdout import prepare
    from audiorec.evaluation.systems import WorkDir

    assert "play count of half A" in body["systems"]
    data = prepare_data(planted.store, planted.plays, planted.tracks, recipe=planted.recipe)
    holdout = prepare(data, HoldoutKey("artist-cold", 0, None))
    (draw,) = SYSTEMS["play count of half A"].predict(holdout, WorkDir()).draws
    half = planted.plays.filter(pl.col("user_id").is_in(holdout.folding))
    for column, track in enumerate(holdout.cold):
        listeners = half.filter(pl.col("track_id") == track)["user_id"].n_unique()
        assert (draw.matrix[:, column] == listeners).all()


def test_an_oracle_no_better_than_random_gives_no_share(planted) -> None:
    from audiorec.evaluation import HoldoutKey
    from audiorec.evaluation.beyond_accuracy import FIGURES, DrawDetails
    from audiorec.evaluation.comparison import compare_systems
    from audiorec.evaluation.holdout_scores import HoldoutScores
    from audiorec.evaluation.holdout_summary import HoldoutSummary

    n_metrics = len(metrics.METRICS)
    values, effects = np.zeros((1, 2, n_metrics, 5)), np.zeros((2, n_metrics, 1))
    details = DrawDetails(
        thirds=np.zeros((3, n_metrics, 5)), mixed=np.zeros((n_metrics, 5)),
        occurrence=np.zeros(3), place=np.zeros(3), vectors=np.zeros((0, 1)),
        neighbours=np.zeros((3, 5)),
    )  # fmt: skip
    one = HoldoutScores(
        values=values, effects=effects, facts={}, seconds=0.0, n_cold=3, details=details,
        figures=dict.fromkeys(FIGURES, 0.0),
    )  # fmt: skip
    summary = HoldoutSummary(
        cold=(), warm=(), items=(), users=tuple("abcde"), groups=("x",),
        listeners=np.zeros(0), factors=np.zeros((0, 1)),
    )  # fmt: skip
    body = compare_systems(
        "artist-cold",
        {HoldoutKey("artist-cold", 0, None): {"random": one, "ALS fold-in": one}},
        [summary],
        config=EvaluateConfig(),
        roles={"random": "control", "ALS fold-in": "oracle"},
        skipped={},
        unit_norm=True,
        seconds=0.0,
    ).to_json()
    assert body["share_of_oracle"]["random"]["AUC"] is None
    assert body["intervals"]["share_of_oracle"]["random"]["AUC"] is None
    assert any("no better than random" in note for note in body["notes"])


def test_names_of_before_are_taken_for_one_release(planted) -> None:
    body = scored(planted, systems=("shuffled features", "oracle (paper)"), seeds=(0,)).to_json()
    assert set(body["systems"]) == {"random", "shuffled", "ALS on all plays", "ALS fold-in"}


def test_every_name_of_before_is_that_of_a_system() -> None:
    assert all(find_system(name) is SYSTEMS[new] for name, new in RENAMED.items())
    for model in ("ridge", "mlp"):
        smoothed = SYSTEMS[f"spectrogram-statistics + {model} + artist smoothing"]
        assert find_system(f"descriptors + {model} + artist smoothing") is smoothed


def test_an_unknown_system_is_named(planted) -> None:
    with pytest.raises(ParameterError, match="unknown system 'mfcc'; choose from 'random'"):
        scored(planted, systems=("mfcc",))


def test_sessions_as_rows_are_refused_and_not_passed_over(planted) -> None:
    factors = planted.recipe.factors.model_copy(update={"rows": "sessions"})
    recipe = planted.recipe.model_copy(update={"factors": factors})
    with pytest.raises(ParameterError, match=r"rows='sessions'.*--study one-listener"):
        evaluate(planted.store, planted.plays, planted.tracks, recipe=recipe, systems=LIGHT)


def test_every_system_is_documented() -> None:
    for name, system in package.SYSTEMS.items():
        assert (system.predict.__doc__ or "").strip(), name


NETWORK = "cnn (from nothing)"


@pytest.mark.slow
def test_the_network_takes_its_place_in_the_table(planted, tmp_path) -> None:
    report = scored(planted, systems=(NETWORK,), seeds=(0,), work_directory=tmp_path)
    body = report.to_json()
    assert body["share_of_oracle"][NETWORK]["nDCG@50"] > 0.4
    assert body["cells"][0]["facts"][NETWORK]["epochs"] >= 1
    assert not list(tmp_path.glob("*.state"))


@pytest.mark.slow
def test_killed_between_systems_of_one_network_it_is_not_learned_again(
    planted, tmp_path, monkeypatch
) -> None:
    names = (NETWORK, f"{NETWORK} + artist smoothing")
    whole = scored(planted, systems=names, seeds=(0,)).to_json()
    real, scored_before = score_cache.score, []

    def dies_after_the_first_model(holdout, system, **settings):
        if system.role == "model":
            if scored_before:
                raise KeyboardInterrupt
            scored_before.append(system)
        return real(holdout, system, **settings)

    monkeypatch.setattr(score_cache, "score", dies_after_the_first_model)
    with pytest.raises(KeyboardInterrupt):
        scored(planted, systems=names, seeds=(0,), work_directory=tmp_path)
    monkeypatch.setattr(score_cache, "score", real)
    resumed = scored(planted, systems=names, seeds=(0,), work_directory=tmp_path).to_json()
    assert without_seconds(resumed) == without_seconds(whole)
    assert not list(tmp_path.glob("*.state"))


def test_what_is_there_by_name_alone_is_not_in_the_table(planted) -> None:
    shown = systems.chosen_systems(None, recipe=planted.recipe, with_truth=False)
    models = [name for name, system in shown.items() if system.role == "model"]
    assert models == [NETWORK, f"{NETWORK} + artist smoothing"]  # the recipe's own
    assert "ridge on true attributes" not in shown


def values_of(section, field: str) -> tuple[str, ...]:
    return get_args(section.model_fields[field].annotation)


def every_recipe() -> Iterator[Recipe]:
    """Every valid product of what names the recipe's own model."""
    for encoder, head, finetune, target, loss in product(
        values_of(ModelConfig, "encoder"),
        values_of(ModelConfig, "head"),
        (0, 2),
        values_of(ModelConfig, "target"),
        values_of(TrainConfig, "loss"),
    ):
        model = {"encoder": encoder, "head": head, "finetune": finetune, "target": target}
        with suppress(ParameterError):
            yield Recipe(model=model, train={"loss": loss})


def test_the_own_model_of_every_recipe_is_a_system_that_learns_what_its_name_says() -> None:
    recipes = list(every_recipe())
    assert len(recipes) > 100
    for recipe in recipes:
        name = systems.name_of(recipe)
        shown = systems.chosen_systems(None, recipe=recipe, with_truth=False)
        assert {name, name + " + artist smoothing"} <= shown.keys(), recipe.model
        follows = shown[name].settings(recipe)
        assert (systems.name_of(follows), follows.model.target) == (name, "factors")
        assert follows.model.encoder == recipe.model.encoder or name.startswith("musicnn + ")
