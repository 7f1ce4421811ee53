"""Who is held out, who is scored, and that nothing leaks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from audiorec.evaluation import (
    SYSTEMS,
    EvaluationData,
    Holdout,
    HoldoutKey,
    holdout_keys,
    prepare_data,
)
from audiorec.evaluation.holdout import assign_folds, prepare
from audiorec.evaluation.systems import PredictedVectors, WorkDir
from audiorec.exceptions import ArtifactError, AudiorecError, DataError, ParameterError
from audiorec.factors import FactorsConfig
from audiorec.pipeline import EvaluateConfig

ARTIST = HoldoutKey("artist-cold", 0, None)
TRACK = HoldoutKey("track-cold", 0, None)


def material_of(planted, **changes) -> EvaluationData:
    planted = replace(planted, **changes)
    return prepare_data(planted.store, planted.plays, planted.tracks, recipe=planted.recipe)


def evaluated(planted, **settings):
    section = EvaluateConfig(**(planted.recipe.evaluate.model_dump() | settings))
    return planted.recipe.model_copy(update={"evaluate": section})


def world_of(planted, cell: HoldoutKey = ARTIST, **changes) -> Holdout:
    return prepare(material_of(planted, **changes), cell)


def vectors_of(world: Holdout, name: str) -> list[np.ndarray]:
    draws = SYSTEMS[name].predict(world, WorkDir()).draws
    return [draw.cold if isinstance(draw, PredictedVectors) else draw.matrix for draw in draws]


def test_no_artist_stands_on_both_sides(planted) -> None:
    world = world_of(planted)
    artists = world.data.artists
    assert {artists[i] for i in world.cold}.isdisjoint(artists[i] for i in world.targets.ids)
    assert set(world.targets.ids) | set(world.cold) == set(planted.store.ids)
    assert 0.15 < len(world.cold) / len(planted.store.ids) < 0.35


def test_artist_names_are_compared_without_case_and_space(planted) -> None:
    tracks = [
        replace(track, artist=f" {track.artist.lower()}") if track.track_id.endswith("0") else track
        for track in planted.tracks
    ]
    world = world_of(planted, tracks=tracks)
    assert {i[:3] for i in world.cold}.isdisjoint(i[:3] for i in world.targets.ids)


def test_track_cold_parts_artists(planted) -> None:
    world = world_of(planted, TRACK)
    assert {i[:3] for i in world.cold} & {i[:3] for i in world.targets.ids}


@pytest.mark.parametrize("cell", [ARTIST, TRACK, HoldoutKey("track-cold", 1, 2)])
def test_duplicates_never_straddle(planted, cell: HoldoutKey) -> None:
    """One pair has the same samples, another sounds the same; the artists differ."""
    tracks = [
        replace(t, clip_hash="same") if t.track_id in ("a00-0", "a09-1") else t
        for t in planted.tracks
    ]
    store = replace(planted.store, twins={"a05-0": "a31-2"})
    recipe = evaluated(planted, folds=4 if cell.fold is not None else 0)
    for seed in range(6):
        world = world_of(
            planted, cell._replace(seed=seed), tracks=tracks, store=store, recipe=recipe
        )
        for one, other in (("a00-0", "a09-1"), ("a05-0", "a31-2")):
            assert (one in world.held_out) == (other in world.held_out)


def test_listening_without_audio_is_learned_from(planted) -> None:
    world = world_of(planted)
    assert any(i.startswith("mute") for i in world.factors.tracks.ids)
    assert not any(i.startswith("mute") for i in world.cold)
    assert set(world.factors.tracks.ids).isdisjoint(world.held_out)


def test_a_held_out_artists_track_without_audio_is_held_out_too(planted) -> None:
    mels = {i: mel for i, mel in planted.store.spectrograms.items() if not i.endswith("2")}
    world = world_of(planted, store=replace(planted.store, spectrograms=mels))
    assert any(i.endswith("2") for i in world.held_out)
    assert not any(i.endswith("2") for i in world.cold)
    assert {i[:3] for i in world.held_out}.isdisjoint(
        i[:3] for i in world.factors.tracks.ids if i.startswith("a")
    )


def test_the_scored_have_a_history_and_are_not_folded_in_from(planted) -> None:
    world = world_of(planted)
    assert set(world.listeners).isdisjoint(world.folding)
    assert set(world.listeners) <= set(world.warm.users.ids)
    assert world.relevant.any(axis=1).all()
    user = world.listeners[0]
    played = planted.plays.filter(pl.col("user_id") == user)["track_id"].to_list()
    assert {world.cold[i] for i in np.flatnonzero(world.relevant[0])} == set(played) & set(
        world.cold
    )


def without_plays_of(planted, world: Holdout, users: tuple[str, ...] | None) -> pl.DataFrame:
    """The same plays, but all held-out tracks' (of `users`, or of everybody) made another's."""
    cold = sorted(world.held_out)
    gone = pl.col("track_id").is_in(cold)
    if users is not None:
        gone &= pl.col("user_id").is_in(users)
    kept = planted.plays.filter(~gone)
    swapped = planted.plays.filter(gone).with_columns(
        track_id=pl.col("track_id").replace(dict(zip(cold, cold[1:] + cold[:1], strict=True)))
    )
    return pl.concat([kept, swapped])


SEES_TRAINING_ALONE = (
    "shuffled",
    "genre + ridge",
    "mel statistics + ridge",
    "MFCC + ridge",
    "artist mean",
)


def test_what_anybody_did_with_held_out_tracks_reaches_no_system(planted) -> None:
    world = world_of(planted)
    other = world_of(planted, plays=without_plays_of(planted, world, None))
    assert not np.array_equal(world.relevant.sum(0), other.relevant.sum(0))
    assert (world.cold, world.folding) == (other.cold, other.folding)
    for one, same in (
        (world.factors.tracks, other.factors.tracks),
        (world.factors.users, other.factors.users),
        (world.targets, other.targets),
    ):
        assert one.ids == same.ids
        assert one.vectors.tobytes() == same.vectors.tobytes()
    for name in SEES_TRAINING_ALONE:
        for one, same in zip(vectors_of(world, name), vectors_of(other, name), strict=True):
            assert one.tobytes() == same.tobytes(), name


def test_what_the_scored_did_with_held_out_tracks_reaches_not_even_the_honest_oracle(
    planted,
) -> None:
    world = world_of(planted)
    other = world_of(planted, plays=without_plays_of(planted, world, world.listeners))
    assert not np.array_equal(world.relevant.sum(0), other.relevant.sum(0))
    for name in (*SEES_TRAINING_ALONE, "ALS fold-in"):
        for one, same in zip(vectors_of(world, name), vectors_of(other, name), strict=True):
            assert one.tobytes() == same.tobytes(), name


def test_the_network_is_given_training_tracks_alone(planted, monkeypatch) -> None:
    world = world_of(planted)
    given = {}

    class Stop(Exception):
        pass

    def spy(store, targets, **settings):
        given.update(settings, targets=targets)
        raise Stop

    monkeypatch.setattr("audiorec.training.train", spy)
    with pytest.raises(Stop):
        SYSTEMS["cnn (from nothing)"].predict(world, WorkDir())
    assert set(given["targets"].ids).isdisjoint(world.held_out)
    assert set(given["artists"]) == set(given["targets"].ids)
    assert given["config"].seed == world.key.seed


def test_folds_hold_every_track_out_once(planted) -> None:
    material = material_of(planted, recipe=evaluated(planted, folds=5, seeds=(3,)))
    plan = list(holdout_keys(material, split="artist-cold"))
    assert [cell.fold for cell in plan] == [0, 1, 2, 3, 4]
    held = [i for cell in plan for i in prepare(material, cell).cold]
    assert sorted(held) == sorted(planted.store.ids)
    sizes = [len(fold) for fold in assign_folds(material, by="artist", n_folds=5, seed=3)]
    assert max(sizes) - min(sizes) <= 3
    assert assign_folds(material, by="artist", n_folds=5, seed=4) != assign_folds(
        material, by="artist", n_folds=5, seed=3
    )


def test_the_order_of_what_is_given_changes_nothing(planted) -> None:
    world = world_of(planted)
    shuffled = planted.plays.sample(fraction=1.0, shuffle=True, seed=4)
    other = world_of(planted, plays=shuffled, tracks=planted.tracks[::-1])
    assert (world.cold, world.listeners) == (other.cold, other.listeners)
    assert world.data.fingerprint == other.data.fingerprint
    assert world.factors.tracks.vectors.tobytes() == other.factors.tracks.vectors.tobytes()


def raises_one_line(error: type[AudiorecError], match: str, call) -> None:
    with pytest.raises(error, match=match) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_no_mels(planted) -> None:
    store = replace(planted.store, spectrograms={})
    raises_one_line(
        ArtifactError, "none of the 240 tracks has mels .*audiorec mel",
        lambda: material_of(planted, store=store),
    )  # fmt: skip


def test_no_plays(planted) -> None:
    raises_one_line(
        DataError, "no plays to evaluate on; import",
        lambda: material_of(planted, plays=planted.plays.clear()),
    )  # fmt: skip


def test_no_cold_tracks(planted) -> None:
    """All that can be heard lies in training."""
    heard = world_of(planted).targets.ids[:20]
    store = replace(planted.store, spectrograms={i: planted.store.spectrograms[i] for i in heard})
    raises_one_line(
        ParameterError, "artist-cold, seed 0: none of the .* held-out tracks has mels",
        lambda: world_of(planted, store=store),
    )  # fmt: skip


def test_one_artist_holds_all_tracks(planted) -> None:
    tracks = [replace(track, artist="The Only One") for track in planted.tracks]
    raises_one_line(
        ParameterError,
        "one artist, 'the only one', holds all tracks",
        lambda: world_of(planted, tracks=tracks),
    )
    recipe = evaluated(planted, folds=2)
    raises_one_line(
        ParameterError, "folds=2 needs as many artists and there are 1; lower folds",
        lambda: world_of(planted, ARTIST._replace(fold=0), tracks=tracks, recipe=recipe),
    )  # fmt: skip


def test_no_listener_with_a_history(planted) -> None:
    demanding = FactorsConfig(min_tracks_per_user=31)
    recipe = planted.recipe.model_copy(update={"factors": demanding})
    raises_one_line(
        DataError, "artist-cold, seed 0: no history .*min_tracks_per_user=31",
        lambda: world_of(planted, recipe=recipe),
    )  # fmt: skip


def test_nobody_played_what_was_held_out(planted) -> None:
    held_out = world_of(planted).held_out
    plays = planted.plays.filter(~pl.col("track_id").is_in(sorted(held_out)))
    raises_one_line(
        DataError, "none of the .* listeners that are scored played any of the",
        lambda: world_of(planted, plays=plays),
    )  # fmt: skip


def test_nothing_to_learn_from(planted) -> None:
    plays = planted.plays.filter(
        pl.col("track_id").str.starts_with("mute")
        | pl.col("track_id").is_in(sorted(world_of(planted).held_out))
    )
    world = world_of(planted, plays=plays)
    raises_one_line(DataError, "no training track has both audio and plays", lambda: world.targets)
