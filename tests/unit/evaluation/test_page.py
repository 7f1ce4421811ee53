"""Beyond accuracy: thirds, the mixed catalogue, artists as items, time, truth, and the page."""

from __future__ import annotations

import html
import math
import re
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from audiorec import metrics
from audiorec.evaluation import SYSTEMS as SYSTEM
from audiorec.evaluation import HoldoutKey, evaluate, holdout_keys, prepare_data
from audiorec.evaluation.beyond_accuracy import top_ten
from audiorec.evaluation.candidates import candidates_of
from audiorec.evaluation.holdout import prepare
from audiorec.evaluation.holdout_scores import score
from audiorec.evaluation.page import html as html_page
from audiorec.evaluation.page import write_page
from audiorec.evaluation.page.figures import bars
from audiorec.evaluation.page.html import lay_out
from audiorec.evaluation.systems import MEL_STATISTICS, WorkDir, chosen_systems
from audiorec.exceptions import ArtifactError, DataError, ParameterError
from audiorec.metrics import Interval
from audiorec.pipeline import EvaluateConfig, Recipe

from ..planted import make_planted

KEY = HoldoutKey("artist-cold", 0, None)
SYSTEMS = ("popularity of test tracks (leaky)", MEL_STATISTICS)


def recipe_of(planted, **settings):
    section = EvaluateConfig(**(planted.recipe.evaluate.model_dump() | {"seeds": (0,)} | settings))
    return planted.recipe.model_copy(update={"evaluate": section})


def scored(planted, *, systems=SYSTEMS, truth=None, work_directory=None, **settings):
    return evaluate(
        planted.store, planted.plays, planted.tracks, recipe=recipe_of(planted, **settings),
        systems=systems, truth=truth, work_directory=work_directory,
    )  # fmt: skip


def material_of(planted, **settings):
    recipe = recipe_of(planted, **settings)
    return prepare_data(planted.store, planted.plays, planted.tracks, recipe=recipe)


@pytest.fixture(scope="module")
def report(planted):
    return scored(planted)


@pytest.fixture(scope="module")
def world(planted):
    return prepare(material_of(planted), KEY)


def test_popularity_knows_the_thirds_apart(report) -> None:
    thirds = report.to_json()["popularity_thirds"]["systems"]
    auc = [thirds[third]["popularity of test tracks (leaky)"]["AUC"] for third in thirds]
    assert auc == sorted(auc)
    assert auc[0] < 0.35
    assert auc[2] > 0.65
    assert all(0.4 < thirds[third]["random"]["AUC"] < 0.6 for third in thirds)


def test_the_mixed_catalogue_is_cold_among_warm_that_nobody_is_known_to_have_played(world) -> None:
    kept = score(world, SYSTEM[MEL_STATISTICS], work=WorkDir()).details
    draw = next(iter(SYSTEM[MEL_STATISTICS].predict(world, WorkDir()).draws))
    for row in (0, 7):
        listener = world.listeners[row]
        played = world.data.plays.filter(pl.col("user_id") == listener)["track_id"].to_list()
        warm = [i for i in world.targets.ids if i not in played]
        vectors = np.concatenate([draw.cold, world.targets.take(warm).vectors])
        relevant = np.array([i in played for i in [*world.cold, *warm]])
        scores = world.listener_factors[row] @ vectors.T
        expected = metrics.evaluate(scores[None], relevant[None])
        found = dict(zip(metrics.METRICS, kept.mixed[:, row], strict=True))
        for name, value in expected.items():
            assert found[name] == pytest.approx(value[0], abs=1e-5)


def test_a_tracks_place_is_its_auc_over_listeners(world) -> None:
    kept = score(world, SYSTEM["popularity of test tracks (leaky)"], work=WorkDir()).details
    known = kept.place[np.isfinite(kept.place)]
    assert known == pytest.approx(0.5)  # it ranks alike for all


def test_the_tied_are_offered_evenly() -> None:
    recommended = top_ten(np.zeros((400, 50)), rng=np.random.default_rng(0))
    counts = np.bincount(recommended.ravel(), minlength=50)
    assert counts.min() > 40
    assert all(len(set(row)) == 10 for row in recommended)
    ranked = top_ten(np.arange(50.0)[None], rng=np.random.default_rng(0))
    assert ranked.tolist() == [list(range(49, 39, -1))]


def test_artists_are_ranked_by_the_mean_over_their_tracks(planted) -> None:
    world = prepare(material_of(planted, rank_by="artists"), KEY)
    items = candidates_of(world)
    assert items.names == tuple(sorted({i[:3] for i in world.cold}))
    matrix = np.random.default_rng(0).standard_normal(world.relevant.shape).astype(np.float32)
    found = items.scores(matrix)
    for column, artist in enumerate(items.names):
        rows = [n for n, i in enumerate(world.cold) if i[:3] == artist]
        np.testing.assert_allclose(found[:, column], matrix[:, rows].mean(axis=1), atol=1e-6)
        assert (items.relevant[:, column] == world.relevant[:, rows].any(axis=1)).all()


def test_scores_of_artists_are_kept_apart_from_those_of_tracks(planted, tmp_path) -> None:
    tracks = scored(planted, work_directory=tmp_path).to_json()
    artists = scored(planted, work_directory=tmp_path, rank_by="artists").to_json()
    assert (tracks["ranked"], artists["ranked"]) == ("tracks", "artists")
    assert artists["n_tracks"] == tracks["n_tracks"] // 3
    assert artists["systems"][MEL_STATISTICS] != tracks["systems"][MEL_STATISTICS]
    assert not artists["mixed_catalogue"]["systems"]
    assert scored(planted, work_directory=tmp_path).to_json()["systems"] == tracks["systems"]


def timed(planted):
    """The planted world, where a track is first played on a day of its own, and later again."""
    day = {track.track_id: n for n, track in enumerate(planted.tracks)}
    seconds = [86400 * (19000 + day.get(i, 0)) for i in planted.plays["track_id"].to_list()]
    first = planted.plays.with_columns(timestamp=pl.Series(seconds))
    again = first.with_columns(timestamp=pl.col("timestamp") + 86400 * 400)
    return replace(planted, plays=pl.concat([first, again])), day


def test_time_cold_holds_out_what_was_first_played_last(planted) -> None:
    with_times, day = timed(planted)
    data = material_of(with_times, splits=("time-cold",), folds=3)
    (key,) = holdout_keys(data, split="time-cold")
    holdout = prepare(data, key)
    played = [i for i in data.tracks if i in data.first_days]
    latest = sorted(played, key=day.__getitem__)[-len(holdout.held_out) :]
    assert holdout.held_out == set(latest)
    assert len(latest) == int(0.25 * len(played))


def test_no_play_after_the_cut_trains_anything(planted) -> None:
    """Whatever happens to known tracks from the cut on, training is the same to the bit."""
    with_times, day = timed(planted)
    material = material_of(with_times, splits=("time-cold",))
    one = prepare(material, KEY._replace(split="time-cold"))
    cut = 19000 + min(day[i] for i in one.held_out)
    later = (pl.col("timestamp") >= 86400 * cut) & ~pl.col("track_id").is_in(sorted(one.held_out))
    flood = with_times.plays.filter(later).with_columns(
        plays=pl.col("plays") * 50, track_id=pl.col("track_id").reverse()
    )
    changed = replace(with_times, plays=pl.concat([with_times.plays.filter(~later), flood]))
    other = prepare(material_of(changed, splits=("time-cold",)), one.key)
    assert flood.height > 1000 and one.cold == other.cold
    assert one.training_plays.equals(other.training_plays)
    assert one.factors.tracks.vectors.tobytes() == other.factors.tracks.vectors.tobytes()
    assert one.training_plays["plays"].sum() < material.plays["plays"].sum() / 2


def test_what_was_played_at_an_unknown_time_trains_no_time_cold_hold_out(planted) -> None:
    with_times, _ = timed(planted)
    key = KEY._replace(split="time-cold")
    untimed = with_times.plays.with_columns(timestamp=pl.lit(None, dtype=pl.Int64)).head(500)
    both = replace(with_times, plays=pl.concat([with_times.plays, untimed]))
    one = prepare(material_of(with_times, splits=("time-cold",)), key)
    other = prepare(material_of(both, splits=("time-cold",)), key)
    assert one.training_plays.equals(other.training_plays)


def test_scores_of_time_cold_follow_when_tracks_were_played(planted, tmp_path) -> None:
    with_times, _ = timed(planted)
    how = {"splits": ("time-cold",), "work_directory": tmp_path}
    first = scored(with_times, **how).to_json()
    later = with_times.plays.with_columns(
        pl.when(pl.col("track_id").str.starts_with("a0"))
        .then(pl.col("timestamp") + 86400 * 2000)
        .otherwise(pl.col("timestamp"))
    )
    other = scored(replace(with_times, plays=later), **how).to_json()
    assert other["systems"] != first["systems"]  # other tracks came last
    assert scored(with_times, **how).to_json()["systems"] == first["systems"]


def test_time_cold_without_times_is_one_clear_error(planted) -> None:
    with pytest.raises(ParameterError, match="time-cold holds out .* timestamp column"):
        prepare(material_of(planted), HoldoutKey("time-cold", 0, None))


def test_frozen_artists_are_held_out_together_besides(planted, tmp_path) -> None:
    frozen = ("A05", "a31")
    report = evaluate(
        planted.store, planted.plays, planted.tracks, recipe=recipe_of(planted), systems=(),
        frozen=frozen,
    )  # fmt: skip
    assert [split.split for split in report.splits] == ["artist-cold", "frozen artists"]
    assert report.splits[1].n_tracks == 6


def test_only_artists_who_may_be_are_held_out(planted) -> None:
    data = material_of(planted, folds=3)
    some = replace(data, held_out_from=frozenset(f"a{n:02d}" for n in range(12)))
    held = [prepare(some, key) for key in holdout_keys(some, split="artist-cold")]
    assert sorted(i for one in held for i in one.cold) == sorted(some.may_hold_out)
    assert len(some.may_hold_out) == 36
    assert len(prepare(some, KEY).cold) < 15


def test_truth_adds_a_ceiling_and_changes_nothing_else(planted, tmp_path) -> None:
    ids = [track.track_id for track in planted.tracks]
    levels = np.stack([planted.store.spectrograms[i].mean(axis=1) for i in ids])
    np.savez(tmp_path / "truth.npz", track_ids=np.array(ids), attributes=levels)
    plain = scored(planted).to_json()
    ceiling = "ridge on true attributes"
    assert ceiling in chosen_systems(None, recipe=planted.recipe, with_truth=True)
    told = scored(planted, truth=tmp_path / "truth.npz", systems=(MEL_STATISTICS, ceiling))
    assert "ridge on true attributes" not in plain["systems"]
    body = told.to_json()
    assert body["share_of_oracle"]["ridge on true attributes"]["nDCG@50"] > 0.4
    assert body["systems"][MEL_STATISTICS] == plain["systems"][MEL_STATISTICS]


def test_truth_that_is_none_is_one_clear_error(planted, tmp_path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        scored(planted, truth=tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("not numbers")
    with pytest.raises(DataError, match="not the truth of a demo world"):
        scored(planted, truth=tmp_path / "text.npz")
    np.savez(tmp_path / "other.npz", track_ids=np.array(["x"]), attributes=np.zeros((1, 2)))
    with pytest.raises(DataError, match=f"knows 0 of {len(planted.store.ids)} tracks"):
        scored(planted, truth=tmp_path / "other.npz")


def test_the_page_stands_alone(report, tmp_path) -> None:
    write_page(report, tmp_path / "page.html", recipe=Recipe())
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert not re.search(r'(?:src|href)="(?!data:)', page)
    assert page.count("<figure>") == page.count("<img ") == 5
    assert all(alt for alt in re.findall(r'alt="([^"]*)"', page))
    for said in (
        MEL_STATISTICS,
        "New tracks among the known",
        "recall@500",
        "Placed best",
        "Placed worst",
        "t-SNE",
    ):
        assert said in page
    assert Recipe().to_toml() in html.unescape(page)
    first = page.encode()
    write_page(report, tmp_path / "page.html", recipe=Recipe())
    assert (tmp_path / "page.html").read_bytes() == first


def test_names_cannot_break_the_page(planted, tmp_path) -> None:
    tracks = [replace(t, title="<script>alert(1)</script> & so") for t in planted.tracks]
    write_page(scored(replace(planted, tracks=tracks)), tmp_path / "page.html", recipe=Recipe())
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_the_page_of_few_systems_and_of_artists(planted, tmp_path) -> None:
    write_page(scored(planted, systems=()), tmp_path / "few.html", recipe=Recipe())
    write_page(scored(planted, rank_by="artists"), tmp_path / "artists.html", recipe=Recipe())
    page = (tmp_path / "artists.html").read_text(encoding="utf-8")
    assert "new artists" in page
    assert "Placed best" not in page


def test_what_learns_in_epochs_shows_its_losses_and_unknown_genres_give_way_to_artists(
    tmp_path,
) -> None:
    planted = make_planted(n_artists=24, per_artist=2, n_listeners=60)
    train = planted.recipe.train.model_copy(update={"max_epochs": 3})
    recipe = recipe_of(planted).model_copy(update={"train": train})
    report = evaluate(
        planted.store, planted.plays, [replace(t, genre=None) for t in planted.tracks],
        recipe=recipe, systems=("cnn (from nothing)",),
    )  # fmt: skip
    write_page(report, tmp_path / "page.html", recipe=recipe)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Loss of cnn (from nothing) in each hold-out. Ring: the one kept." in page
    assert 'alt="Training and validation loss of cnn (from nothing) in each hold-out"' in page
    assert "coloured by artist" in page and "coloured by genre" not in page


def test_many_points_are_drawn_evenly_from_known_and_new(monkeypatch) -> None:
    monkeypatch.setattr(html_page, "MAX_POINTS", 10)
    cold = np.arange(100) >= 60
    some = html_page._some(cold)
    assert len(set(some.tolist())) == 10 and cold[some].sum() == 5
    assert html_page._some(cold[:10]).tolist() == list(range(10))


def test_an_oracle_that_is_no_better_has_no_bars() -> None:
    drawn = bars({"a": math.nan}, {"a": Interval(0, 0)}, roles={"a": "model"}, metric="AUC")
    assert drawn == "<p>ALS fold-in is no better than random, so there is no share to show.</p>"


def test_few_points_are_laid_out_by_pca() -> None:
    points, method = lay_out(np.eye(4, dtype=np.float32))
    assert (points.shape, method) == ((4, 2), "PCA")


def test_a_page_that_cannot_be_written_is_one_clear_error(report, tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ArtifactError, match=r"page\.html cannot be written"):
        write_page(report, tmp_path / "file" / "page.html", recipe=Recipe())
