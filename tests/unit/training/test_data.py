"""Crops, gathering and input statistics."""

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiorec.embeddings import Embeddings
from audiorec.exceptions import NotFoundError, TrainingError
from audiorec.models.config import TrainConfig
from audiorec.training import data, loop, train
from audiorec.training.data import Crops, Examples, deal, gather, input_scale


def numbered(lengths, n_mels=3):
    """Clips whose frames say which track and frame they are: 100 * track + frame."""
    clips = [
        [(100 * track + np.arange(n) + np.zeros((n_mels, 1))).astype("f2")]
        for track, n in enumerate(lengths)
    ]
    targets = np.arange(len(lengths), dtype="f4")[:, None] * np.ones((1, 2), dtype="f4")
    return Examples(tuple(map(str, range(len(lengths)))), clips, targets)


@settings(max_examples=40, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 30), min_size=1, max_size=12),
    batch_size=st.integers(1, 8),
    epoch=st.integers(0, 50),
)
def test_an_epoch_shows_every_track_once_as_a_run_of_its_frames(lengths, batch_size, epoch):
    crops = Crops(numbered(lengths), window=9, batch_size=batch_size, seed=0)
    crops.epoch = epoch
    batches = list(crops)
    assert len(batches) == len(crops)
    sizes = [len(b.mel) for b in batches]
    assert max(sizes) <= batch_size
    assert max(sizes) - min(sizes) <= 1
    seen = []
    for mel, targets, _ in batches:
        assert mel.shape[1:] == (3, 9)
        assert targets.rows.shape == targets.shares.shape == (len(mel), 1)
        for crop, vector, row in zip(
            mel.numpy(), targets.factors.numpy(), targets.rows, strict=True
        ):
            track = int(vector[0])
            assert track == int(row)
            frames = crop[0].astype(int) - 100 * track
            n = lengths[track]
            expected = (frames[0] + np.arange(9)) % n if n < 9 else frames[0] + np.arange(9)
            np.testing.assert_array_equal(frames, expected)
            assert frames.max() < n
            seen.append(track)
    assert sorted(seen) == list(range(len(lengths)))


@given(n=st.integers(1, 60), batch_size=st.integers(1, 8), accumulate=st.integers(1, 9))
def test_steps_of_several_batches_show_every_track_once_and_weigh_all_alike(
    n, batch_size, accumulate
):
    crops = Crops(numbered([9] * n), window=9, batch_size=batch_size, seed=0, accumulate=accumulate)
    batches = list(crops)
    sizes = [len(b.mel) for b in batches]
    assert len(batches) == len(crops) == crops.n_steps * crops.accumulate
    assert 1 <= crops.smallest == min(sizes)
    assert max(sizes) <= max(batch_size, 2 if accumulate > 1 else 1)
    assert crops.accumulate <= accumulate
    assert sorted(int(row) for b in batches for row in b.targets.rows) == list(range(n))
    weights = {}
    for number, batch in enumerate(batches):
        step = number // crops.accumulate
        weights.setdefault(step, []).append((len(batch.mel), batch.weight / crops.accumulate))
    for parts in weights.values():
        assert sum(weight for _, weight in parts) == pytest.approx(1)
        total = sum(size for size, _ in parts)
        assert all(weight == pytest.approx(size / total) for size, weight in parts)


def test_crops_follow_from_seed_and_epoch_alone():
    examples = numbered([40] * 20)

    def epoch(number, seed=0):
        crops = Crops(examples, window=9, batch_size=4, seed=seed)
        crops.epoch = number
        return np.concatenate([b.mel.numpy() for b in crops])

    np.testing.assert_array_equal(epoch(3), epoch(3))
    assert (epoch(3) != epoch(4)).any()
    assert (epoch(3) != epoch(3, seed=1)).any()


def test_crops_come_from_everywhere_in_the_clip_and_from_every_clip():
    examples = numbered([12])
    examples.clips[0].append(examples.clips[0][0] + 50)
    crops = Crops(examples, window=9, batch_size=4, seed=0)
    starts = set()
    for number in range(200):
        crops.epoch = number
        starts.add(int(next(iter(crops)).mel[0, 0, 0]))
    assert starts == {0, 1, 2, 3, 50, 51, 52, 53}


def test_input_scale_is_mean_and_deviation_of_all_frames(world):
    training, _ = gather(world.store, world.targets, groups=world.groups, config=world.train)
    scale = input_scale(training)
    every = np.concatenate([c.astype("f8") for clips in training.clips for c in clips], axis=1)
    np.testing.assert_allclose(scale.mean, every.mean(axis=1), rtol=1e-5)
    np.testing.assert_allclose(scale.std, every.std(axis=1), rtol=1e-4)
    assert scale.mean.dtype == scale.std.dtype == np.float32


def test_a_band_that_never_changes_is_not_blown_up():
    assert (input_scale(numbered([1])).std >= 1e-3).all()


def test_gather_holds_out_whole_artists_and_knows_only_common_tracks(world):
    some = world.targets.take(world.targets.ids[:70])
    more = some.updated(Embeddings(["only plays"], np.ones((1, some.dim))))
    training, validation = gather(world.store, more, groups=world.groups, config=world.train)
    assert sorted([*training.ids, *validation.ids]) == list(some.ids)
    artists = [{world.groups[i] for i in part.ids} for part in (training, validation)]
    assert artists[0].isdisjoint(artists[1])
    for part in (training, validation):
        expected = [some[i] / np.linalg.norm(some[i]) for i in part.ids]
        np.testing.assert_allclose(part.targets, expected, rtol=1e-5)


def test_gather_keeps_norms_when_asked(world):
    config = TrainConfig(unit_norm=False)
    training, _ = gather(world.store, world.targets, groups=world.groups, config=config)
    np.testing.assert_array_equal(training.targets[0], world.targets[training.ids[0]])


def test_too_few_tracks(world):
    few = world.targets.take(world.targets.ids[:7])
    with pytest.raises(TrainingError, match="only 7 tracks have both audio and factors .* needs 8"):
        gather(world.store, few, groups=world.groups, config=world.train)


def test_one_artist_only(world):
    groups = dict.fromkeys(world.store.ids, "Solo")
    with pytest.raises(TrainingError, match="all 80 tracks .* by 'Solo' .* at least two"):
        gather(world.store, world.targets, groups=groups, config=world.train)


def test_tracks_without_an_artist_stand_alone(world):
    for groups in ({}, dict.fromkeys(world.store.ids, "")):
        training, validation = gather(world.store, world.targets, groups=groups, config=world.train)
        assert len(training.ids) + len(validation.ids) == 80
        assert len(validation.ids) == 8


def test_a_track_that_is_not_in_the_store():
    with pytest.raises(NotFoundError, match="'x'"):
        Embeddings(["a"], np.ones((1, 2))).take(["x"])


@pytest.mark.parametrize(
    "model",
    [{}, {"architecture": "described", "words": 4, "heads": 2, "hidden": 16}],
    ids=["small1d", "described"],
)
def test_copies_under_two_artists_are_learned_from_or_judged_by_but_not_both(world, model):
    """Each of twenty artists shares a recording with four others: four owners in all."""
    ids = world.store.ids
    firsts = {artist: i for i, artist in reversed(world.groups.items())}
    together = {first: n % 4 for n, first in enumerate(firsts.values())}
    dealt = []

    def spy(*arguments, **how):
        dealt.append(deal(*arguments, **how))
        return dealt[-1]

    def parted(together):
        """In how many deals two copies lie on two sides, and what became of it."""
        dealt.clear()
        arguments = world.arguments(max_epochs=1, mixup=0.0)
        arguments["model"] = world.model.model_copy(update=model)
        with patch.multiple(data, deal=spy), patch.multiple(loop, deal=spy):
            result = train(world.store, world.targets, **arguments, together=together)
        whose = {i: together.get(firsts[world.groups[i]]) for i in ids}
        sides = [[{whose[i] for i in part} for part in parts] for parts in dealt]
        assert len(dealt) == (3 if model else 1)
        return sum(not shown.isdisjoint(judged) for shown, judged in sides), result.unseen

    assert parted(together)[0] == 0
    with patch.object(loop, "artist_groups", lambda ids, artists, together: artists):
        assert parted(together)[0] == len(dealt)  # a copy would be on either side
    # Copies under one artist's name change nothing.
    own = {ids[0]: 0, ids[20]: 0}
    assert world.groups[ids[0]] == world.groups[ids[20]]
    assert np.array_equal(parted({})[1].vectors, parted(own)[1].vectors)
