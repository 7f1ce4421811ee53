"""A network whose ear listeners do not teach: heard once, learned from as if heard each time."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from audiorec.data.tracks import artist_key
from audiorec.embeddings import unit_norm
from audiorec.exceptions import ParameterError
from audiorec.inference import embed_store
from audiorec.models.checkpoint import load_checkpoint, save_checkpoint
from audiorec.models.config import ModelConfig, TrainConfig
from audiorec.models.discriminants import Discriminants
from audiorec.models.kernel import KernelRidge
from audiorec.models.predict import cut, standardize, window_starts
from audiorec.training import train
from audiorec.training.data import gather, input_scale
from audiorec.training.once import as_they_are, heard_once, other_pitches
from tests.unit.training.test_resume import Killed, assert_same

DESCRIBED = ModelConfig(architecture="described", words=8, heads=2, hidden=32, dropout=0.1)
BY_ARTISTS = DESCRIBED.model_copy(update={"discriminants": 6})


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


def stop_training(stage, done, total, note=""):
    """Stop in the second epoch's wake, and not where the ear has heard as much."""
    if stage == "train" and done == 2:
        raise Killed


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


def test_the_ear_is_asked_at_other_pitches_too(world):
    training, _ = gather(world.store, world.targets, groups=world.groups, config=world.train)
    ear = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16 * 30, 5))
    how = {"ear": ear, "scale": input_scale(training), "window": 30, "progress": lambda *a: None}
    how["device"] = torch.device("cpu")
    plain = heard_once(training, **how)
    louder = heard_once(training, shifts=torch.stack([1.1 * torch.eye(16), torch.eye(16)]), **how)
    for (alone,), (same, other, again) in zip(plain.clips, louder.clips, strict=True):
        np.testing.assert_allclose(same, alone, atol=2e-2)
        np.testing.assert_allclose(again, alone, atol=2e-2)
        assert np.abs(other.astype("f4") - alone).max() > 0.05
    assert all(len(clips) == 1 for clips in as_they_are(louder).clips)
    loud = [[(1.1 * clip.astype("f4")) for clip in clips] for clips in training.clips]
    expected = heard_once(replace(training, clips=loud), **how)
    for (wanted,), clips in zip(expected.clips, louder.clips, strict=True):
        np.testing.assert_allclose(clips[1], wanted, atol=2e-2)


@pytest.mark.parametrize("model", [DESCRIBED, BY_ARTISTS], ids=["plain", "discriminants"])
def test_other_pitches_are_learned_from_and_a_killed_run_goes_on(world, tmp_path, model):
    expected = run(world, model=model, max_epochs=3, pitch_shift=1.0)
    with pytest.raises(Killed):
        run(world, tmp_path, stop_training, model=model, max_epochs=3, pitch_shift=1.0)
    assert_same(run(world, tmp_path, model=model, max_epochs=3, pitch_shift=1.0), expected)
    plain = run(world, model=model, max_epochs=3)
    assert plain.history[0].train_loss != expected.history[0].train_loss
    assert plain.unseen.ids == expected.unseen.ids


def test_more_pitches_than_can_be_kept_are_refused(world, monkeypatch):
    n = len(world.targets.ids)
    monkeypatch.setattr("audiorec.training.once.MOST_TOLD", 4 * n)
    run(world, max_epochs=1, pitch_shift=1.0)
    with pytest.raises(ParameterError, match=f"{n} tracks heard at 5 .* write pitch_shift = 1 "):
        run(world, max_epochs=1, pitch_shift=2.0)
    monkeypatch.setattr("audiorec.training.once.MOST_TOLD", n)
    with pytest.raises(ParameterError, match="write pitch_shift = 0 "):
        run(world, max_epochs=1, pitch_shift=1.0)


def test_left_to_itself_it_hears_as_many_pitches_as_can_be_kept(world, monkeypatch):
    n = len(world.targets.ids)
    for kept, semitones in ((5 * n, 2.0), (5 * n - 1, 1.0), (3 * n, 1.0), (3 * n - 1, 0.0)):
        monkeypatch.setattr("audiorec.training.once.MOST_TOLD", kept)
        alone = run(world, max_epochs=1, pitch_shift="auto")
        assert_same(alone, run(world, max_epochs=1, pitch_shift=semitones))
    assert other_pitches(TrainConfig(), n=10**9) == []


def test_pitches_between_the_semitones_are_refused(world):
    with pytest.raises(ParameterError, match="pitch_shift=1.5 is no whole .* write 2 under"):
        run(world, pitch_shift=1.5)


def test_killed_it_goes_on_to_the_same_weights(world, tmp_path):
    expected = run(world, max_epochs=3)
    with pytest.raises(Killed):
        run(world, tmp_path, stop_training, max_epochs=3)
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


LIKENESS = "likeness.kernel."


def likeness(result):
    return {k: v for k, v in result.checkpoint.weights.items() if k.startswith("likeness.")}


def test_tracks_are_compared_too(world):
    both = run(world)
    alone = run(world, model=DESCRIBED.model_copy(update={"landmarks": 0}))
    assert both.checkpoint.weights[LIKENESS + "speaks"] == 1
    assert not likeness(alone)
    for name, tensor in alone.checkpoint.weights.items():  # the others learn as without it
        assert torch.equal(both.checkpoint.weights[name], tensor)
    np.testing.assert_array_equal(alone.unseen.vectors, both.unseen.vectors)
    found = embed_store(both.checkpoint, world.store).vectors
    assert np.abs(found - embed_store(alone.checkpoint, world.store).vectors).max() > 1e-2


def test_comparing_brings_new_tracks_nearer_to_their_factors(planted, fresh):
    agreement = []
    for landmarks in (0, 64):
        model = DESCRIBED.model_copy(update={"landmarks": landmarks, "heads": 1})
        found = embed_store(run(planted, model=model, max_epochs=1).checkpoint, fresh.store)
        agreement.append((found.vectors * unit_norm(fresh.targets.vectors)).sum(axis=1).mean())
    assert agreement[1] > agreement[0] + 0.1


def test_tracks_are_compared_at_every_pitch(world, monkeypatch):
    given = []
    monkeypatch.setattr(KernelRidge, "learn", lambda self, x, y, *, seed: given.extend(map(len, x)))
    run(world, max_epochs=1, pitch_shift=1.0)
    assert given == [3] * len(world.targets)


def test_nobodys_tracks_teach_no_discriminants(world, monkeypatch):
    given = []
    monkeypatch.setattr(
        Discriminants, "learn", lambda self, told, artists, *, seed: given.extend(artists)
    )
    nobody = set(world.targets.ids[:4])
    groups = {
        i: artist_key("Various Artists", track_id=i) if i in nobody else a
        for i, a in world.groups.items()
    }
    run(replace(world, groups=groups), max_epochs=1)
    assert {groups[i] for i in nobody} <= set(given) and len({groups[i] for i in nobody}) == 4


@pytest.mark.parametrize("how", ["artists of one track", "lengths"])
def test_it_is_silent_where_it_has_nothing_to_go_by(world, how):
    groups = {i: i for i in world.targets.ids} if how == "artists of one track" else world.groups
    changes = {"loss": "mse"} if how == "lengths" else {}
    result = run(replace(world, groups=groups), max_epochs=1, **changes)
    assert result.checkpoint.weights[LIKENESS + "speaks"] == 0
    assert np.isfinite(embed_store(result.checkpoint, world.store).vectors).all()


def test_few_tracks_are_gone_through_more_often(world):
    few = run(world, max_epochs=2, patience=100)
    often = run(world, max_epochs=2, patience=100, min_steps=40)
    steps = -(-len(world.targets) * 9 // 10 // 16)
    assert len(few.history) == 2
    assert len(often.history) >= 40 // (steps + 1)


def test_what_was_heard_before_cannot_be_moved(world):
    frozen = ModelConfig(encoder="musicnn", head="dense")
    with pytest.raises(ParameterError, match="pitch_shift=1 .*'musicnn' has heard it before"):
        run(world, model=frozen, pitch_shift=1.0)
