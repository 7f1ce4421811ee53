"""A network whose ear listeners do not teach: heard once, learned from as if heard each time."""

import numpy as np
import pytest
import torch

from audiorec.config import ModelConfig
from audiorec.embeddings import unit_norm
from audiorec.exceptions import ParameterError
from audiorec.inference import embed_store
from audiorec.models.checkpoint import load_checkpoint, save_checkpoint
from audiorec.models.predict import cut, standardize, window_starts
from audiorec.training import train
from audiorec.training.data import gather, input_scale
from audiorec.training.once import heard_once
from tests.unit.training.test_resume import Killed, assert_same

DESCRIBED = ModelConfig(architecture="described", words=8, heads=2, hidden=32, dropout=0.1)


def run(world, directory=None, progress=None, unlabelled=(), model=DESCRIBED, **changes):
    more = {} if progress is None else {"progress": progress}
    how = world.arguments(**changes) | {"model": model}
    return train(
        world.store,
        world.targets,
        **how,
        work_directory=directory,
        unlabelled=unlabelled,
        **more,
    )


def test_learns_what_is_planted_and_keeps_it(planted, fresh, tmp_path):
    result = run(planted, max_epochs=30)
    found = embed_store(result.checkpoint, fresh.store).vectors
    agreement = (found * unit_norm(fresh.targets.vectors)).sum(axis=1).mean()
    assert agreement > 0.8
    save_checkpoint(tmp_path / "model", result.checkpoint, inputs={})
    again = embed_store(load_checkpoint(tmp_path / "model"), fresh.store)
    np.testing.assert_array_equal(again.vectors, found)


def test_the_ear_is_asked_of_the_windows_that_inference_hears(world):
    training, _ = gather(world.store, world.targets, groups=world.groups, config=world.train)
    scale = input_scale(training)
    torch.manual_seed(0)
    ear = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16 * 30, 5))
    told = heard_once(
        training, ear=ear, scale=scale, window=30, device=torch.device("cpu"),
        progress=lambda *a: None,
    )  # fmt: skip
    assert told.ids == training.ids
    mean, std = map(torch.from_numpy, scale)
    for clips, (heard,) in zip(training.clips, told.clips, strict=True):
        starts = window_starts(clips[0].shape[1], window=30)
        windows = torch.from_numpy(np.stack([cut(clips[0], s, window=30) for s in starts]))
        with torch.no_grad():
            expected = ear(standardize(windows, mean=mean, std=std)).numpy().T
        np.testing.assert_allclose(heard, expected, atol=2e-2)


def test_killed_it_goes_on_to_the_same_weights(world, tmp_path):
    expected = run(world, max_epochs=3)

    def stop(stage, done, total, note=""):
        if stage == "train" and done == 2:
            raise Killed

    with pytest.raises(Killed):
        run(world, tmp_path, stop, max_epochs=3)
    assert_same(run(world, tmp_path, max_epochs=3), expected)


def test_tracks_that_nobody_heard_teach_the_ear_and_not_the_head(world):
    known = list(world.targets.ids)
    some = world.targets.take(known[:40])
    few = train(world.store, some, **world.arguments(max_epochs=2) | {"model": DESCRIBED})
    more = train(
        world.store, some, unlabelled=known[40:],
        **world.arguments(max_epochs=2) | {"model": DESCRIBED},
    )  # fmt: skip
    words = "ear.dictionary.words"
    assert not torch.equal(few.checkpoint.weights[words], more.checkpoint.weights[words])
    assert few.unseen.ids == more.unseen.ids


@pytest.mark.parametrize("key", ["gain_db", "filter_db", "time_mask", "band_mask"])
def test_what_is_heard_once_cannot_be_altered_anew(world, key):
    with pytest.raises(ParameterError, match=f"{key}=0.5 alters crops .* write {key} = 0"):
        run(world, **{key: 0.5})


BY_ARTISTS = DESCRIBED.model_copy(update={"discriminants": 6})


def test_discriminants_are_learned_kept_and_used(planted, fresh, tmp_path):
    result = run(planted, model=BY_ARTISTS, max_epochs=30)
    found = embed_store(result.checkpoint, fresh.store).vectors
    agreement = (found * unit_norm(fresh.targets.vectors)).sum(axis=1).mean()
    assert agreement > 0.3  # of 1; its artists differ by chance alone, which teaches little
    save_checkpoint(tmp_path / "model", result.checkpoint, inputs={})
    again = embed_store(load_checkpoint(tmp_path / "model"), fresh.store)
    np.testing.assert_array_equal(again.vectors, found)


def test_discriminants_hear_tracks_without_listeners(world):
    known = list(world.targets.ids)
    some = world.targets.take(known[:40])
    how = world.arguments() | {"model": BY_ARTISTS}
    alone, more = (
        train(world.store, some, unlabelled=others, **how) for others in ((), known[40:])
    )
    weights = [r.checkpoint.weights["discriminants.weights"] for r in (alone, more)]
    assert not torch.equal(*weights)


def test_few_tracks_are_gone_through_more_often(world):
    few = run(world, max_epochs=2, patience=100)
    often = run(world, max_epochs=2, patience=100, min_steps=40)
    steps = -(-len(world.targets) * 9 // 10 // 16)
    assert len(few.history) == 2
    assert len(often.history) >= 40 // (steps + 1)
