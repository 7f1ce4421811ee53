"""Crops, the training and validation sets, and input statistics."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiorec.distributed import Processes
from audiorec.embeddings import Embeddings
from audiorec.exceptions import TrainingError
from audiorec.training.dataset import CropLoader, TrainingSet, input_scale, training_sets


def numbered(lengths, n_mels=3):
    """Clips whose frames say which track and frame they are: 100 * track + frame."""
    clips = [
        [(100 * track + np.arange(n) + np.zeros((n_mels, 1))).astype("f2")]
        for track, n in enumerate(lengths)
    ]
    targets = np.arange(len(lengths), dtype="f4")[:, None] * np.ones((1, 2), dtype="f4")
    return TrainingSet(tuple(map(str, range(len(lengths)))), clips, targets)


@settings(max_examples=40, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 30), min_size=1, max_size=12),
    batch_size=st.integers(1, 8),
    epoch=st.integers(0, 50),
)
def test_an_epoch_shows_every_track_once_as_a_run_of_its_frames(lengths, batch_size, epoch):
    loader = CropLoader(numbered(lengths), crop=9, batch_size=batch_size, seed=0)
    loader.epoch = epoch
    batches = list(loader)
    assert len(batches) == len(loader)
    sizes = [len(b.inputs) for b in batches]
    assert max(sizes) <= batch_size
    assert min(sizes) >= max(sizes) - 1
    seen = []
    for given_, targets, weight in batches:
        assert given_.shape[1:] == (3, 9)
        assert weight == 1
        for crop, vector in zip(given_.numpy(), targets.numpy(), strict=True):
            track = int(vector[0])
            frames = crop[0].astype(int) - 100 * track
            n = lengths[track]
            expected = (frames[0] + np.arange(9)) % n if n < 9 else frames[0] + np.arange(9)
            np.testing.assert_array_equal(frames, expected)
            assert frames.max() < n
            seen.append(track)
    assert sorted(seen) == list(range(len(lengths)))


@pytest.mark.parametrize("n", [7, 16, 23])
def test_processes_divide_every_batch_and_weigh_all_examples_alike(n):
    def batches(rank, size):
        processes = Processes(rank, size)
        return list(
            CropLoader(numbered([9] * n), crop=9, batch_size=8, seed=1, processes=processes)
        )

    whole = batches(0, 1)
    for step, parts in zip(
        whole, zip(*(batches(r, 3) for r in range(3)), strict=True), strict=True
    ):
        joined = np.concatenate([part.inputs.numpy() for part in parts])
        np.testing.assert_array_equal(joined, step.inputs.numpy())
        # The mean over processes of each one's weighted mean is the mean over the batch.
        own = [float(part.targets[:, 0].mean()) * part.weight / 3 for part in parts]
        assert sum(own) == pytest.approx(float(step.targets[:, 0].mean()))


def test_crops_follow_from_seed_and_epoch_alone():
    examples = numbered([40] * 20)

    def epoch(number, seed=0):
        loader = CropLoader(examples, crop=9, batch_size=4, seed=seed)
        loader.epoch = number
        return np.concatenate([b.inputs.numpy() for b in loader])

    np.testing.assert_array_equal(epoch(3), epoch(3))
    assert (epoch(3) != epoch(4)).any()
    assert (epoch(3) != epoch(3, seed=1)).any()


def test_crops_come_from_everywhere_in_the_clip_and_from_every_clip():
    examples = numbered([12])
    examples.clips[0].append(examples.clips[0][0] + 50)
    loader = CropLoader(examples, crop=9, batch_size=4, seed=0)
    starts = set()
    for number in range(200):
        loader.epoch = number
        (batch,) = loader
        starts.add(int(batch.inputs[0, 0, 0]))
    assert starts == {0, 1, 2, 3, 50, 51, 52, 53}


def test_rows_of_features_are_shown_as_they_are():
    rows = [[np.full(5, track, dtype="f4")] for track in range(6)]
    examples = TrainingSet(tuple("abcdef"), rows, np.arange(6, dtype="f4")[:, None])
    for batch in CropLoader(examples, crop=1, batch_size=4, seed=0):
        assert batch.inputs.shape == (len(batch.targets), 5)
        np.testing.assert_array_equal(batch.inputs[:, 0], batch.targets[:, 0])


def test_no_artist_is_on_both_sides(world):
    shown, judged = training_sets(
        world.store, world.targets, groups=world.artists, unit=True, seed=0
    )
    assert not {world.artists[i] for i in shown.ids} & {world.artists[i] for i in judged.ids}
    assert sorted(shown.ids + judged.ids) == sorted(world.store.ids)
    np.testing.assert_allclose(np.linalg.norm(shown.targets, axis=1), 1, rtol=1e-5)
    raw, _ = training_sets(world.store, world.targets, groups=world.artists, unit=False, seed=0)
    np.testing.assert_array_equal(raw.targets, world.targets.take(raw.ids).vectors)


def test_too_little_to_train_on(world):
    few = world.targets.take(world.targets.ids[:5])
    with pytest.raises(TrainingError, match="only 5 tracks have both audio and factors"):
        training_sets(world.store, few, groups=world.artists, unit=True, seed=0)
    alone = dict.fromkeys(world.artists, "one")
    with pytest.raises(TrainingError, match="all 80 tracks .* are by 'one'"):
        training_sets(world.store, world.targets, groups=alone, unit=True, seed=0)
    elsewhere = Embeddings(["x"], np.ones((1, 4), dtype="f4"))
    with pytest.raises(TrainingError, match="only 0 tracks"):
        training_sets(world.store, elsewhere, groups=world.artists, unit=True, seed=0)


def test_input_statistics():
    rng = np.random.default_rng(0)
    clips = [[rng.normal([[-50], [-20]], [[3], [9]], size=(2, n)).astype("f2")] for n in (50, 70)]
    clips[0].append(clips[0][0][:, :20] - 5)
    scale = input_scale(TrainingSet(("a", "b"), clips, np.zeros((2, 1), dtype="f4")))
    frames = np.concatenate([clip.astype("f8") for track in clips for clip in track], axis=1)
    np.testing.assert_allclose(scale.mean, frames.mean(axis=1), rtol=1e-5)
    np.testing.assert_allclose(scale.std, frames.std(axis=1), rtol=1e-4)
    still = input_scale(TrainingSet(("a",), [[np.full((2, 9), -7, "f2")]], np.zeros((1, 1), "f4")))
    assert (still.std > 0).all()
    clips[0][0][0, 3] = np.nan
    with pytest.raises(TrainingError, match="NaN or infinity"):
        input_scale(TrainingSet(("a", "b"), clips, np.zeros((2, 1), dtype="f4")))
