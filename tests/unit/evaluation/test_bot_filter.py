"""Suspects teach nothing and are not scored, and are found from training plays alone."""

from __future__ import annotations

import numpy as np
import polars as pl

from audiorec.data.plays import InteractionsConfig
from audiorec.evaluation import SYSTEMS, HoldoutKey, evaluate, prepare_data
from audiorec.evaluation.holdout import prepare
from audiorec.evaluation.systems import WorkDir

KEY = HoldoutKey("artist-cold", 0, None)
DAY = 86_400


def world_of(planted, plays, **listening):
    recipe = planted.recipe.model_copy(update={"interactions": InteractionsConfig(**listening)})
    return prepare(prepare_data(planted.store, plays, planted.tracks, recipe=recipe), KEY)


def rows_like(planted, users, tracks, counts, times) -> pl.DataFrame:
    columns = {"user_id": users, "track_id": tracks, "plays": counts, "timestamp": times}
    return pl.DataFrame(columns, schema=planted.plays.schema)


def bots(planted, n=20) -> pl.DataFrame:
    """Copies of one another that play forty of all tracks, each on a day of its own."""
    rng = np.random.default_rng(1)
    tracks = rng.permutation(sorted(planted.store.ids))[:40].tolist()
    parts = [
        rows_like(planted, [f"bot{b}"] * 40, tracks, [float(1 + i % 5) for i in range(40)],
                  [i * DAY for i in range(40)])
        for b in range(n)
    ]  # fmt: skip
    return pl.concat(parts)


def test_a_world_with_bots_is_the_world_without_them(planted) -> None:
    alone = world_of(planted, planted.plays)
    beside = world_of(planted, pl.concat([planted.plays, bots(planted)]))
    assert len(beside.suspects) == 20 and not len(alone.suspects)
    assert (beside.cold, beside.folding, beside.listeners) == (
        alone.cold, alone.folding, alone.listeners,
    )  # fmt: skip
    assert beside.factors.tracks.vectors.tobytes() == alone.factors.tracks.vectors.tobytes()
    for name in ("ALS fold-in", "ALS on all plays", "popularity of test tracks (leaky)"):
        one, other = (
            next(iter(SYSTEMS[name].predict(w, WorkDir()).draws)) for w in (alone, beside)
        )
        for fast, same in zip(one, other, strict=True):
            assert (fast is None and same is None) or np.array_equal(fast, same), name


def test_with_the_rules_off_bots_are_learned_from_and_scored(planted) -> None:
    world = world_of(planted, pl.concat([planted.plays, bots(planted)]), rules=())
    assert not len(world.suspects)
    assert any(user.startswith("bot") for user in world.warm.users.ids)
    assert any(user.startswith("bot") for user in (*world.listeners, *world.folding))


def test_what_is_done_with_held_out_tracks_makes_nobody_suspect(planted) -> None:
    """A flood of plays in one day, of a track that is held out or of one that is not."""
    world = world_of(planted, planted.plays)
    user = world.listeners[0]
    for track, found in ((world.cold[0], set()), (world.targets.ids[0], {user})):
        flood = rows_like(planted, [user], [track], [5000.0], [DAY])
        other = world_of(planted, pl.concat([planted.plays, flood]))
        assert other.suspects.users == found
        assert (user in other.listeners) == (not found)


def test_days_decide_and_are_part_of_the_digest(planted) -> None:
    """The same counts on one day or on many: other suspects, so other scores."""
    counts = planted.plays.with_columns(plays=pl.col("plays") * 100)
    spread = counts.with_columns(timestamp=pl.int_range(pl.len()) * DAY)
    recipe = planted.recipe
    materials = [
        prepare_data(planted.store, plays, planted.tracks, recipe=recipe)
        for plays in (counts, spread)
    ]
    assert materials[0].fingerprint != materials[1].fingerprint
    changed = recipe.model_copy(update={"interactions": InteractionsConfig(keep=("u001",))})
    other = prepare_data(planted.store, counts, planted.tracks, recipe=changed)
    assert other.fingerprint != materials[0].fingerprint


def test_a_skip_is_no_play_to_be_predicted(planted) -> None:
    world = world_of(planted, planted.plays)
    user, cold = world.listeners[0], np.flatnonzero(world.relevant[0])
    disliked = world.cold[cold[0]]
    mine = (pl.col("user_id") == user) & (pl.col("track_id") == disliked)
    plays = planted.plays.with_columns(skipped=pl.when(mine).then(pl.col("plays")).otherwise(0.0))
    other = world_of(planted, plays)
    row = other.listeners.index(user) if user in other.listeners else None
    assert row is None or not other.relevant[row, other.cold.index(disliked)]
    assert other.relevant.sum() == world.relevant.sum() - 1


def test_skips_of_training_tracks_are_learned_from(planted) -> None:
    one = world_of(planted, planted.plays)
    skipped = planted.plays.with_columns(skipped=pl.col("plays") * (pl.col("plays") > 7))
    other = world_of(planted, skipped)
    assert (other.warm.user_items.data < 0).any() and (one.warm.user_items.data > 0).all()
    assert other.warm.n_plays < one.warm.n_plays


def test_the_report_names_how_many_were_left_out(planted, tmp_path) -> None:
    section = planted.recipe.evaluate.model_copy(update={"seeds": (0,)})
    recipe = planted.recipe.model_copy(update={"evaluate": section})
    plays = pl.concat([planted.plays, bots(planted)])
    for _ in ("scored", "kept"):
        report = evaluate(
            planted.store, plays, planted.tracks, recipe=recipe, systems=(), work_directory=tmp_path
        )
        assert "20 suspect listeners are left out" in report.to_text()
    alone = evaluate(planted.store, planted.plays, planted.tracks, recipe=recipe, systems=())
    assert "suspect" not in alone.to_text()
